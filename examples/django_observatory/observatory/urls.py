"""The page of the agents, and nothing else."""

from django.urls import include, path

urlpatterns = [path("agents/", include("pyros_mqtt.contrib.django.urls"))]
