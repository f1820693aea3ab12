"""What runs on a developer's machine: build the component, serve it, catch its events."""
