"""Payment webhooks in, one recovery SMS out for a PIX payment that is left waiting."""
