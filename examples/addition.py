"""Adding decimal numbers, with the carry found by one look ahead instead of a walk from the right.

A column passes a carry on if its digits add up to 9, else it settles the matter: it makes a carry if they add up to
10 or more and stops one if they add up to less. So the carry into a column is made or not by the nearest column to
its right that does not add up to 9.

`decimal_addition`: each token is a column: "38" is a 3 above an 8, the most significant column first. `digit` is
    the sum's digit in that column; `overflow`, at every position, is the digit that the sum has before the first
    column: 1 or 0.
`long_addition`: the input is written "386+47". The sum is written so that it ends at the last position; positions
    before its first digit hold None; a sum of zero is written as one 0. Without "+" the answer is the number itself;
    after the first "+" a further one reads as the digit 0; a missing number is 0.
"""

import seme
from seme.lang import Sequence, aggregate, count, length, map, positions, select, tokens, where

later = select(positions, positions, ">").named("later")
so_far = select(positions, positions, "<=").named("so far")


def carry_into(total: Sequence) -> Sequence:
    settles = select(total, 9, "!=").named("settles the carry")
    return aggregate(later & settles, total // 10, tie="first", default=0).named("carry in")


column = map(lambda pair: int(pair[0]) + int(pair[1]), tokens).named("column sum")
column_sum = (column + carry_into(column)).named("column sum with carry")
overflow = aggregate(select(positions, 0, "=="), column_sum // 10).named("overflow")

value = map(lambda t: 0 if t == "+" else int(t), tokens).named("digit")
plus = aggregate(select(tokens, "+", "=="), positions, tie="first", default=-1).named("place of +")
over = (positions - length + plus).named("place of the first number's digit")  # as far left of + as this of the end
above = aggregate(select(positions, over, "=="), value, default=0).named("first number's digit")
total = above + where(positions > plus, value, 0)
answer = ((total + carry_into(total)) % 10).named("digit of the sum")
begun = (count(so_far & select(answer, 0, "!=")) > 0) | (positions == length - 1)

decimal_addition = seme.program(
    {"digit": column_sum % 10, "overflow": overflow},
    vocab=[f"{a}{b}" for a in range(10) for b in range(10)],
    max_length=20,
)
long_addition = seme.program(where(begun, answer, None), vocab="0123456789+", max_length=20)
