"""The suites on the versions that users have: of Django, of Python, of databases and of drivers."""
