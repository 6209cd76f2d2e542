"""What joins agents with other frameworks; one room each, behind an extra of its name."""
