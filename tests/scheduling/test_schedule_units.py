"""Where units go: printed as one text, or written to files that are never others already."""

import pytest

from csvexport.errors import OutputError, UsageError
from csvexport.scheduling import Unit, printed, write

UNITS = (Unit("a.service", "x = Я\n"), Unit("a.timer", "y\n"))


def test_several_units_are_printed_under_the_names_of_their_files():
    assert printed(UNITS) == "# a.service\nx = Я\n\n# a.timer\ny\n"
    assert printed(UNITS[:1]) == "x = Я\n"


def test_units_are_written_byte_by_byte_into_a_folder_that_is_made(tmp_path):
    assert write(UNITS, tmp_path / "units" / "new") == (
        tmp_path / "units" / "new" / "a.service",
        tmp_path / "units" / "new" / "a.timer",
    )
    assert (tmp_path / "units" / "new" / "a.service").read_bytes() == "x = Я\n".encode()
    write([Unit("b.xml", "Я", "utf-16")], tmp_path)
    assert (tmp_path / "b.xml").read_bytes()[:2] in {b"\xff\xfe", b"\xfe\xff"}
    assert (tmp_path / "b.xml").read_text("utf-16") == "Я"


def test_the_same_file_stays_and_the_missing_one_is_added(tmp_path):
    write(UNITS[:1], tmp_path)
    before = (tmp_path / "a.service").stat().st_mtime_ns
    assert len(write(UNITS, tmp_path)) == 2
    assert (tmp_path / "a.service").stat().st_mtime_ns == before
    assert (tmp_path / "a.timer").read_text() == "y\n"


@pytest.mark.parametrize("there", ["other", "folder", "broken link"])
def test_nothing_is_written_over_another_file_and_nothing_beside_it(there, tmp_path):
    path = tmp_path / "a.timer"
    match there:
        case "other":
            path.write_text("mine\n")
        case "folder":
            path.mkdir()
        case "broken link":
            path.symlink_to("nowhere")
    with pytest.raises(
        UsageError, match=r"a\.timer is there already, and another; remove it first, or name another fo"
    ):
        write(UNITS, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.timer"]
    if there == "other":
        assert path.read_text() == "mine\n"


def test_a_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"^--to: .*file.* cannot be written: "):
        write(UNITS, tmp_path / "file" / "units")
