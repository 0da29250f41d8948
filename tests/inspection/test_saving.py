"""Where the profile goes: whole or not at all, and never over another."""

import os
import re
from pathlib import Path

import pytest

from csvexport.errors import OutputError, UsageError
from csvexport.inspection.saving import path_in_profile, refuse_target, save


def test_the_profile_is_written_and_can_be_read_like_any_other_file(tmp_path):
    (tmp_path / "other").write_text("x", encoding="utf-8")
    save(tmp_path / "profile.toml", "counter = 1 # …\n")
    assert (tmp_path / "profile.toml").read_bytes() == "counter = 1 # …\n".encode()
    assert (tmp_path / "profile.toml").stat().st_mode == (tmp_path / "other").stat().st_mode
    save(tmp_path / "profile.toml", "")
    assert {path.name for path in tmp_path.iterdir()} == {"other", "profile.toml"}


@pytest.mark.skipif(os.name == "nt", reason="Windows takes a file's place in another way")
def test_a_profile_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "profile.toml").mkdir()
    (tmp_path / "profile.toml" / "x").touch()
    with pytest.raises(OutputError, match="the profile cannot be written: Is a directory; nothing was left behind"):
        save(tmp_path / "profile.toml", "x")
    with pytest.raises(OutputError, match="the profile cannot be written: No such file or directory"):
        save(tmp_path / "missing" / "profile.toml", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["profile.toml"]


@pytest.mark.parametrize(
    ("to", "force", "said"),
    [
        (
            "there.toml",
            False,
            "there.toml is there already; name another file with --to, or write over it with --force",
        ),
        ("folder", False, "--to: folder is a folder; name the file in it, such as folder/profile.toml"),
        ("folder", True, "--to: folder is a folder"),
        ("missing/profile.toml", True, "--to: there is no folder missing; make it first"),
        ("there.toml", True, None),
        ("new.toml", False, None),
        ("folder/new.toml", False, None),
    ],
)
def test_a_target_that_cannot_be_is_refused(to, force, said, tmp_path):
    (tmp_path / "there.toml").touch()
    (tmp_path / "folder").mkdir()
    if said is None:
        refuse_target(Path(to), force=force)
        return
    with pytest.raises(UsageError, match=re.escape(said)):
        refuse_target(Path(to), force=force)


@pytest.mark.parametrize(
    ("export", "profile", "expected"),
    [
        ("deals.csv", "profile.toml", "deals.csv"),
        ("./exports/deals.csv", "profile.toml", "exports/deals.csv"),
        ("deals.csv", "profiles/shop.toml", "../deals.csv"),
        ("profiles/deals.csv", "profiles/shop.toml", "deals.csv"),
        ("exports", "profile.toml", "exports"),
        ("-", "profiles/shop.toml", "-"),
        ("https://crm.example.ru/deals.csv?a=1", "profiles/shop.toml", "https://crm.example.ru/deals.csv?a=1"),
        ("~deals.csv", "profile.toml", "./~deals.csv"),
    ],
)
def test_an_export_is_named_as_seen_from_the_profile(export, profile, expected):
    assert path_in_profile(export, Path(profile)) == expected


@pytest.mark.parametrize(
    ("export", "profile", "said"),
    [
        (".", "profile.toml", "--to: profile.toml would lie among the exports and be read as one; name another folder"),
        ("../here", "../here/profile.toml", "would lie among the exports"),
        ("deals.csv", "./deals.csv", "--to: deals.csv is the export; name another file"),
    ],
)
def test_a_profile_never_stands_where_an_export_is_looked_for(export, profile, said, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    Path("deals.csv").touch()
    with pytest.raises(UsageError, match=re.escape(said)):
        path_in_profile(export, Path(profile))


def test_a_path_that_is_no_text_cannot_be_named():
    with pytest.raises(UsageError, match="holds bytes that are no text; rename it"):
        path_in_profile("\udcff.csv", Path("profile.toml"))
