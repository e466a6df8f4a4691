"""A project for every vendor: one table, one data migration that must not be applied twice, one slow statement."""
