"""Settings for every test: hypothesis draws the same inputs on every machine, and a slow machine is no failure."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("seme", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("seme")
