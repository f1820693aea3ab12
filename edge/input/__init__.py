"""What a request says: its query, its body as each kind of client sends it, its user."""
