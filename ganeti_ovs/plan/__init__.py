"""(wanted, found) -> OVSDB operations. Pure."""
