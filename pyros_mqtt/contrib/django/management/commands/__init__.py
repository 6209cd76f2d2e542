"""`manage.py runagent` and `manage.py agents`."""
