"""Whether everything is linked, readable, fresh and allowed."""
