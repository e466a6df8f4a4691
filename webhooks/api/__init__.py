"""The operators' API: what came in, what went out, what is about to. It only reads; changes are made in the admin."""
