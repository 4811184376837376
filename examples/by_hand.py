"""Models written seme by seme: named spaces, single neurons, single heads, and parts compiled from programs.

- `flat_brackets`: whether the whole input is balanced with no bracket inside another, as "()()" is: "yes" or "no", at
    every position. All by hand.
- `edges`: whether a bit differs from the one before it, True or False; nothing stands before the first, and it is no
    edge. Two anonymous hidden semes, with their weights written out.
- `lonely`: whether a letter occurs nowhere else in the input and stands between two equal letters, "yes" or "no"; and
    how many such letters the input has. Heads and neurons by hand, counting by compiled parts, mixed in both
    directions.
"""

from seme import hand
from seme.lang import count, select, tokens


def _flat_brackets() -> hand.Model:
    model = hand.Model(vocab="()", max_length=20, name="flat_brackets")
    bracket = model.tokens("bracket", {"open": "(", "close": ")"})
    at = model.position

    before = model.head("before", query=at, key=at, where=lambda key, query: key == query - 1, value=bracket)
    after = model.head("after", query=at, key=at, where=lambda key, query: key == query + 1, value=bracket)
    # Where there is no neighbour both of its semes are 0: an "(" at the end is as wrong as one before another "(".
    wrong = model.space(
        "wrong",
        {
            "never closed": bracket["open"] & ~after["close"],
            "never opened": bracket["close"] & ~before["open"],
        },
    )
    share = model.head("share", query=at, key=at, where=lambda key, query: True, value=wrong)
    spoiled = model.neuron("spoiled", (share["never closed"] > 0) | (share["never opened"] > 0))
    model.output("output", {"no": spoiled}, otherwise="yes")
    return model


def _edges() -> hand.Model:
    model = hand.Model(vocab=(0, 1), max_length=20, causal=True, name="edges")
    bit = model.tokens("bit", {"one": [1]})
    place = model.positions("place", {"first": [0]})
    before = model.head("before", query=model.position, key=model.position, where=lambda k, q: k == q - 1, value=bit)
    # x1 counts how many of the two bits are one, x2 is one where both are: the sum without twice the overlap.
    differ = model.hidden(
        "differ", 2, read={bit["one"]: [1, 1], before["one"]: [1, 1]}, bias=[0, -1], write={"yes": [1, -2]}
    )
    model.output("output", {True: differ["yes"] & ~place["first"]}, otherwise=False)
    return model


def _lonely() -> hand.Model:
    model = hand.Model(vocab="abc", max_length=12, name="lonely")
    at = model.position
    before = model.head("before", query=at, key=at, where=lambda key, query: key == query - 1, value=model.token)
    after = model.head("after", query=at, key=at, where=lambda key, query: key == query + 1, value=model.token)
    times = model.compiled(count(select(tokens, tokens, "==")), "times")

    between = (before["a"] & after["a"]) | (before["b"] & after["b"]) | (before["c"] & after["c"])
    lonely = model.neuron("lonely", times[1] & between)
    total = model.compiled(count(select(model.sequence(lonely), True, "==")), "total")
    model.output("lonely", {"yes": lonely}, otherwise="no")
    model.output("total", total)
    return model


flat_brackets = _flat_brackets()
edges = _edges()
lonely = _lonely()

if __name__ == "__main__":
    print(flat_brackets.compile()("()()"))
    print(edges.compile()([0, 1, 1, 0]))
    print(lonely.compile()("aba"))
