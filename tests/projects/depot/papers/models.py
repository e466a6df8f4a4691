"""An app without migrations."""
