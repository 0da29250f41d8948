"""What the tests of the inspection share."""

import csv

import pytest

from csvexport.inspection.looking import look
from csvexport.progress import no_progress


@pytest.fixture
def look_at(tmp_path):
    """Look at a table: its header, then its rows."""

    def look_at(header, *rows, name="deals.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        return look(str(path), no_progress)

    return look_at


@pytest.fixture
def column(look_at):
    """Look at one column, beside another without a meaning."""

    def column(name, *texts):
        found = look_at(["-", name], *(["x", text] for text in texts)).columns
        return found[1]

    return column
