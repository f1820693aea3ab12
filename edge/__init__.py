"""One request: read the spec through ports, evaluate, reply, report exposures."""
