"""What Ganeti runs around operations."""
