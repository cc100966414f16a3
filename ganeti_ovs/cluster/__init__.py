"""The border to Ganeti: environments, tags, NIC files."""
