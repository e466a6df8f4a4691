"""A migration that counts, so that it shows how often it was carried out; on every vendor."""
