"""The library: sources and results as DataFrames, the same conversions that a build writes."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

import csvexport
from csvexport import Conversions, Profile, convert, read_source
from csvexport.columns import text_column
from csvexport.errors import ProfileError, SourceError
from csvexport.formats import conversions
from csvexport.formulas import unmarked
from csvexport.issues import CATALOGUE, Code
from csvexport.workflow import Options, build, check

ROOT = Path(__file__).parents[1]

NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)
SAMPLES = ("amocrm", "bitrix24", "broken", "calltracking")

PROFILE = """
timezone = "Europe/Moscow"
identifiers = { UserId = "user", Yclid = "yclid" }
goals = [{ target = "order_paid", when = { status = "paid" }, time = "paid_at", price = "amount" }]
"""
TEXT = pd.ArrowDtype(pa.string())


@pytest.fixture
def profile(tmp_path):
    path = tmp_path / "crm.toml"
    path.write_text(PROFILE, encoding="utf-8")
    return Profile.load(path)


def rows(*overrides, dtype=TEXT, index=None):
    """A frame of paid orders that differ from the plain one as told."""
    plain = {"user": "", "yclid": "9223372036854775901", "status": "paid", "paid_at": "31.05.2024 12:00:00"}
    orders = [plain | {"amount": f"{number + 1}00,50"} | other for number, other in enumerate(overrides)]
    return pd.DataFrame(orders, dtype=dtype, index=index)


def lines(file):
    """The lines of a file as the upload has them."""
    return [",".join(map(str, row)) for row in file.itertuples(index=False)]


@pytest.fixture(params=SAMPLES)
def sample(request, samples):
    return Profile.load(samples / request.param / "profile.toml")


def test_conversions_are_those_of_a_build(sample, tmp_path):
    folder = build(sample, Options(now=NOW, out=tmp_path)).folder
    files = convert(sample, pd.concat(read_source(sample)), NOW).files
    written = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("conversions-*.csv")}
    assert {
        conversions.file(kind).name(1): conversions.file(kind).header.decode()
        + "".join(f"{line}\n" for line in lines(file))
        for kind, file in files.items()
    } == written


def test_issues_are_those_of_a_build_but_for_rows_that_cannot_be_read(sample):
    summary = check(sample, Options(now=NOW)).summary
    issues = summary.counts["conversions"].issues
    expected = {code.text: count for code, count in issues.items() if code is not Code.BAD_ROW}
    frames = list(read_source(sample))
    assert convert(sample, pd.concat(frames), NOW).issues == expected
    assert sum(len(frame.attrs["bad_rows"]) for frame in frames) == issues.get(Code.BAD_ROW, 0)


def test_rejected_rows_are_those_of_a_build(sample, tmp_path):
    folder = build(sample, Options(now=NOW, out=tmp_path)).folder
    written = pd.read_csv(folder / "rejected.csv", dtype=str, keep_default_na=False)
    written = written.apply(lambda column: unmarked(text_column(column)).to_pylist())
    written = written[(written["code"] != Code.BAD_ROW.text) & (written["kind"] == "conversions")]
    rejected = convert(sample, pd.concat(read_source(sample)), NOW).rejected
    assert rejected.index.astype(str).tolist() == written["row"].tolist()
    assert rejected.to_numpy(str).tolist() == written.drop(columns=["source", "row", "kind"]).to_numpy(str).tolist()


def test_source_gives_text_by_row_number(samples):
    (frame,) = read_source(Profile.load(samples / "bitrix24" / "profile.toml"))
    assert set(frame.dtypes) == {TEXT}
    assert frame.index.name == "row"
    assert frame.loc[14, "ClientID Метрики"] == "1,71642E+18"
    assert frame.attrs == {"bad_rows": []}


def test_source_lists_rows_that_cannot_be_read(samples):
    (frame,) = read_source(Profile.load(samples / "broken" / "profile.toml"))
    rows, texts, reasons = zip(*frame.attrs["bad_rows"], strict=True)
    assert all(isinstance(row, int) for row in rows)
    assert not set(rows) & set(frame.index)
    assert texts[1] == "bad-row,2024-05-30 12:00:00,100.00"
    assert reasons[1] == "it has 3 cells, the header has 7"


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_source_reads_exports_that_stand_instead(profile, tmp_path, kind):
    for name in ("a.csv", "b.csv"):
        rows({"user": name}).to_csv(tmp_path / name, index=False)
    frames = read_source(profile, kind(tmp_path / "a.csv"), kind(tmp_path / "b.csv"))
    assert [frame["user"].tolist() for frame in frames] == [["a.csv"], ["b.csv"]]


def test_source_is_an_error_when_it_cannot_be_read_or_lacks_a_column(profile, tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        list(read_source(profile, tmp_path / "absent.csv"))
    rows({}).drop(columns="amount").to_csv(tmp_path / "orders.csv", index=False)
    with pytest.raises(ProfileError, match='no column "amount"'):
        list(read_source(profile, tmp_path / "orders.csv"))


def test_convert_gives_files_by_id_type(profile):
    result = convert(profile, rows({}, {"user": 'Ivanov, "VIP"', "yclid": "17"}, {"status": "new"}), NOW)
    assert isinstance(result, Conversions)
    assert {kind: lines(file) for kind, file in result.files.items()} == {
        "UserId": ['Ivanov, "VIP",order_paid,1717146000,200.50,RUB'],
        "Yclid": ["9223372036854775901,order_paid,1717146000,100.50,RUB"],
    }
    assert result.files["Yclid"].dtypes.astype(str).to_dict() == {
        "Yclid": "string[pyarrow]",
        "Target": "string[pyarrow]",
        "DateTime": "int64[pyarrow]",
        "Price": "string[pyarrow]",
        "Currency": "string[pyarrow]",
    }
    assert result.issues == {"no-goal": 1}
    assert result.rejected.empty


def test_convert_keeps_the_last_of_equal_conversions(profile):
    result = convert(profile, rows({"amount": "1"}, {"amount": "2"}, {"amount": "2,00"}), NOW)
    assert lines(result.files["Yclid"]) == ["9223372036854775901,order_paid,1717146000,2.00,RUB"]
    assert result.issues == {"duplicate": 1, "superseded": 1}


def test_rejected_rows_keep_their_index_and_their_columns(profile):
    frame = rows({}, {"paid_at": "05/31/2024"}, {"yclid": "1,2E+17", "amount": "?"}, index=["a", "b", "b"])
    rejected = convert(profile, frame.assign(note=[1.5, 2.5, 3.5]), NOW).rejected
    assert rejected.index.tolist() == ["b", "b"]
    assert rejected["code"].tolist() == ["bad-time", "rounded-identifier | bad-price"]
    assert rejected["column"].tolist() == ["paid_at", "yclid | amount"]
    assert rejected["value"].tolist() == ["05/31/2024", "1,2E+17 | ?"]
    assert rejected["remedy"].iloc[0] == CATALOGUE[Code.BAD_TIME].remedy
    assert rejected["note"].tolist() == [2.5, 3.5]


def test_convert_of_no_rows_gives_nothing(profile):
    result = convert(profile, rows({}).iloc[:0], NOW)
    assert (result.files, result.issues, len(result.rejected)) == ({}, {}, 0)
    assert list(result.rejected.columns[:4]) == ["code", "column", "value", "remedy"]


@pytest.mark.parametrize("dtype", [object, "str", "string", TEXT, pd.ArrowDtype(pa.large_string())])
def test_any_column_of_text_will_do_and_a_missing_value_is_an_empty_cell(profile, dtype):
    frame = rows({"user": None}, {"paid_at": None}, dtype=dtype)
    result = convert(profile, frame, NOW)
    assert lines(result.files["Yclid"]) == ["9223372036854775901,order_paid,1717146000,100.50,RUB"]
    assert result.issues == {"empty-time": 1}


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1.77e18, 1.0]),
        pd.Series([1772125921407671234, 1]),
        pd.Series(["1", 1772125921407671234], dtype=object),
        pd.Series(pd.to_datetime(["2024-05-31", "2024-05-31"])),
    ],
    ids=["floats", "whole numbers", "objects", "times"],
)
def test_columns_of_anything_but_text_are_refused(profile, column):
    with pytest.raises(TypeError, match=r'column "yclid" holds .*, not text: read the source with dtype=str'):
        convert(profile, rows({}, {}).assign(yclid=column), NOW)


def test_columns_that_the_profile_does_not_name_may_hold_anything(profile):
    frame = rows({}).assign(score=1.5)
    frame[7] = [None]
    assert list(convert(profile, frame, NOW).files) == ["Yclid"]


def test_a_column_that_is_absent_or_there_twice_is_an_error(profile):
    with pytest.raises(ProfileError, match=r'crm\.toml: goals\[1\]\.price: no column "amount"'):
        convert(profile, rows({}).drop(columns="amount"), NOW)
    with pytest.raises(ValueError, match='2 columns "yclid"'):
        convert(profile, pd.concat([rows({}), rows({})[["yclid"]]], axis=1), NOW)


def test_a_profile_without_goals_makes_no_conversions(tmp_path):
    path = tmp_path / "orders.toml"
    path.write_text(
        'timezone = "UTC"\n[orders]\nid = "id"\ncreated = "at"\nphones = "phone"\nalways = "PAID"\n', encoding="utf-8"
    )
    with pytest.raises(ValueError, match="the profile has no goals"):
        convert(Profile.load(path), pd.DataFrame({"id": ["1"], "at": ["2024-05-20"], "phone": [""]}), NOW)


def test_now_needs_a_zone_and_is_this_moment_by_default(profile):
    with pytest.raises(ValueError, match="has no zone"):
        convert(profile, rows({}), datetime(2024, 6, 1, 9))
    assert convert(profile, rows({"paid_at": "01.01.2099"})).issues == {"future-time": 1}


def test_period_of_the_profile_holds(tmp_path):
    path = tmp_path / "crm.toml"
    path.write_text(f'since = "2d"\nuntil = 2024-05-31\n{PROFILE}', encoding="utf-8")
    frame = rows({"paid_at": "30.05.2024 11:59:59"}, {"paid_at": "30.05.2024 12:00:00"}, {"paid_at": "01.06.2024"})
    result = convert(Profile.load(str(path)), frame, NOW)
    assert lines(result.files["Yclid"]) == ["9223372036854775901,order_paid,1717059600,200.50,RUB"]
    assert result.issues == {"outside-period": 2}


def test_profile_with_mistakes_is_an_error(tmp_path):
    path = tmp_path / "crm.toml"
    path.write_text(PROFILE.replace("Europe/Moscow", "Moscow"), encoding="utf-8")
    with pytest.raises(ProfileError, match=r"crm\.toml: timezone: "):
        Profile.load(path)


def test_every_name_of_the_package_can_be_imported():
    assert {name: getattr(csvexport, name).__name__ for name in csvexport.__all__} == {
        name: name for name in csvexport.__all__
    }
    with pytest.raises(AttributeError, match="'csvexport' has no attribute 'absent'"):
        _ = csvexport.absent


def test_importing_the_package_imports_no_heavy_library():
    heavy = {"pandas", "pyarrow", "numpy", "pydantic"}
    code = f"import sys, csvexport; sys.exit(bool({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_what_is_of_today_without_a_time_of_day_waits_until_the_day_is_over(profile):
    frame = rows({"paid_at": "01.06.2024"}, {"paid_at": "31.05.2024"})
    for now in (NOW, datetime(2024, 6, 1, 20, 59, 58, tzinfo=UTC)):
        result = convert(profile, frame, now)
        assert result.files["Yclid"]["DateTime"].tolist() == [1717189199]
        assert (result.issues, len(result.rejected)) == ({"unfinished-day": 1}, 0)
    result = convert(profile, frame, datetime(2024, 6, 1, 21, tzinfo=UTC))
    assert result.files["Yclid"]["DateTime"].tolist() == [1717275599, 1717189199]


def test_of_two_rows_of_one_event_the_one_with_the_preferred_identifier_goes(profile):
    result = convert(profile, rows({}, {"user": "Ivanov"}), NOW)
    assert {kind: lines(file) for kind, file in result.files.items()} == {
        "UserId": ["Ivanov,order_paid,1717146000,200.50,RUB"],
        "Yclid": [],
    }
    assert result.issues == {"sent-by-other-identifier": 1}
