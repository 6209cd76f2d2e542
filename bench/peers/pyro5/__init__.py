"""Pyro5."""
