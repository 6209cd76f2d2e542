"""What is kept of an alert."""

from django.db import models


class Alert(models.Model):
    """One event that somebody wants observed; its position in degrees, ICRS."""

    event = models.CharField(max_length=100, unique=True)
    right_ascension = models.FloatField()
    declination = models.FloatField()
    received = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        """As people call it."""
        return str(self.event)
