"""A plan that has everything which a killed deploy can leave half done."""
