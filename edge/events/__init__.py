"""The way of events to Statsig: those that the service exposes, and those that clients hand over."""
