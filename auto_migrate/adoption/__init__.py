"""Migrations recorded as applied where the schema that is there proves that they were."""
