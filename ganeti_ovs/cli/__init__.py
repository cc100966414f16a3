"""gnt-ovs, for people and for the master's calls on a node."""
