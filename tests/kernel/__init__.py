"""The kernel tier: Debian's kernel and Open vSwitch's kernel datapath in an emulated machine."""
