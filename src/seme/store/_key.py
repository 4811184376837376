"""The key of a run: a hash of its configuration, the same on every machine and Python version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from seme.core.errors import UsageError


def canonical_json(value: Any) -> str:
    """Writes a JSON value in the one form that is hashed: sorted keys, no spaces, no NaN.

    Args:
        value: Mappings with string keys, lists, tuples, strings, finite numbers, booleans and None.

    Returns:
        The text. Tuples become lists; `1` and `1.0` stay different, as they are in JSON.

    Raises:
        UsageError: Something in the value has no JSON form, or is NaN or infinite.

    >>> canonical_json({"b": (1, 2), "a": 0.5})
    '{"a":0.5,"b":[1,2]}'
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"a configuration must be plain JSON to be hashed, got {value!r}: {error}",
            hint="use strings, finite numbers, booleans, None, lists and dicts with string keys",
        ) from error


def content_key(study: str, configuration: Mapping[str, Any]) -> str:
    """The key under which a run is stored.

    Args:
        study: Name of the study; equal configurations of two studies are two runs.
        configuration: Everything that decides the result, the seed and the version of the method included.

    Returns:
        64 hexadecimal digits (SHA-256 of the study's name and the canonical JSON).

    >>> content_key("demo", {"width": 64, "seed": 0}) == content_key("demo", {"seed": 0, "width": 64})
    True
    """
    return hashlib.sha256(f"{study}\n{canonical_json(dict(configuration))}".encode()).hexdigest()
