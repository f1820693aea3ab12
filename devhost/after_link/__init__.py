"""What is done to a linked component, in bytes; each module is one tool (`docs/cold-request.md`)."""
