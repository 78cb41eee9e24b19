"""What a contract must be to be served: one module per part of it, each yielding everything it finds."""
