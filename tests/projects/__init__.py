"""Tiny Django projects with migrations to run."""
