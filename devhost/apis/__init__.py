"""The APIs that stores are written through, on loopback, to try publishing without an account."""
