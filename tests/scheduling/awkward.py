"""Paths that need every kind of quoting."""

from pathlib import Path

from hypothesis import strategies as st

_LETTERS = st.one_of(
    st.sampled_from(" \\\"'%$`;&|<>#(){}[]*?~!=:@,-+.^nxs01aЯ\u00a0"),
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="/\ufffe\uffff"),
)
_PARTS = st.text(_LETTERS, min_size=1, max_size=12).filter(lambda part: part not in {".", ".."})

NAMES = st.text(_LETTERS, min_size=1, max_size=12)
PATHS = st.lists(_PARTS, min_size=1, max_size=3).map(lambda parts: Path("/", *parts))

# A program, a profile, a folder of batches and a log.
FOUR = st.tuples(PATHS, PATHS, PATHS, PATHS)

FOLDERS = (
    "a b",
    "50% 'off' \"x\"",
    "$HOME `x` $(y)",
    "Отчёты",
    "back\\slash \\%n\\\\",
    ";#&|<>*?~!",
    "-x",
    "ends\\",
    "b ",
)
