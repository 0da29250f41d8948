"""Which element of an XML document is a record, found by looking at its beginning."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from csvexport.sources.elements import local_name, read_names

Path = tuple[str, ...]
"""The names on the way to an element, the root's first, without namespaces."""

# So many elements of one path tell what they hold.
_SAMPLE_RECORDS: Final = 200


class Likely(NamedTuple):
    """What may be the records.

    Attributes:
        paths: several are equally likely.
        found: how many of the expected columns they have.
    """

    paths: list[Path]
    found: int


class Survey:
    """The elements of a document, or of its beginning.

    Attributes:
        elements: those of each path, in their order.
    """

    def __init__(self, root: Element) -> None:
        """Look at the document's root, which may still be open."""
        self.elements: dict[Path, list[Element]] = {}
        self._repeated: set[Path] = set()
        self._walk(root, (local_name(root.tag),))

    def _walk(self, element: Element, path: Path) -> None:
        self.elements.setdefault(path, []).append(element)
        names = Counter(local_name(child.tag) for child in element)
        self._repeated.update((*path, name) for name, count in names.items() if count > 1)
        for child in element:
            self._walk(child, (*path, local_name(child.tag)))

    @property
    def records(self) -> Mapping[Path, list[Element]]:
        """What may be records: elements that have children or attributes."""
        return {
            path: elements
            for path, elements in self.elements.items()
            if any(len(element) or element.attrib for element in elements)
        }

    def likely(self, expected: Collection[str]) -> Likely:
        """Find the element that has most of the expected columns, the outermost of those that repeat.

        An element outside of it that has as many but stands alone may be the only record of a day, so that it is
        likely as well. Where none has any of the columns, only what repeats may be a record.
        """
        columns = frozenset(expected)
        found = {path: len(columns.intersection(_names(elements))) for path, elements in self.records.items()}
        best = max(found.values(), default=0)
        paths = [path for path, count in found.items() if count == best and (best or path in self._repeated)]
        depths = [len(path) for path in paths if path in self._repeated] or [len(path) for path in paths]
        return Likely([path for path in paths if len(path) <= min(depths)], best)


def _names(elements: list[Element]) -> set[str]:
    clashes: set[str] = set()
    return {name for element in elements[:_SAMPLE_RECORDS] for name in read_names(element, clashes)}
