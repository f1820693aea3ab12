"""The events that a service stored, and those that a local sink received."""
