"""What the cells of an XML record are."""

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

# What an element is called that says by a name and a value what others say by their own names.
_NAMES: Final = frozenset({"наименование", "тип", "name", "type", "key"})
_VALUES: Final = frozenset({"значение", "value"})

# Of these a single attribute beside a text is a name; a `type` beside one only says what kind of text it is.
_TEXT_NAMES: Final = frozenset({"наименование", "name", "key"})

# What a schema wants to know, such as `xsi:nil`, is nothing that the CRM said.
_SCHEMA: Final = "{http://www.w3.org/2001/XMLSchema-instance}"


class ClashError(ValueError):
    """An element has an attribute and a child of one name.

    Attributes:
        column: the name that both would have as columns.
    """

    def __init__(self, column: str) -> None:
        super().__init__(f'it has an attribute and an element "{column}", which no record above has')
        self.column = column


@lru_cache(1 << 12)
def local_name(name: str) -> str:
    """Give a name of ElementTree's without its namespace."""
    return name.rpartition("}")[2]


def read_record(record: Element, clashes: Collection[str] = ()) -> dict[str, str]:
    """Read one record: the names of its columns and their cells, trimmed.

    A cell is called after the elements on the way to it, joined by dots, and an attribute like an element; what stands
    under one name is joined by commas. An element that consists of a name and a value, such as
    `<ЗначениеРеквизита><Наименование>Статус</Наименование><Значение>Оплачен</Значение></ЗначениеРеквизита>` or
    `<field name="status">paid</field>`, is called by that name. The text of an element that has more than text is
    called like the element, that of the record like the record.

    Args:
        record: the element.
        clashes: columns that are elements in some records and attributes beside them: the attribute `id` is `@id`
            then.

    Raises:
        ClashError: another column is both.
    """
    cells: dict[str, str] = {}
    _read(record, "", clashes, cells)
    return cells


def read_names(record: Element, clashes: set[str]) -> Iterator[str]:
    """Read the names of a record's columns, and add to `clashes` what is an element and an attribute in it."""
    while True:
        try:
            yield from read_record(record, clashes)
        except ClashError as clash:
            clashes.add(clash.column)
        else:
            return


def _read(element: Element, name: str, clashes: Collection[str], cells: dict[str, str]) -> None:
    """Add the cells of an element that has this name; the record itself has none."""
    prefix = f"{name}." if name else ""
    attributes = _attributes(element)
    if attributes:
        _read_attributes(attributes, {local_name(child.tag) for child in element}, prefix, clashes, cells)
    for child in element:
        if not len(child) and not child.attrib:
            _add(cells, prefix + local_name(child.tag), child.text or "")
            continue
        pair = _pair(child)
        if pair:
            _add(cells, prefix + pair[0], pair[1])
        else:
            _read(child, prefix + local_name(child.tag), clashes, cells)
    text = _own_text(element)
    if text or (name and not attributes and not len(element)):
        _add(cells, name or local_name(element.tag), text)


def _attributes(element: Element) -> dict[str, str]:
    return {local_name(name): text for name, text in element.attrib.items() if not name.startswith(_SCHEMA)}


def _read_attributes(
    attributes: dict[str, str], children: Collection[str], prefix: str, clashes: Collection[str], cells: dict[str, str]
) -> None:
    for attribute, text in attributes.items():
        column = prefix + attribute
        if column in clashes:
            _add(cells, f"{prefix}@{attribute}", text)
        elif attribute in children:
            raise ClashError(column)
        else:
            _add(cells, column, text)


def _add(cells: dict[str, str], name: str, text: str) -> None:
    text = text.strip()
    before = cells.get(name)
    cells[name] = f"{before},{text}" if before and text else before or text


def _pair(element: Element) -> tuple[str, str] | None:
    """Give name and value of an element that consists of nothing else."""
    if len(element) + len(element.attrib) > len(("name", "value")):
        return None
    if any(len(child) or (child.attrib and _attributes(child)) for child in element):
        return None
    attributes = _attributes(element)
    text = _own_text(element)
    parts = [*attributes.items(), *((local_name(child.tag), child.text or "") for child in element)]
    named = {part.casefold(): cell.strip() for part, cell in parts}
    name, value = (next(iter(named.keys() & known), "") for known in (_NAMES, _VALUES))
    if not named.get(name):
        return None
    if value and not text:
        return named[name], named[value]
    is_text = len(named) == len(attributes) == 1 and name in _TEXT_NAMES
    return (named[name], text) if is_text and text else None


def _own_text(element: Element) -> str:
    """Give the text of an element without that of its children."""
    if not len(element):
        return (element.text or "").strip()
    texts = [element.text, *[child.tail for child in element]]
    return " ".join([text.strip() for text in texts if text and not text.isspace()])
