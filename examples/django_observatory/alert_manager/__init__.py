"""Takes alerts and keeps them."""
