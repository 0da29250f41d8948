"""Products of a deal: names and how many of each, `Laptop X:1,Laptop Y:2` ([od])."""

import json
import re
from typing import Final

from csvexport.issues import Code
from csvexport.values.cells import trim

_COUNT: Final = re.compile(r"(?<![0-9])[1-9][0-9]{0,8}\Z")
_TIMES: Final = tuple("xXхХ×")
_BETWEEN: Final = re.compile(r"[,;\n]")


def read_products(text: str) -> dict[str, int]:
    """Read a cell: names between commas, semicolons or line breaks, each with its count, or one of it.

    A count stands behind a colon, or behind a blank and an x, Latin or Cyrillic, or a times sign: `Стол: 2`, `Стул x3`.
    """
    products: dict[str, int] = {}
    for part in filter(None, map(trim, _BETWEEN.split(text))):
        name, count = _counted(part)
        name = " ".join(name.split())
        products[name] = products.get(name, 0) + count
    return products


def _counted(part: str) -> tuple[str, int]:
    """Take a part, trimmed, apart; one without a count is one of what it names."""
    count = _COUNT.search(part)
    head = part[: count.start()] if count else ""
    mark = head.rstrip()
    name = mark[:-1].rstrip()
    if mark.endswith(_TIMES):
        # Without a blank before it the letter belongs to the name (Xerox 5), between blanks and numbers it is a size
        # (20 x 40).
        is_mark = len(name) < len(mark) - 1 and (mark == head or not name.endswith(tuple("0123456789")))
    else:
        is_mark = mark.endswith(":")
    return (name, int(count[0])) if count and name and is_mark else (part, 1)


def products_text(text: str) -> tuple[str, Code]:
    """The reference for CSV: `Laptop X:1,Laptop Y:2`."""
    return ",".join(f"{name}:{count}" for name, count in read_products(text).items()), Code.NONE


def products_json(text: str) -> tuple[str, Code]:
    """The reference for JSON: `{"Laptop X":1,"Laptop Y":2}`."""
    products = read_products(text)
    written = json.dumps(products, ensure_ascii=False, separators=(",", ":")) if products else ""
    return written.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"), Code.NONE
