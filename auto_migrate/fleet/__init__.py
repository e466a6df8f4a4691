"""A database with a schema for each tenant, brought to where the code needs it in one run."""
