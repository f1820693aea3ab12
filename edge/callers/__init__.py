"""Who asks, and what they may: keys, what a client key sees, how often it may ask, from which pages."""
