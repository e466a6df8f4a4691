"""The statements that the running release sends: recorded by its tests or counted by the server, and what they use."""
