"""Tenants, users and keys as operators manage them."""
