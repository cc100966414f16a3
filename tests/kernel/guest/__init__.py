"""What runs inside the emulated machine, on /usr/bin/python3 and its standard library alone."""
