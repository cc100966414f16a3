"""The border to Open vSwitch: transact, wait until applied, read rows."""
