"""A small Django project whose application has an agent."""
