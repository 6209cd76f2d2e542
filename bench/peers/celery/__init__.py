"""Celery over Redis."""
