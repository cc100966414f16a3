"""Open vSwitch support for Ganeti."""

__version__ = "0.1.0"
