"""PyTango."""
