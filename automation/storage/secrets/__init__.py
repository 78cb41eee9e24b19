"""Secrets as they are stored: encrypted by the API, decrypted by workers, encrypted anew for another key."""
