"""The border to the kernel and its files: links, addresses, locks."""
