"""Migrations whose statements take as long as a row in the database says."""
