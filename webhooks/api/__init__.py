"""The operators' API: what came in, what went out, what is about to. It reads; what it
changes is who wants no SMS. All else is decided in the admin."""
