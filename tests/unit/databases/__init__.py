"""Adapters, as far as they need no server."""
