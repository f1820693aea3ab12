"""Publishing: what is written and in which order, what is kept, what may go."""
