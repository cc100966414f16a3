"""What Ganeti runs when a guest's tap appears or goes."""
