"""gnt-ovs, for people."""
