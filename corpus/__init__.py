"""Public packages and applications with migrations, each migrated by stock Django and by both commands of this app."""
