"""Fastly's bindings behind our ports: the one place that imports `wit_world`."""
