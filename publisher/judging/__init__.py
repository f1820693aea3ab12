"""What is wrong with a spec, and what it changes."""
