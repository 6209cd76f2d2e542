"""AWS's Common Runtime."""
