"""What JSON can say."""

from __future__ import annotations

from typing import Any

JSON = Any
"""None, bool, int, float, str, list of JSON, dict of str to JSON."""
