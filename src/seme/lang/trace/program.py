"""A trace program: a vocabulary of tokens with fields, and how the next token follows from the history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from seme.core.errors import InputError, ProgramError
from seme.lang.trace.words import Field, Later, Part, Several, Word


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vocabulary:
    """Tokens and what their fields hold.

    Attributes:
        texts: A text for each token.
        fields: Name -> the field's value for each token; None where a token does not have the field.
    """

    texts: tuple[str, ...]
    fields: Mapping[str, tuple[int | None, ...]]
    rows: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", {text: row for row, text in enumerate(self.texts)})
        if len(self.rows) < len(self.texts) or not self.texts:
            raise ProgramError("two tokens of the vocabulary have the same text, or there is none", hint="rename them")

    def __getitem__(self, name: str) -> Field:
        """A field as a word: of the token at the position, 0 where that token does not have it.

        Raises:
            ProgramError: There is no such field.
        """
        self.check(name)
        values = tuple(value or 0 for value in self.fields[name])
        return Field(lo=min(values), hi=max(values), name=name, values=values)

    def check(self, name: str) -> None:
        """Sees that there is such a field.

        Raises:
            ProgramError: There is none.
        """
        if name not in self.fields:
            raise ProgramError(f"no field `{name}`", hint=f"the tokens have {', '.join(self.fields)}")

    def row(self, text: str) -> int:
        """The index of a token.

        Raises:
            InputError: There is no such token.
        """
        if text not in self.rows:
            raise InputError(
                f"unknown token {text!r}, expected one of {' '.join(self.texts[:12])} ...", hint="see the vocabulary"
            )
        return self.rows[text]


def vocabulary(tokens: Mapping[str, Mapping[str, int]]) -> Vocabulary:
    """A vocabulary from tokens with their fields.

    Args:
        tokens: Text of the token -> field -> value. A token need not have every field.

    >>> vocabulary({"a": {"kind": 0}, "b": {"kind": 1}}).row("b")
    1
    """
    names = dict.fromkeys(name for fields in tokens.values() for name in fields)
    fields = {name: tuple(own.get(name) for own in tokens.values()) for name in names}
    return Vocabulary(texts=tuple(tokens), fields=fields)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TraceProgram:
    """How the next token follows from the tokens so far.

    Attributes:
        vocabulary: The tokens.
        emit: Field -> the word it is to have in the next token. The fields named here tell all tokens apart.
        stops: Tokens after which the trace ends.
        longest: The most tokens a trace may have.
        name: What to call it.
    """

    vocabulary: Vocabulary
    emit: Mapping[str, Word]
    stops: tuple[str, ...]
    longest: int
    name: str = ""

    def words(self) -> list[Word | Several]:
        """Every word the next token depends on, each after those it is made from."""
        return ordered(self.emit.values())

    def emitted(self) -> dict[tuple[int | None, ...], int]:
        """The emitted fields of every token -> the token."""
        columns = [self.vocabulary.fields[name] for name in self.emit]
        return {key: row for row, key in enumerate(zip(*columns, strict=True))}


def trace_program(
    vocabulary: Vocabulary,
    *,
    emit: Mapping[str, Word],
    stops: Iterable[str] = (),
    longest: int,
    name: str = "",
) -> TraceProgram:
    """A checked trace program.

    Args:
        vocabulary: The tokens.
        emit: Field -> the word it is to have in the next token.
        stops: Tokens after which the trace ends.
        longest: The most tokens a trace may have; the weights are proved up to there.
        name: What to call it.

    Raises:
        ProgramError: A field is unknown, the emitted fields do not tell all tokens apart, a stop is no token, or a
            word depends on itself at the same position.
    """
    if not emit:
        raise ProgramError("the program emits no field", hint='trace_program(vocabulary, emit={"kind": word}, ...)')
    for field_name in emit:
        vocabulary.check(field_name)
    made = TraceProgram(vocabulary=vocabulary, emit=dict(emit), stops=tuple(stops), longest=longest, name=name)
    unknown = [stop for stop in made.stops if stop not in vocabulary.rows]
    if unknown:
        raise ProgramError(f"the stop {unknown[0]!r} is no token", hint="stops are texts of tokens")
    if longest < 1:
        raise ProgramError(f"longest is {longest}, expected at least 1")
    if len(made.emitted()) < len(vocabulary.texts):
        raise ProgramError(
            f"the emitted fields {', '.join(emit)} do not tell all tokens apart", hint="emit one more field"
        )
    made.words()
    return made


def ordered(words: Iterable[Word]) -> list[Word | Several]:
    """Words with all they are made from, parts first.

    Raises:
        ProgramError: A word depends on itself.
    """
    out: list[Word | Several] = []
    state: dict[int, bool] = {}
    stack: list[tuple[Word | Several, Iterator[Word | Several]]] = []

    def enter(node: Word | Several) -> None:
        if state.get(id(node)) is False:
            raise ProgramError(
                f"`{getattr(node, 'name', '') or 'a word'}` depends on itself at the same position",
                hint="what recurs must go through tokens: emit it in a field and read it back with latest or previous",
            )
        if id(node) not in state:
            state[id(node)] = False
            stack.append((node, iter(_made_from(node))))

    for word in words:
        enter(word)
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is not None:
                enter(following)
                continue
            stack.pop()
            state[id(node)] = True
            out.append(node)
    return out


def _made_from(node: Word | Several) -> tuple[Word | Several, ...]:
    if isinstance(node, Part):
        return (node.of,)
    return node.parts()


__all__ = ["Later", "TraceProgram", "Vocabulary", "ordered", "trace_program", "vocabulary"]
