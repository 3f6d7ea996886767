"""The version of this package, which is Teller's."""

__version__ = "0.2.0"
