"""A model written seme by seme."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from seme.compiler.builder import Builder
from seme.compiler.lower import Lowered, lower_into
from seme.compiler.outputs import Output, unembed
from seme.compiler.pipeline import Activation, arrange, build, check_options, refusal
from seme.compiler.values import Carrier, Value, number, onehot, relabel
from seme.core.errors import NotProvedError, ProgramError
from seme.exchange import Model as Weights
from seme.hand import heads, hidden, logic, outputs
from seme.hand.semes import LOGICAL, Domain, Formula, Part, Seme, Space, as_formula, domain_of
from seme.ir import Embed, Form, Graph, constant_form, stack_forms
from seme.ir import Space as GraphSpace
from seme.lang import expressions as e
from seme.lang.expressions import source_line
from seme.lang.program import program


class Model:
    """A transformer in the making: spaces, neurons and heads are added one by one, then compiled to weights.

    Args:
        vocab: The tokens a user may give.
        max_length: The most tokens a user may give.
        causal: Whether heads see only keys up to the query.
        name: What to call the model.
        robust: From 0 to 2: how many more neurons compiled parts may spend on wiping out noise.

    Attributes:
        token: The token itself: a space with a seme for every word of the vocabulary.
        position: The index of the token: 0, 1, 2 ...

    >>> from seme import hand
    >>> model = hand.Model(vocab="ab", max_length=5)
    >>> letter = model.tokens("letter", {"a": "a", "b": "b"})
    >>> before = model.head("before", query=model.position, key=model.position,
    ...                     where=lambda key, query: key == query - 1, value=letter)
    >>> twice = model.neuron("twice", (letter["a"] & before["a"]) | (letter["b"] & before["b"]))
    >>> model.output("output", {"again": twice}, otherwise="new")
    >>> model.compile()("abba")
    ['new', 'new', 'again', 'new']
    """

    def __init__(self, *, vocab: Iterable[Any], max_length: int, causal: bool = False, name: str = "", robust: int = 0):
        closed = program(e.Tokens(), vocab=vocab, max_length=max_length, causal=causal, name=name)
        self._program = replace(closed, outputs={})
        self._builder = Builder(vocab_size=len(closed.vocab), max_length=max_length, causal=causal)
        self._robust = robust
        self._names: set[str] = set()
        self._outputs: list[Output] = []
        self._known: dict[int, Value] = {}
        self._kept: list[e.Sequence] = []  # what `_known` calls by id must stay alive
        self._atoms = self._lower({"token": e.Tokens(name="token"), "position": e.Positions(name="position")})
        self._start("token", closed.vocab)
        self.token = self._embedded("token", closed.vocab, np.eye(len(closed.vocab)), "token")
        self._start("position", ("index",))
        index = self._embedded("position", ("index",), np.arange(float(max_length))[:, None], "position")
        self.position = replace(index["index"], name="position", value=self._atoms["position"])

    def tokens(self, name: str, semes: Mapping[str, Iterable[Any] | Mapping[Any, float]]) -> Space:
        """Names a space of what tokens are.

        Args:
            name: The space's name.
            semes: For each seme the tokens that have it, or a mapping of tokens to numbers (0 where left out).

        Raises:
            ProgramError: The name is empty or taken, or a token is not in the vocabulary.
        """
        return self._described(name, semes, "token", self._program.vocab)

    def positions(self, name: str, semes: Mapping[str, Callable[[int], float] | Iterable[int]]) -> Space:
        """Names a space of what positions are.

        Args:
            name: The space's name.
            semes: For each seme the positions that have it, or a function from the position to a number or a boolean.
        """
        places = tuple(range(self._program.max_length))
        described = {
            label: {i: float(which(i)) for i in places} if callable(which) else set(which) & set(places)
            for label, which in semes.items()
        }
        return self._described(name, described, "position", places)

    def neuron(self, name: str, formula: Formula) -> Seme:
        """One neuron: 1 where the formula holds, else 0.

        Args:
            name: The neuron's name.
            formula: Semes that are 0 or 1, comparisons of others with numbers, and `&`, `|`, `~` of these.

        Raises:
            ProgramError: A seme in the formula can be something else than 0 or 1.
        """
        return replace(self.space(name, {"on": formula})["on"], name=name)

    def space(self, name: str, semes: Mapping[str, Formula]) -> Space:
        """Names a space whose semes are formulas, one neuron each.

        Args:
            name: The space's name.
            semes: For each seme what it stands for.
        """
        self._start(name, semes)
        named = {label: as_formula(formula) for label, formula in semes.items()}
        form = stack_forms(logic.formulas(self._builder, name, named, self))
        return self._space(name, tuple(named), form, [LOGICAL] * len(named))

    def hidden(
        self,
        name: str,
        size: int,
        *,
        read: Mapping[Seme, Sequence[float]],
        bias: Sequence[float],
        write: Mapping[str, Sequence[float]],
    ) -> Space:
        """Anonymous hidden semes x1 x2 ... with explicit weights, written to the named semes of a new space.

        Args:
            name: The space's name.
            size: Number of hidden semes.
            read: For every seme read, its weight into each hidden seme.
            bias: One for each hidden seme.
            write: For every new seme, the weight of each hidden seme in it.

        Raises:
            ProgramError: Weights do not fit the number of hidden semes, or one of these reads nothing.
        """
        self._start(name, write)
        for seme in read:
            self._own(seme)
        form, domains = hidden.hidden(self._builder, name, size, read, bias, write)
        return self._space(name, tuple(write), form, domains)

    def head(
        self,
        name: str,
        *,
        query: Seme | Space,
        key: Seme | Space,
        value: Seme | Space,
        where: heads.Where | None = None,
        nothing: str | Mapping[str, float] | None = None,
    ) -> Space:
        """One head: at every position, the mean of what the keys it attends to hold.

        Args:
            name: The name of the space it writes.
            query: The position, a seme that is 0 or 1, or a space with always one seme on.
            key: The same, of the keys.
            value: The semes that are brought along; the new space has semes of the same names.
            where: Called with the value of a key and of a query (an index, a boolean, a seme's name); keys for which
                it is true are attended to. Without it, those whose value is the query's.
            nothing: What is written where no key is attended to: the name of the one seme that is 1 then, or numbers
                by name; all zero when left out.

        Raises:
            ProgramError: Keys and queries lie in different spaces and there is no `where`, or no key is ever found.
        """
        for thing in (query, key, value):
            self._own(thing)
        semes = value.semes if isinstance(value, Space) else (value,)
        labels = value.labels if isinstance(value, Space) else (value.name.rpartition(".")[2],)
        self._start(name, labels)
        rule = heads.selection(name, heads.carried(query, "query"), heads.carried(key, "key"), where)
        default = _default(name, labels, nothing)
        form, domains, one = heads.attend(self._builder, name, rule, semes, tuple(map(str, labels)), default)
        space = self._space(name, labels, form, domains)
        if not (one and isinstance(value, Space) and value.value is not None and all(d.logical for d in domains)):
            return space
        carrier = Carrier(kind="onehot", size=len(labels), form=form, name=name)
        return replace(space, value=Value(carrier=carrier, table=labels))

    def compiled(self, expression: e.Sequence, name: str = "") -> Part:
        """A part written in `seme.lang`, with a seme for every value it can have.

        Args:
            expression: Any sequence of the language; it may read what is made by hand through `sequence`.
            name: The part's name; the expression's own when left out.
        """
        name = name or expression.name
        self._start(name, ("value",))
        value = self._lower({name: expression})[name]
        whole = self._number(name, value) if value.numeric else None
        if value.lattice is not None:
            self._names.add(name)
            return Part(name=name, labels=(), semes=(), owner=self, number=whole)
        self._builder.note = f"{name} ({expression.source})"
        form = onehot(self._builder, value, name, robust=self._robust)
        space = self._space(name, value.classes, form, [LOGICAL] * len(value.classes))
        return Part(name=name, labels=space.labels, semes=space.semes, owner=self, value=value, number=whole)

    def sequence(self, thing: Seme | Space) -> e.Sequence:
        """What is made by hand, as a sequence of the language: to be read by a compiled part of this model.

        Args:
            thing: A seme that is 0 or 1 (booleans in the language), the position (numbers), or a space with always
                one seme on (the names of the semes).
        """
        self._own(thing)
        leaf = e.Sequence(name=thing.name)
        self._known[id(leaf)] = heads.carried(thing, "sequence")
        self._kept.append(leaf)
        return leaf

    def output(self, name: str, what: Seme | Space | Mapping[Any, Formula], *, otherwise: Any = None) -> None:
        """Adds an output.

        Args:
            name: Its name; a model with a single output named "output" answers with a list.
            what: For each label the formula under which it is the answer: the first that holds counts. Or a space
                with always one seme on: the answer is its name. Or one seme: the answer is a number.
            otherwise: The label where no formula holds.

        Raises:
            ProgramError: A space has not always one seme on, or a mapping comes without `otherwise`.
        """
        self._start(f"output:{name}" if name else "", ("value",))
        made = self._labelled(name, what, otherwise) if isinstance(what, Mapping) else self._read_as_is(name, what)
        self._outputs.append(made)
        self._names.add(f"output:{name}")

    def graph(self) -> Graph:
        """The graph of what was written so far.

        Raises:
            ProgramError: There is no output.
        """
        if not self._outputs:
            raise ProgramError("the model has no output", hint='model.output("answer", {"yes": seme}, otherwise="no")')
        return self._builder.graph()

    def ideal(self, xs: Iterable[Any]) -> Any:
        """What the model answers by definition, computed on the graph: the oracle its weights are held against.

        Args:
            xs: The user's tokens.
        """
        ids = [self._program.vocab.index(x) for x in self._program.check_input(xs)]
        answers = outputs.ideal(self.graph(), tuple(self._outputs), ids)
        return answers["output"] if list(answers) == ["output"] else answers

    def compile(self, *, dtype: str = "float32", activation: Activation = "relu") -> Weights:
        """The weights, proved exact.

        Args:
            dtype: The float type the weights are proved for and kept in.
            activation: "relu" or "gelu".

        Raises:
            NotProvedError: They cannot be proved exact at this length in this float type.
        """
        check_options(dtype, activation)
        lowered = Lowered(graph=self.graph(), outputs=tuple(self._outputs))
        decided = arrange(lowered, dtype=dtype, activation=activation, named=frozenset(self._names))
        if not decided.certificate.proved:
            error = refusal(self._program, decided, dtype)
            more = ", or hand.Model(..., robust=2)" if self._robust < 2 else ""
            raise NotProvedError(error.message, hint=error.hint + more)
        return Weights(build(decided, self._program, activation=activation))

    # What the public words share.

    def _start(self, name: str, labels: Iterable[Any]) -> None:
        """Refuses names that are empty or taken; what is added next comes from this line."""
        line = source_line()
        if not name or not isinstance(name, str):
            raise ProgramError(f"a space has no name ({line})", hint="every space is called something")
        if name in self._names:
            raise ProgramError(f"two spaces are named `{name}` ({line})", hint="names are unique within a model")
        if not list(labels):
            raise ProgramError(f"space `{name}` has no semes ({line})", hint="give it at least one")
        self._builder.note = f"{name} ({line})"

    def _own(self, thing: Seme | Space) -> None:
        if not isinstance(thing, (Seme, Space)):
            raise ProgramError(
                f"expected a seme or a space, got {type(thing).__name__}",
                hint="name a formula first: model.neuron(name, formula)",
            )
        if thing.owner is not self:
            raise ProgramError(f"`{thing.name}` belongs to another model", hint="build all parts with one hand.Model")

    def _space(self, name: str, labels: tuple[Any, ...], form: Form, domains: Sequence[Domain]) -> Space:
        self._names.add(name)
        columns = np.eye(len(labels))
        semes = tuple(
            Seme(name=f"{name}.{label}", form=form @ columns[:, i : i + 1], domain=domains[i], owner=self)
            for i, label in enumerate(labels)
        )
        return Space(name=name, labels=labels, semes=semes, owner=self)

    def _described(
        self, name: str, semes: Mapping[str, Any], source: Literal["token", "position"], atoms: tuple[Any, ...]
    ) -> Space:
        self._start(name, semes)
        rows = np.zeros((len(atoms), len(semes)))
        for column, (label, which) in enumerate(semes.items()):
            given = dict(which) if isinstance(which, Mapping) else dict.fromkeys(which, 1.0)
            for atom, value in given.items():
                if atom not in atoms:
                    raise ProgramError(
                        f"seme `{name}.{label}` is about {source} {atom!r}, which the model does not know",
                        hint='tokens of several characters go into a list: ["one", "two"]',
                    )
                rows[atoms.index(atom), column] = value
        return self._embedded(name, tuple(semes), rows, source)

    def _embedded(
        self, name: str, labels: tuple[Any, ...], rows: np.ndarray, source: Literal["token", "position"]
    ) -> Space:
        node = Embed(
            space=GraphSpace(name=name, semes=tuple(map(repr, labels)) if source == name else labels),
            lo=rows.min(axis=0),
            hi=rows.max(axis=0),
            source=source,
            table=rows,
        )
        domains = [domain_of(set(column)) for column in rows.T.tolist()]
        space = self._space(name, labels, self._builder.add(node, apart=True), domains)
        if not (np.isin(rows, (0.0, 1.0)).all() and (rows.sum(axis=1) == 1).all()):
            return space
        table = tuple(labels[i] for i in rows.argmax(axis=1))
        return replace(space, value=relabel(self._atoms[source], table, "category"))

    def _lower(self, sequences: Mapping[str, e.Sequence]) -> dict[str, Value]:
        self._kept += sequences.values()
        return lower_into(self._builder, replace(self._program, outputs=sequences), self._known, robust=self._robust)

    def _number(self, name: str, value: Value) -> Seme:
        form = number(self._builder, value, robust=self._robust)
        if value.lattice is not None:
            domain = Domain(lo=value.lattice.lo, hi=value.lattice.hi)
        else:
            domain = domain_of({float(v) for v in value.classes})
        return Seme(name=f"{name}.number", form=form, domain=domain, owner=self)

    def _read_as_is(self, name: str, what: Seme | Space) -> Output:
        self._own(what)
        if isinstance(what, Part) and what.value is not None:
            return unembed(self._builder, name, what.value, e.Sequence(name=what.name), robust=self._robust)
        whole = what.number if isinstance(what, Part) else what
        if isinstance(whole, Seme):
            return outputs.one_number(self._builder, name, whole.form, whole.domain)
        heads.carried(what, "output")
        assert isinstance(what, Space)
        logits = stack_forms([seme.form for seme in what.semes])
        return outputs.category(self._builder, name, logits, what.labels, 1.0)

    def _labelled(self, name: str, what: Mapping[Any, Formula], otherwise: Any) -> Output:
        if not what or otherwise is None or otherwise in what:
            raise ProgramError(
                f"output `{name}` needs a formula for each label and one more label for `otherwise`",
                hint='model.output("answer", {"yes": seme}, otherwise="no")',
            )
        forms: list[Form] = []
        for rank, (label, formula) in enumerate(what.items()):
            if isinstance(formula, Seme):
                form = logic.logical(formula, self).form
            else:
                form = logic.formulas(self._builder, f"{name}:{label}", {"on": as_formula(formula)}, self)[0]
            # The first that holds has the largest logit; `otherwise` has a half, more than one that does not hold.
            forms.append(form @ np.array([[float(len(what) - rank)]]))
        logits = stack_forms([*forms, constant_form([0.5])])
        return outputs.category(self._builder, name, logits, (*what, otherwise), 0.5)


def _default(name: str, labels: tuple[Any, ...], nothing: str | Mapping[str, float] | None) -> np.ndarray:
    """What a head writes where it finds no key."""
    given = {} if nothing is None else dict(nothing) if isinstance(nothing, Mapping) else {nothing: 1.0}
    for label in given:
        if label not in labels:
            raise ProgramError(
                f"head `{name}` writes {label!r} where nothing is found, "
                f"expected one of {', '.join(map(repr, labels))}",
                hint="it writes semes of the same names as its value's",
            )
    return np.array([float(given.get(label, 0.0)) for label in labels])


__all__ = ["Model"]
