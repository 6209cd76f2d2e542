"""What is observed next, and how it is done, step by step."""
