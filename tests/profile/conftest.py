"""What tests of the profile share."""

import pytest

from csvexport.errors import ProfileError
from csvexport.profile import load_profile


@pytest.fixture
def load(tmp_path):
    def load(text):
        file = tmp_path / "profile.toml"
        file.write_text(text, "utf-8")
        return load_profile(file)

    return load


@pytest.fixture
def mistakes(load):
    def mistakes(text):
        with pytest.raises(ProfileError) as caught:
            load(text)
        assert caught.value.__context__ is None, "a traceback would show pydantic's error, and in it the values"
        return [line.removeprefix("profile.toml: ") for line in caught.value.mistakes]

    return mistakes
