"""Telling people where they are: what happened in a run, as messages of the services that the setting NOTIFY names."""
