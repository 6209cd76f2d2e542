"""Raw sockets."""
