"""Brackets and quotes: oracles that read from left to right with a stack, and hand-derived answers."""

from __future__ import annotations

from typing import Any

from tests.corpus.case import Case


def shuffle_dyck(pairs: str) -> Any:
    """Whether each of the pairs, such as "()[]", is balanced by itself."""

    def judge(xs: list[str]) -> list[bool]:
        good = True
        for opening, closing in zip(pairs[::2], pairs[1::2], strict=True):
            alone = "".join(x for x in xs if x in (opening, closing))
            while opening + closing in alone:
                alone = alone.replace(opening + closing, "")
            good = good and not alone
        return [good for _ in xs]

    return judge


def dyck(xs: list[str]) -> list[str]:
    """T, P or F after every bracket, by a stack of what is open."""
    partners = {")": "(", "]": "[", "}": "{"}
    stack: list[str] = []
    broken = False
    answers = []
    for x in xs:
        if x not in partners:
            stack.append(x)
        elif not stack or stack.pop() != partners[x]:
            broken = True
        answers.append("F" if broken else "P" if stack else "T")
    return answers


def balanced_quotes(xs: list[str]) -> list[bool]:
    opened = False
    for x in xs:
        opened = opened != (x == '"')
    return [not opened for _ in xs]


def inside_quotes(xs: list[str]) -> list[bool]:
    answers, opened = [], False
    for x in xs:
        if x == '"':
            opened = not opened
            answers.append(False)
        else:
            answers.append(opened)
    return answers


def two_quotes(xs: list[str]) -> list[str]:
    answers, open_by = [], ""
    for x in xs:
        if x in ("'", '"'):
            if open_by == "":
                open_by = x
            elif open_by == x:
                open_by = ""
        answers.append(open_by)
    return answers


yes, no = True, False


def case(file: str, name: str, oracle: Any, *examples: tuple[Any, Any]) -> Case:
    return Case(file=file, name=name, oracle=oracle, examples=(*examples, ("", [])))


ONE_KIND = (
    ("(", "P"), (")", "F"), ("()", "PT"), (")(", "FF"), ("(())", "PPPT"), ("())(", "PTFF"), ("()()", "PTPT"),
    ("(" * 20, "P" * 20), (")" * 20, "F" * 20), ("(" * 10 + ")" * 10, "P" * 19 + "T"), ("()" * 10, "PT" * 10),
    ("(" * 9 + ")" * 11, "P" * 17 + "T" + "FF"),
)  # fmt: skip
TWO_KINDS = (
    *ONE_KIND, ("[]", "PT"), ("(]", "PF"), ("([)]", "PPFF"), ("([])", "PPPT"), ("()[]", "PTPT"), ("[(])", "PPFF"),
    ("(()]", "PPPF"), ("[[]](", "PPPTP"), ("[" * 10 + "]" * 9 + ")", "P" * 19 + "F"),
    ("([" * 5 + "])" * 5, "P" * 19 + "T"), ("(]()()", "PFFFFF"),
)  # fmt: skip
THREE_KINDS = (
    *TWO_KINDS, ("{}", "PT"), ("{)", "PF"), ("({[]})", "PPPPPT"), ("({[}])", "PPPFFF"),
    ("([{" * 3 + "}])" * 3, "P" * 17 + "T"), ("([{" * 3 + "}])" * 2 + "})", "P" * 16 + "F"),
)  # fmt: skip

CASES = (
    case("shuffle_dyck.py", "shuffle_dyck_1", shuffle_dyck("()"), ("(", [no]), (")", [no]), ("()", [yes] * 2),
         (")(", [no] * 2), ("(())()", [yes] * 6), ("())(", [no] * 4), ("(" * 10 + ")" * 10, [yes] * 20),
         (")" * 10 + "(" * 10, [no] * 20), ("(" * 20, [no] * 20)),
    case("shuffle_dyck.py", "shuffle_dyck_2", shuffle_dyck("()[]"), ("[", [no]), ("([)]", [yes] * 4), ("(]", [no] * 2),
         ("][", [no] * 2), ("[](", [no] * 3), ("([" * 5 + ")]" * 5, [yes] * 20), ("()" * 9 + "][", [no] * 20)),
    case("shuffle_dyck.py", "shuffle_dyck_3", shuffle_dyck("()[]{}"), ("}", [no]), ("({[)}]", [yes] * 6),
         ("{)", [no] * 2), ("()[]{}", [yes] * 6), ("()[]}{", [no] * 6), ("{" * 10 + "}" * 10, [yes] * 20),
         ("{" * 20, [no] * 20)),
    case("dyck.py", "dyck_1", dyck, *ONE_KIND),
    case("dyck.py", "dyck_2", dyck, *TWO_KINDS),
    case("dyck.py", "dyck_3", dyck, *THREE_KINDS),
    case("dyck.py", "dyck_1_causal", dyck, *ONE_KIND),
    case("dyck.py", "dyck_2_causal", dyck, *TWO_KINDS),
    case("quotes.py", "balanced_quotes", balanced_quotes, ("a", [yes]), ('"', [no]), ('""', [yes] * 2),
         ('"a"b', [yes] * 4), ('"a"b"', [no] * 5), ('"' * 20, [yes] * 20), ('"' * 19 + "a", [no] * 20)),
    case("quotes.py", "inside_quotes", inside_quotes, ("a", [no]), ('"', [no]), ('"a"b', [no, yes, no, no]),
         ('a"bc', [no, no, yes, yes]), ('""a', [no] * 3), ('"' + "a" * 19, [no] + [yes] * 19), ('"' * 20, [no] * 20)),
    case("quotes.py", "two_quotes", two_quotes, ("a", [""]), ("'", ["'"]), ("''", ["'", ""]), ("'\"'", ["'", "'", ""]),
         ("\"'\"'", ['"', '"', "", "'"]), ("\"a'", ['"'] * 3), ("'" * 16, ["'", ""] * 8),
         ("\"'" * 8, ['"', '"', "", "'", "'", ""] * 2 + ['"', '"', "", "'"])),
)  # fmt: skip
