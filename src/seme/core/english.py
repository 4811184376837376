"""Real English that every Python carries."""

from __future__ import annotations

import random
from pydoc_data import topics


def default_text() -> str:
    """Gives the topics of Python's reference manual in a fixed order that is not the alphabet's.

    Neighbours in the alphabet are about the same thing: a part cut off for testing would be about another.

    >>> "assert" in default_text()
    True
    """
    order = sorted(topics.topics)
    random.Random(0).shuffle(order)
    return "\n".join(topics.topics[name] for name in order)
