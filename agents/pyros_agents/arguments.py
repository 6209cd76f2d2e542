"""How commands name a place of the sky: ICRS, in degrees, checked before they are accepted."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

RightAscension = Annotated[float, Field(ge=0, lt=360, description="ICRS, degrees")]
Declination = Annotated[float, Field(ge=-90, le=90, description="ICRS, degrees")]
