"""The shop's page: what was recovered, what waits for somebody, what comes in, and how the service is."""
