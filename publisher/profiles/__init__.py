"""What `gatelet.toml` says: profiles of a source and its stores, and where their secrets are."""
