"""A second source is put to the rows by its key, and what it lacks or has twice is told."""

import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from csvexport import workflow
from csvexport.errors import ProfileError, SourceError
from csvexport.profile import load_profile
from csvexport.sources import joined_facts, open_sources
from csvexport.sources.joining import with_access
from csvexport.terminal import print_outcome

NOW = datetime(2024, 6, 1, 9, tzinfo=UTC)

PROFILE = """
timezone = "Europe/Moscow"
max_rejected = 1
[source]
path = "orders.json"
{source}
[source.join]
path = "clients.csv"
on = {{ clientUniqId = "id" }}
prefix = "client."
{join}
[identifiers]
ClientId = "client.ClientID"
[[goals]]
target = "paid"
time = "at"
price = "sum"
"""

ORDERS = [
    {"id": 1, "clientUniqId": "c1", "at": "2024-05-31 14:05:09", "sum": 10},
    {"id": 2, "clientUniqId": " c2", "at": "2024-05-31 14:05:10", "sum": 20},
    {"id": 3, "at": "2024-05-31 14:05:11", "sum": 30},
    {"id": 4, "clientUniqId": "c9", "at": "2024-05-31 14:05:12", "sum": 40},
    {"id": 5, "clientUniqId": "c1", "at": "never", "sum": 50},
]
CLIENTS = "id;ClientID;Имя\nc1;1706436776194551959;Анна\nc2 ;111;Борис\nc2;1706436776194551960;Вера\n;5;\nc3;x;\n"


@pytest.fixture
def load(tmp_path):
    def write(orders=ORDERS, clients=CLIENTS, source="", join="", profile=PROFILE):
        (tmp_path / "orders.json").write_text(json.dumps(orders), encoding="utf-8")
        (tmp_path / "clients.csv").write_text(clients, encoding="utf-8")
        (tmp_path / "profile.toml").write_text(profile.format(source=source, join=join), encoding="utf-8")
        return load_profile(tmp_path / "profile.toml")

    return write


def opened(profile, *exports):
    expected = {name for name, _ in profile.places()}
    return open_sources(profile.source, profile.path.parent, exports, expected, profile.path.parent)


def rows(source):
    found = []
    for piece in source.pieces():
        block = source.parse(piece, ())
        found += zip(*(block.text(name).to_pylist() for name in block.columns), strict=True)
    return found


def test_each_row_gets_the_columns_of_its_client(load):
    (source,) = opened(load())
    assert source.columns == ("id", "clientUniqId", "at", "sum", "client.id", "client.ClientID", "client.Имя")
    assert [row[4:] for row in rows(source)] == [
        ("c1", "1706436776194551959", "Анна"),
        ("c2", "1706436776194551960", "Вера"),
        ("", "", ""),
        ("", "", ""),
        ("c1", "1706436776194551959", "Анна"),
    ]


def test_the_second_source_is_described_beside_the_first(load):
    sources = opened(load())
    rows(sources[0])
    first, (second,) = sources[0].facts(5, Counter()), joined_facts(sources)
    assert (first.path, first.joined) == ("orders.json", None)
    assert (second.path, second.rows, second.joined) == (
        "clients.csv",
        5,
        {"unmatched": 2, "repeated": 1, "unreadable": 0},
    )
    assert second.remarks == "joined; 2 rows found nothing in it; 1 key repeated, of which the last row counts"


def test_a_key_may_have_several_parts(load):
    profile = load(clients="id;sum;ClientID\nc1;10;7\nc1;50;8\n;30;9\n")
    text = profile.path.read_text(encoding="utf-8").replace(
        'clientUniqId = "id" }', 'clientUniqId = "id", sum = "sum" }'
    )
    profile.path.write_text(text, encoding="utf-8")
    (source,) = opened(load_profile(profile.path))
    assert [row[-1] for row in rows(source)] == ["7", "", "", "", "8"]


def test_several_files_of_either_kind_are_joined(load, tmp_path):
    (tmp_path / "more.csv").write_text("id;ClientID\nc9;99\n", encoding="utf-8")
    profile = load(profile=PROFILE.replace('"clients.csv"', '["clients.csv", "more.csv"]'))
    sources = opened(profile, str(tmp_path / "orders.json"), str(tmp_path / "orders.json"))
    assert [[row[-2] for row in rows(source)][3] for source in sources] == ["99", "99"]
    assert [(facts.path, facts.joined.get("unmatched")) for facts in joined_facts(sources)] == [
        ("clients.csv", 2),
        ("more.csv", None),
    ]


def test_a_build_sends_by_the_clients_identifiers(load, tmp_path, capsys):
    outcome = workflow.build(load(), workflow.Options(now=NOW, out=tmp_path / "out"))
    lines = (outcome.folder / "conversions-ClientId.csv").read_text().splitlines()
    assert lines[1:] == [
        "1706436776194551959,paid,1717153509,10.00,RUB",
        "1706436776194551960,paid,1717153510,20.00,RUB",
    ]
    rejected = list(csv.DictReader(io.StringIO((outcome.folder / "rejected.csv").read_text(encoding="utf-8"))))
    assert [(row["row"], row["code"], row["client.Имя"]) for row in rejected] == [
        ("3", "no-identifier", ""),
        ("4", "no-identifier", ""),
        ("5", "bad-time", "Анна"),
    ]
    manifest = json.loads((outcome.folder / "manifest.json").read_text(encoding="utf-8"))
    assert [source["path"] for source in manifest["sources"]] == ["orders.json", "clients.csv"]
    assert manifest["counts"]["conversions"]["rows"] == 5
    print_outcome(outcome, checked=False, verbose=False)
    for text in (capsys.readouterr().out, (outcome.folder / "report.txt").read_text(encoding="utf-8")):
        assert "2 rows found nothing in it" in " ".join(text.split())


def test_other_clients_make_another_batch(load, tmp_path):
    names = [
        workflow.build(load(clients=clients), workflow.Options(now=NOW, out=tmp_path / "out")).folder.name
        for clients in (CLIENTS, CLIENTS.replace("Анна", "Инна"))
    ]
    assert names[0] != names[1]


def test_what_comes_back_corrected_is_not_joined_again(load, tmp_path):
    outcome = workflow.build(load(), workflow.Options(now=NOW, out=tmp_path / "out"))
    text = (outcome.folder / "rejected.csv").read_text(encoding="utf-8").replace("never", "2024-05-31 14:05:13")
    (tmp_path / "corrected.csv").write_text(text, encoding="utf-8")
    options = workflow.Options(now=NOW, out=tmp_path / "out", exports=[str(tmp_path / "corrected.csv")])
    (_, line) = (workflow.build(load(), options).folder / "conversions-ClientId.csv").read_text().splitlines()
    assert line == "1706436776194551959,paid,1717153513,50.00,RUB"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"clients": "ID;ClientID\nc1;5\n"},
            ProfileError,
            'source.join.on: clients.csv has no column "id" (did you mean "ID"?)',
        ),
        ({"orders": [{"clientUniqID": 1}]}, ProfileError, 'source.join.on: orders.json has no column "clientUniqId"'),
        ({"join": 'format = "xml"'}, SourceError, "clients.csv: "),
        (
            {"orders": [ORDERS[0] | {"client": {"ClientID": 1}}]},
            SourceError,
            'orders.json: the column "client.ClientID" is in the joined source as well; give source.join another',
        ),
    ],
)
def test_what_cannot_be_joined_is_told(load, change, error, message):
    with pytest.raises(error) as caught:
        opened(load(**change))
    assert str(caught.value).startswith(message)


def test_the_second_source_is_asked_with_the_firsts_credentials_on_one_server_only(load):
    for path, user in (("https://a/clients", "crm"), ("https://b/clients", None), ("http://a/clients", None)):
        profile = load(
            source='username = "crm"\ntimeout = 5',
            profile=PROFILE.replace("orders.json", "https://a/orders").replace("clients.csv", path),
        )
        join = with_access(profile.source.join, profile.source)
        assert (join.username, join.timeout) == (user, 5)
    for path in ("https://a/clients", "https://b/clients"):
        profile = load(
            source='username = "crm"\ntimeout = 5',
            join='password = "env:MINE"\ntimeout = 9',
            profile=PROFILE.replace("orders.json", "https://a/orders").replace("clients.csv", path),
        )
        join = with_access(profile.source.join, profile.source)
        assert (join.username, str(join.password), join.timeout) == (None, "env:MINE", 9)


# Columns that an export may leave out


def test_a_column_that_may_be_missing_is_empty(load):
    orders = [{name: order[name] for name in order if name != "sum"} for order in ORDERS]
    with pytest.raises(ProfileError, match=r"a column that an export may leave out is listed in source\.optional"):
        workflow.check(load(orders=orders), workflow.Options(now=NOW))
    profile = load(orders=orders, source='optional = ["sum", "id", "client.ClientID"]')
    (source,) = opened(profile)
    assert source.columns == ("id", "clientUniqId", "at", "sum", "client.id", "client.ClientID", "client.Имя")
    outcome = workflow.check(profile, workflow.Options(now=NOW))
    assert outcome.summary.counts["conversions"].accepted == 2


def test_a_column_of_the_second_source_may_be_missing_too(load):
    profile = load(clients="id;x\nc1;1\n", source='optional = "client.ClientID"')
    assert workflow.check(profile, workflow.Options(now=NOW)).summary.counts["conversions"].rejected == 5


@pytest.mark.parametrize("taken", [[3], [2, 3, 5, 7, 11], range(1, 20), range(21)])
def test_the_rows_that_a_goal_takes_get_what_is_theirs(load, tmp_path, taken):
    orders = [
        {
            "clientUniqId": f"c{number}",
            "at": f"2024-05-31 14:05:{number:02}",
            "stage": "won" if number in taken else "lost",
        }
        for number in range(21)
    ]
    clients = "id;ClientID\n" + "".join(f"c{number};{10**18 + number}\n" for number in range(21))
    profile = PROFILE + 'when = {{ stage = "won" }}\n'
    outcome = workflow.build(
        load(orders, clients, source='optional = "sum"', profile=profile),
        workflow.Options(now=NOW, out=tmp_path / "out"),
    )
    lines = (outcome.folder / "conversions-ClientId.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [str(10**18 + number) for number in taken]
