"""The version of the package, which its builds and fingerprints are made with."""

__version__ = "0.1.0"
