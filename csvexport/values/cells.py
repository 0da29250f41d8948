"""What every reference begins with: the text of a cell without what stands around it."""

import re
from typing import Final

BLANKS: Final = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
    "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
)
"""What `str.strip` removes, then what nobody sees: zero-width spaces, joiners and marks of direction, the BOM."""

_SHELL: Final = re.compile(r'="(.*)"', re.DOTALL)


def trim(cell: str) -> str:
    """A cell without the blanks and the invisible characters (`BLANKS`) around it; every reference begins with this."""
    return cell.strip(BLANKS)


def without_shell(cell: str) -> str:
    """A cell without the blanks around it and what spreadsheets put around text: a leading apostrophe, `="…"`."""
    bare = trim(trim(cell).removeprefix("'"))
    shell = _SHELL.fullmatch(bare)
    return trim(shell[1]) if shell else bare
