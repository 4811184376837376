"""What the dense engine's residual stream holds of registers and memory, by the names and forms that the model carries.

Tokens do not say everything: constants of LUI, AUIPC and links are worked out again wherever they are read, stores
are kept as keys and values of heads. A head's key and value are affine forms of named directions (the model's graph
says which), so what a position offers to the heads that fetch registers and bytes can be read there.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from seme.core.errors import UsageError
from seme.ir import Attend, Form, parse
from seme.model.artifact import Artifact

LANES = 4
ASIDE = 32
"""Names of registers from here on are the machine's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An affine form of directions of the stream.

    Attributes:
        directions: [n] which.
        matrix: [n, width].
        bias: [width].
    """

    directions: np.ndarray
    matrix: np.ndarray
    bias: np.ndarray

    def __call__(self, stream: np.ndarray) -> np.ndarray:
        """Its value, for one position's stream."""
        return stream[self.directions] @ self.matrix + self.bias


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What a position offers to a head that looks for the latest of a key.

    Attributes:
        place: Where the stream is read: a hook's name.
        key: Bits of the key, and whether the position offers anything: at least 0 where it does.
        value: Bits.
    """

    place: str
    key: Reading
    value: Reading

    def __call__(self, stream: np.ndarray) -> tuple[int, int] | None:
        """The key and the value as numbers, or None."""
        *key, offered = self.key(stream)
        return (_number(np.array(key) / 2 + 0.5), _number(self.value(stream))) if offered > -1 else None


class Witness:
    """Sees a dense stream as it goes; its `hook` is the stream's.

    Args:
        artifact: The machine.

    Raises:
        UsageError: The model does not carry its graph and the names of its directions.
    """

    def __init__(self, artifact: Artifact):
        meaning = artifact.meaning
        if not artifact.graph or "spaces" not in meaning:
            raise UsageError(
                "the model does not say what its directions mean, so registers cannot be read in its stream",
                hint="use --engine sparse, or make the model again with seme machine",
            )
        first = {space["name"]: space["first_direction"] for space in meaning["spaces"]}
        layer = {write.split(".")[0]: head["layer"] for head in meaning["heads"] for write in head["writes"]}
        nodes = {node.name.split("~")[0]: node for node in parse(artifact.graph).nodes if isinstance(node, Attend)}
        self._register = _store(nodes["rs1"], layer, first)
        self._lanes = [_store(nodes[f"lane{lane}"], layer, first) for lane in range(LANES)]
        self._fetched = {
            name: (f"blocks.{layer[nodes[name].name]}.hook_resid_mid", first[nodes[name].name] + 2 * np.arange(32))
            for name in ("rs1", "rs2")
        }
        self._places = {store.place for store in (self._register, *self._lanes)}
        self._places |= {place for place, _ in self._fetched.values()}
        self._kept: dict[str, list[np.ndarray]] = defaultdict(list)
        self._from = 0

    def hook(self, name: str, value: Tensor) -> None:
        """Keeps the last position of what is read later."""
        if name in self._places:
            self._kept[name].append(value[0, -1].double().cpu().numpy().copy())

    def begin(self) -> None:
        """The position read last is counted as 0."""
        for kept in self._kept.values():
            del kept[:-1]
        self._from = 0

    def forget(self, before: int) -> None:
        """Forgets all positions before one."""
        for kept in self._kept.values():
            del kept[: before - self._from]
        self._from = max(before, self._from)

    def written(self, at: int) -> tuple[int, int] | None:
        """The register that a position writes, and the value."""
        found = self._register(self._kept[self._register.place][at - self._from])
        return None if found is None or found[0] >= ASIDE else found

    def stored(self, at: int) -> dict[int, int]:
        """The bytes that a position stores, by address."""
        found = [(lane, store(self._kept[store.place][at - self._from])) for lane, store in enumerate(self._lanes)]
        return {4 * both[0] + lane: both[1] & 255 for lane, both in found if both is not None}

    def fetched(self, at: int) -> tuple[int, int]:
        """What the two heads that fetch registers brought to a position."""
        one, other = (
            _number(self._kept[place][at - self._from][directions]) for place, directions in self._fetched.values()
        )
        return one, other


def _store(node: Attend, layer: dict[str, int], first: dict[str, int]) -> Store:
    # The last component of a key says whether it is offered, and its position besides, which matters to the head alone.
    plain = Form(terms=tuple((name, m) for name, m in node.key.terms if name != "position"), bias=node.key.bias)
    return Store(
        place=f"blocks.{layer[node.name]}.hook_resid_pre",
        key=_reading(plain, first),
        value=_reading(node.value, first),
    )


def _reading(form: Form, first: dict[str, int]) -> Reading:
    directions = [first[name] + 2 * np.arange(len(matrix)) for name, matrix in form.terms]
    return Reading(
        directions=np.concatenate(directions),
        matrix=np.concatenate([matrix for _, matrix in form.terms]),
        bias=form.bias,
    )


def _number(bits: np.ndarray) -> int:
    return sum(1 << i for i, bit in enumerate(bits) if bit > 0.5)
