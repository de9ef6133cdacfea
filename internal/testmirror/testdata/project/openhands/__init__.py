"""A small agent in OpenHands' place."""

__version__ = "0.62.0"
