"""Products of a deal: names and how many of each, `Laptop X:1,Laptop Y:2` ([od])."""

import json
import re
from typing import Final

from csvexport.issues import Code
from csvexport.values.cells import trim

# Without a blank before it the letter belongs to the name (Xerox 5), between blanks and numbers it is a size (20 x 40).
_COUNTED: Final = re.compile(
    r"(?P<name>.+?)(?:\s*:\s*|\s+[xXхХ×]|(?<![\s0-9])\s+[xXхХ×]\s+)(?P<count>[1-9][0-9]{0,8})", re.DOTALL
)
_BETWEEN: Final = re.compile(r"[,;\n]")


def read_products(text: str) -> dict[str, int]:
    """Read a cell: names between commas, semicolons or line breaks, each with its count, or one of it.

    A count stands behind a colon, or behind a blank and an x, Latin or Cyrillic, or a times sign: `Стол: 2`, `Стул x3`.
    """
    products: dict[str, int] = {}
    for part in filter(None, map(trim, _BETWEEN.split(text))):
        counted = _COUNTED.fullmatch(part)
        name = " ".join((counted["name"] if counted else part).split())
        products[name] = products.get(name, 0) + (int(counted["count"]) if counted else 1)
    return products


def products_text(text: str) -> tuple[str, Code]:
    """The reference for CSV: `Laptop X:1,Laptop Y:2`."""
    return ",".join(f"{name}:{count}" for name, count in read_products(text).items()), Code.NONE


def products_json(text: str) -> tuple[str, Code]:
    """The reference for JSON: `{"Laptop X":1,"Laptop Y":2}`."""
    products = read_products(text)
    written = json.dumps(products, ensure_ascii=False, separators=(",", ":")) if products else ""
    return written.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"), Code.NONE
