"""Abouts -> an AsyncAPI 3 document (https://www.asyncapi.com/docs/reference/specification/v3.0.0).

Pure: whoever asks has gathered the abouts. `document` lays out servers, channels and operations,
`forms` says in JSON Schema what the protocol says in words, `schemas` brings in what agents say of
their arguments.
"""

from pyros_mqtt.asyncapi.document import document

__all__ = ["document"]
