"""`path("agents/", include("pyros_mqtt.contrib.django.urls"))` shows the status page there."""

from django.urls import path

from pyros_mqtt.contrib.django import views

app_name = "pyros"

urlpatterns = [path("", views.status, name="status")]
