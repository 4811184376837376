"""The interpreter of trace programs, unrolled into one Python function: the same meaning, some 30 times faster."""

from __future__ import annotations

from seme.core.errors import ProgramError
from seme.lang.trace import TraceProgram
from seme.lang.trace.words import Bank, Before, Field, Found, Later, Part, Stairs, Step, Sum, Tables, Within


class Unrolled:
    """The tokens so far; the interface of `Tracer`.

    Args:
        program: The program. Running sums are not known here.
    """

    def __init__(self, program: TraceProgram):
        self.program = program
        order = program.words()
        self._at = {id(node): f"v{i}" for i, node in enumerate(order)}
        self._state: dict = {"found": {}, "past": {}, "fields": {}, "rows": {}, "t": 0}
        lines = ["def step(row, t):"]
        for i, node in enumerate(order):
            lines += [f"    {line}" for line in self._line(i, node)]
        lines.append(f"    return ({', '.join(self._at[id(w)] for w in program.emit.values())},), locals()")
        space = {"S": self._state, "ProgramError": ProgramError, "bad": self._bad}
        exec("\n".join(lines), space)
        self._step = space["step"]
        self._emitted = program.emitted()
        self._order = order
        self.length = 0
        self._key: tuple[int, ...] = ()
        self.locals: dict = {}

    def _bad(self, i, value):
        node = self._order[i]
        raise ProgramError(f"`{node.name}` is {value} after {self.length} tokens ({node.source})", hint="")

    def _tuple(self, words):
        return "(" + "".join(f"{self._at[id(word)]}," for word in words) + ")"

    def _line(self, i, node):
        v, at = f"v{i}", self._at
        check = True
        match node:
            case Field():
                self._state["fields"][i] = node.values
                lines, check = [f"{v} = S['fields'][{i}][row]"], False
            case Sum():
                terms = " + ".join(f"{w}*{at[id(x)]}" if w != 1 else at[id(x)] for w, x in node.terms)
                lines = [f"{v} = {node.constant}" + (f" + {terms}" if terms else "")]
            case Bank():
                lines = [f"{v} = 0"]
                for w, x in node.terms:
                    lines.append(f"if {at[id(x)]} > 0: {v} += {w}*{at[id(x)]}")
            case Step():
                lines, check = [f"{v} = 1 if {at[id(node.of)]} >= {node.least} else 0"], False
            case Stairs():
                lines = [f"{v} = max(0, {at[id(node.of)]} // {node.rise})"]
            case Tables():
                self._state["rows"][i] = node.rows
                lines, check = [f"{v} = S['rows'][{i}][{at[id(node.of)]} - {node.of.lo}]"], False
            case Found():
                self._state["found"][i] = {}
                put = f"f[{self._tuple(node.key)}] = {self._tuple(node.values)}"
                if node.first:
                    put = f"f.setdefault({self._tuple(node.key)}, {self._tuple(node.values)})"
                lines = [f"f = S['found'][{i}]", f"if {at[id(node.where)]}: {put}"]
                lines.append(f"{v} = f.get({self._tuple(node.query)}, {node.default!r})")
                check = False
            case Before():
                self._state["past"][i] = [node.default] * node.offset
                values = "(" + "".join(f"{at[id(w)]}," for w in node.values) + ")"
                lines = [f"p = S['past'][{i}]", f"{v} = p[t % {node.offset}]", f"p[t % {node.offset}] = {values}"]
                check = False
            case Part():
                lines, check = [f"{v} = {at[id(node.of)]}[{node.index}]"], False
            case Within():
                lines = [f"{v} = {at[id(node.of)]}"]
            case Later():
                lines = [f"{v} = {at[id(node.parts()[0])]}"]
            case _:
                raise TypeError(type(node).__name__)
        if check:
            lines.append(f"if not {node.lo} <= {v} <= {node.hi}: bad({i}, {v})")
        return lines

    def read(self, row: int) -> None:
        self._key, self.locals = self._step(row, self.length)
        self.length += 1

    def value(self, word) -> int:
        return self.locals[self._at[id(word)]]

    def next(self) -> int:
        if self._key not in self._emitted:
            told = ", ".join(f"{n}={v}" for n, v in zip(self.program.emit, self._key, strict=True) if v)
            raise ProgramError(f"no token has {told} (after {self.length} tokens)", hint="")
        return self._emitted[self._key]
