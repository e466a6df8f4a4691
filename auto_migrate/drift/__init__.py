"""The schema that recorded migrations make, compared with the schema that is there."""
