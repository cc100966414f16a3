"""(desired, current) -> OVSDB operations, and changes as data. Pure."""
