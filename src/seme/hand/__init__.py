"""Models by hand, below programs: named spaces and semes, single neurons, single heads, mixed with compiled parts.

Takes semes and formulas over them, gives the same graph a program becomes, and by the same pipeline the same proved
weights. Imports `compiler`, `exchange`, `lang`, `ir` and `core`.
"""

from seme.hand.model import Model
from seme.hand.semes import Formula, Part, Seme, Space

__all__ = ["Formula", "Model", "Part", "Seme", "Space"]
