"""The app that counts."""
