from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csvexport.batch import RejectedFile
from csvexport.blocks import Rejected
from csvexport.columns import text_column
from csvexport.profile import SourceSettings
from csvexport.sources import open_sources

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20) | st.text(
    "=+-@'\"\t\r\n; ,ａ＝", max_size=8
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("rejected")


def round_trip(folder, names, cells):
    file = RejectedFile(folder, names)
    says = tuple(text_column(["x"]) for _ in range(4))
    own = {name: text_column([cell]) for name, cell in zip(names, cells, strict=True)}
    file.add("=source.csv", 2, {"conversions": Rejected(np.zeros(1, np.int64), says, own)}, [])
    file.close()
    (source,) = open_sources(SourceSettings(), Path(), [str(folder / "rejected.csv")], (), folder)
    assert source.is_rejected_file
    blocks = [source.parse(piece, ()) for piece in source.pieces()]
    return source.columns, [block.text(name).to_pylist() for block in blocks for name in source.columns]


@given(st.lists(CELLS, min_size=2, max_size=4))
@example(["'=1+1", "''+7", "=1", "\tx"])
def test_every_cell_comes_back_exactly(folder, cells):
    names = tuple(f"n{number}" for number in range(len(cells)))
    assert round_trip(folder, names, cells) == (names, [[cell] for cell in cells])


@given(st.lists(CELLS.map(str.strip).filter(lambda name: name and name.isprintable()), min_size=2, unique=True))
@example(["=HYPERLINK(1)", "'=a", "-5", "+70000000000"])
def test_every_name_of_a_column_comes_back_exactly(folder, names):
    cells = [f"cell {number}" for number in range(len(names))]
    assert round_trip(folder, tuple(names), cells) == (tuple(names), [[cell] for cell in cells])


def test_nothing_in_the_file_begins_as_a_formula(folder):
    round_trip(folder, ("=a", "+b"), ["=1+1", "-5"])
    text = (folder / "rejected.csv").read_text()
    assert text.splitlines()[0].endswith(""","'=a","'+b\"""")
    assert text.splitlines()[1] == """"'=source.csv",2,"conversions","x","x","x","x","'=1+1","'-5\""""
