REFUSED = "Django asks for a migration that is not atomic"
