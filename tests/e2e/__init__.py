"""The scripts, deploys and commands as people and platforms start them."""
