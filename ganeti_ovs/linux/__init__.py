"""The border to the kernel and to files: links, addresses, RARP, locks, how a program ends."""
