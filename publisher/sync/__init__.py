"""Pull, check, push, round after round."""
