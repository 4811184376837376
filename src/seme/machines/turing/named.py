"""Machines with a name: busy-beaver champions and published universal machines."""

from __future__ import annotations

from seme.core.errors import TuringTableError
from seme.machines.turing.table import Table, parse

BB2 = "1RB1LB_1LA1RZ"
BB3 = "1RB1RZ_1LB0RC_1LC1LA"
BB4 = "1RB1LB_1LA0LC_1RZ1LD_1RD0RA"
BB5 = "1RB1LC_1RC1RB_1RD0LE_1LA1LD_1RZ0LA"
BB2X4 = "1RB2LA1RA1RA_1LB1LA3RB1RZ"
"""Champions of the most steps before halting, on a blank tape: of 2 to 5 states and 2 symbols, of 2 states and 4.

Source: T. Rado 1962; S. Lin 1965; A. Brady 1983; H. Marxen and J. Buntrock 1989 (bb5; that none halts later was proved
in 2024); T. and S. Ligocki 2005 (bb2x4).
"""

ROGOZHIN_4X6 = "3LA3LA4RA0RA2LA0RD_1LB0RB4LC4LB3RB2RB_5RA1RC3RD---2RC1RA_5LB0RD5LB---3RD2RD"
"""A universal machine of 4 states and 6 symbols; `tag.rogozhin_4x6` writes a tag system on its tape.

Its symbols 0 to 5 are 0, 1, b, b with an arrow to the left, b with an arrow to the right, c.

Source: Y. Rogozhin, "Small universal Turing machines", Theoretical Computer Science 168 (1996), UTM(4,6).
"""

ROGOZHIN_2X18 = (
    "17LA17LA4RA1RA3LA7RA9RA5LA5RA8LA11LB8LB2LB14RA15LA16RB---0RA"
    "_2LB0RB0RB4RB1LB10RA7RB6LB9RB6LB5RA9RB14RB14RB13LB17RB17LA12LB"
)
"""A universal machine of 2 states and 18 symbols; `tag.rogozhin_2x18` writes a tag system on its tape.

Its symbols, with > and < for the arrows over a letter and letters under it after that: 1< 1 1> 1>1 1<1 b b> b< b>1 b<1
b2 b3 c c> c< c>1 c<1 c2. Copies of the table differ in the entry A15: with 16LA, which some have, the machine halts
instead of going on to the next letter; 16RB simulates the tag systems of the tests.

Source: Y. Rogozhin, "Small universal Turing machines", Theoretical Computer Science 168 (1996), UTM(2,18).
"""

NAMED = {
    "bb2": BB2,
    "bb3": BB3,
    "bb4": BB4,
    "bb5": BB5,
    "bb2x4": BB2X4,
    "rogozhin4x6": ROGOZHIN_4X6,
    "rogozhin2x18": ROGOZHIN_2X18,
}


def table(text: str) -> Table:
    """The table of a name, or of a text.

    Raises:
        TuringTableError: The text is no table, or a name that none has.

    >>> str(table("bb2"))
    '1RB1LB_1LA1RZ'
    """
    name = text.strip().lower()
    if name not in NAMED and name[:1].isalpha():
        raise TuringTableError(
            f"there is no machine named {text.strip()!r}, expected a table or one of {', '.join(NAMED)}",
            hint="seme turing bb4, or a table such as 1RB1LB_1LA1RZ",
        )
    return parse(NAMED.get(name, text))
