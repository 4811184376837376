"""What a graph prints parses back to the same graph; what was tampered with is refused by line."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from examples.catalogue import PROGRAMS, Listed
from hypothesis import given

from seme.compiler import compile
from seme.compiler.lower import lower
from seme.compiler.passes import fold, prune, share_embeddings
from seme.core.errors import GraphError
from seme.ir import Graph, dump, parse
from seme.ir.text import FIELDS, KINDS
from seme.lang import program, tokens
from tests.ir.same import same
from tests.ir.strategies import graphs


@given(graph=graphs())
def test_a_graph_prints_and_parses_back_to_the_last_bit(graph: Graph) -> None:
    text = dump(graph)
    again = parse(text)
    assert same(again, graph)
    assert dump(again) == text


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_of_a_node_is_left_out(kind: str) -> None:
    assert {name for name, _ in FIELDS[kind]} == {f.name for f in fields(KINDS[kind])} - {"space"} | {"semes"}


def test_a_compiled_model_keeps_its_graph() -> None:
    model = compile(program(tokens, vocab="ab", max_length=3))
    assert [node.name for node in parse(model.artifact.graph).outputs()] == ["output:output"]


@pytest.mark.parametrize("listed", PROGRAMS, ids=lambda listed: listed.name)
def test_every_example_prints_and_parses_back(listed: Listed) -> None:
    lowered = lower(listed.program).graph
    for graph in (lowered, fold(share_embeddings(prune(lowered)))):
        assert same(parse(dump(graph)), graph)


def test_the_text_of_a_small_graph_reads_like_this() -> None:
    text = dump(lower(program(tokens.named("input"), vocab="ab", max_length=3)).graph)
    assert re.sub(r"\(.*\)", "(file:line)", text) == SMALL


SMALL = """\
seme graph 2
vocab_size 2
max_length 3
causal no

embed output.onehot
  note "input (file:line)"
  semes x1 x2
  lo 0 0
  hi 1 1
  source token
  slope none
  table identity 2

unembed output:output
  note "input (file:line)"
  semes a b
  lo -1e+30 -1e+30
  hi 1e+30 1e+30
  kind category
  labels a b
  margin 1
  nearest none
  form
    bias 0 0
    from output.onehot identity 2
"""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("seme graph 2", "seme graph 3", "at line 1: got `seme graph 3`, expected `seme graph 2`"),
        ("vocab_size 2", "vocab_size two", "at line 2: got vocab_size `two`, expected a natural number"),
        ("max_length 3", "max_length 3 4", "at line 3: got 2 words after `max_length`, expected one"),
        ("causal no", "causal perhaps", "at line 4: got causal `perhaps`, expected yes or no"),
        ("embed", "imbed", "at line 6: got `imbed`, expected one of embed, affine, neurons, attend, unembed"),
        ("embed output.onehot", "embed", "at line 6: got 0 names after `embed`, expected one"),
        ("  lo 0 0", "  low 0 0", "at line 9: got `low`, expected `lo`"),
        ("  lo 0 0", "  lo 0 zero", "at line 9: got `zero`, expected a number"),
        ("  lo 0 0", "  lo 0  0", "at line 9: got `lo 0  0`, expected words and JSON strings with single spaces"),
        ("  lo 0 0", " lo 0 0", "at line 9: got `lo 0 0` after 1 spaces, expected `lo` after 2"),
        ("  lo 0 0", "  lo 0*9999999999", "got 9999999999 numbers, expected at most 134217728"),
        ("token\n", "letter\n", "at line 11: got source `letter`, expected one of token, position"),
        ('(file:line)"', "(file:line)", "at line 7: got"),
        ("identity 2", "unity 2", "at line 13: got shape `unity 2`, expected `3x2`, `3x2 by columns` or `identity 3`"),
        ("identity 2", "99999x99999", "got a matrix of 99999x99999, expected at most"),
        ("identity 2", "0x999999999", "got a matrix of 0x999999999, expected at most"),
        ("x1 x2", "x1..x999999999999", "at line 8: got 999999999999 names, expected at most"),
        ("identity 2", "2x2\n    0 x3=1", "at line 14: got `x3`, expected one of x1 x2"),
        ("identity 2", "2x2\n    5 x1=1", "at line 14: got `5`, expected one of 0 1"),
        ("identity 2", "2x2\n    0 x1=1\n    0 x2=1", "at line 15: got `0` twice, expected its entries, once"),
        ("identity 2", "2x2\n    0", "at line 14: got `0` alone, expected its entries, once"),
        ("identity 2", "2x2\n    0 1 2 3", "at line 14: got 3 values for `0`, expected 2"),
        ("nearest none", "nearest all", "at line 23: got `all` after `nearest`, expected nothing, or none"),
        ("from output.onehot", "from nobody", "at line 26: got `nobody`, expected a node of an earlier block"),
        ("    from output.onehot identity 2\n", "    from\n", "at line 26: got nothing after `from`"),
        ("    bias 0 0\n    from output.onehot identity 2\n", "", "got the end of the text, expected `bias`"),
    ],
)
def test_a_damaged_text_is_refused_by_line(old: str, new: str, complaint: str) -> None:
    assert SMALL.count(old) >= 1
    with pytest.raises(GraphError, match=re.escape(complaint)):
        parse(SMALL.replace(old, new, 1))


@pytest.mark.parametrize("text", ["", "\n\n", "seme graph 2", "\0", "[]"])
def test_what_is_no_graph_at_all_is_refused(text: str) -> None:
    with pytest.raises(GraphError, match="cannot read the graph at line"):
        parse(text)


def test_a_text_that_breaks_a_rule_of_graphs_is_refused() -> None:
    with pytest.raises(GraphError, match=r"`output\.onehot` has bounds that are not finite"):
        parse(SMALL.replace("  hi 1 1", "  hi 1 inf", 1))
    with pytest.raises(GraphError, match="the graph has no output"):
        parse(SMALL[: SMALL.index("unembed")])
