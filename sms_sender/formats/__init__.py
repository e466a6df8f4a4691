"""How moments are written: shorter than Django's own, so that a list has room for them."""
