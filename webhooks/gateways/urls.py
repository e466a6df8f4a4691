"""The gateways' addresses. To be included last: a gateway's name takes no other address away."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from webhooks import gateways, views


class GatewayConverter(StringConverter):
    """Takes the names of gateways alone, those that are registered when it is asked."""

    def to_python(self, value: str) -> str:
        """Return the name, or raise `ValueError` so that the address is looked for elsewhere."""
        if value not in gateways.names():
            raise ValueError(value)
        return value


register_converter(GatewayConverter, "gateway")

urlpatterns = [
    path("<gateway:gateway>/", views.receive, name="gateway"),
    # Many gateways do not follow a redirect, or follow it with GET.
    path("<gateway:gateway>", views.receive),
]
