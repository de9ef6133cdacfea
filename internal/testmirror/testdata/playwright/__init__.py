"""A stand-in of rtbuild's tests for Playwright: it installs a browser as the real one does, and drives none."""

__version__ = "1.49.0"
