"""The operators' API: what came in, what went out, what is about to. It reads; what it changes is who wants no SMS, and
that deliveries which were not acted upon are processed again. All else is decided in the admin and on the panel."""
