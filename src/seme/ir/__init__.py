"""The intermediate representation: a typed graph over named spaces, its verifier, evaluator and text form.

Takes nodes of five kinds (Embed, Affine, Neurons, Attend, Unembed), gives a checked `Graph`. Everything
written by a person lowers to it; everything that makes weights starts from it. Imports `core` only.
"""

from seme.ir.evaluate import evaluate
from seme.ir.graph import (
    Affine,
    Attend,
    Embed,
    Form,
    Graph,
    Neurons,
    Node,
    Space,
    Unembed,
    begin_values,
    constant_form,
    form_at,
    stack_forms,
)
from seme.ir.text import dump, parse
from seme.ir.verify import verify

__all__ = [
    "Affine",
    "Attend",
    "Embed",
    "Form",
    "Graph",
    "Neurons",
    "Node",
    "Space",
    "Unembed",
    "begin_values",
    "constant_form",
    "dump",
    "evaluate",
    "form_at",
    "parse",
    "stack_forms",
    "verify",
]
