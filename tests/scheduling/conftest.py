"""What tests of schedules share."""

from pathlib import Path

import pytest

from csvexport.profile import load_profile
from csvexport.scheduling.job import Job
from csvexport.scheduling.rhythm import Rhythm

PROFILE = """
timezone = "Europe/Moscow"
source.path = "deals.csv"
identifiers.Yclid = "yclid"

[[goals]]
target = "order_paid"
time = "paid"

[[deliver]]
name = "drop"
what = "conversions"
to = "sftp://shop@files.example.ru/up/{{ batch }}/{{ file }}"
"""


@pytest.fixture
def load(tmp_path):
    """Load a profile from the folder "shop", with changes to its text."""

    def load(*changes, name="profile.toml", folder="shop"):
        text = PROFILE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return load_profile(path)

    return load


@pytest.fixture(scope="session")
def job():
    """Make a job by hand."""

    def job(**changes):
        plain = {
            "name": "shop",
            "program": ("/opt/csvexport/bin/csvexport",),
            "profile": Path("/srv/shop/profile.toml"),
            "out": Path("/srv/shop/out"),
            "log": Path("/srv/shop/out/shop.log"),
            "rhythm": Rhythm(every=60, first=17),
            "user": "anna",
            "variables": (),
            "credentials": (),
            "exports": (),
            "drops": (),
        }
        return Job(**(plain | changes))

    return job
