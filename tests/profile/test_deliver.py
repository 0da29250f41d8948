import os
import pickle
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csvexport.errors import ProfileError
from csvexport.profile import (
    DeliverSettings,
    JumpSettings,
    Secret,
    Server,
    SftpAddress,
    load_profile,
    sftp_address,
)
from csvexport.profile.wording import written

# Makes conversions, orders and contacts.
PROFILE = """
timezone = "UTC"
identifiers = { Yclid = "yclid" }
goals = [{ target = "order_paid", time = "Paid" }]
orders = { id = "ID", created = "Created", client_ids = "ClientID", always = "PAID" }
contacts = { id = "ID" }
"""
PICKUP = {"name": "pickup", "what": "orders", "to": "drop/orders.csv"}
SFTP = {"to": "sftp://yandex@files.example.ru/orders.csv"}
HTTPS = {"to": "https://files.example.ru/orders.csv"}
FINGERPRINT = "SHA256:uNiVztksCsDhcc0u9e8BrVXcUBMcRWcDBCdwPvxNzbY"

VALUES = {
    "batch": "20240601T090000Z-1a2b3c4d",
    "file": "conversions-Yclid.csv",
    "date": "2024-06-01",
    "profile": "Мой магазин",
    "kind": "conversions",
}


def document(*rules):
    return f"{PROFILE}deliver = {written([PICKUP | rule for rule in rules])}\n"


@pytest.fixture
def rule(load):
    def rule(**keys):
        return load(document(keys)).deliver[0]

    return rule


@pytest.fixture
def mistakes_of(mistakes):
    def mistakes_of(**keys):
        return [line.removeprefix("deliver[1].") for line in mistakes(document(keys))]

    return mistakes_of


def test_the_smallest_destination_has_the_defaults(rule):
    destination = rule()
    assert (destination.name, destination.what, destination.to) == ("pickup", ("orders",), "drop/orders.csv")
    assert (destination.attempts, destination.timeout, destination.time_limit) == (5, 60, 3600)
    assert (destination.in_place, destination.mode, destination.jump) == (False, None, None)
    assert (destination.headers, destination.host_key) == ({}, ())


def test_every_key_of_sftp_is_read(rule):
    destination = rule(
        to="sftp://files.example.ru:2222/orders.csv",
        username="env:SFTP_USER",
        password="credential:sftp",
        key="~/.ssh/id_ed25519",
        passphrase="file:passphrase.txt",
        certificate="yandex-cert.pub",
        host_key=[FINGERPRINT, FINGERPRINT.replace("u", "v")],
        jump={"host": "[::1]:2022", "username": "hop", "known_hosts": "known_hosts"},
        mode="0640",
        in_place=True,
        attempts=100,
        timeout=2,
        time_limit=604800,
    )
    assert (destination.username, destination.password) == (Secret("env:SFTP_USER"), Secret("credential:sftp"))
    assert (destination.key, destination.passphrase) == ("~/.ssh/id_ed25519", Secret("file:passphrase.txt"))
    assert (destination.certificate, len(destination.host_key)) == ("yandex-cert.pub", 2)
    assert destination.jump == JumpSettings(host="[::1]:2022", username="hop", known_hosts="known_hosts")
    assert destination.jump.server == Server("::1", 2022)
    assert (destination.mode, destination.in_place, destination.attempts) == ("0640", True, 100)
    assert (destination.timeout, destination.time_limit) == (2, 604800)


def test_every_key_of_http_is_read(rule):
    destination = rule(**HTTPS, username="crm", password="env:A", headers={"X-Key": "file:key"}, ca="ca.pem")
    assert (destination.username, destination.password) == ("crm", Secret("env:A"))
    assert (destination.headers, destination.ca) == ({"X-Key": Secret("file:key")}, "ca.pem")


def test_a_kind_goes_to_every_destination_that_takes_it(load):
    profile = load(
        document(
            {"name": "a", "what": ["orders", "contacts"], "to": "drop/"},
            {"name": "b", "to": "other.csv"},
            {"name": "c", "what": "conversions", "to": "sent/{{ batch }}/"},
        )
    )
    assert [one.name for one in profile.destinations("orders")] == ["a", "b"]
    assert [one.name for one in profile.destinations("contacts")] == ["a"]
    assert profile.destinations("calls") == ()
    assert load(PROFILE).deliver == ()


def test_a_profile_with_destinations_goes_to_another_process(load):
    profile = load(document(SFTP | {"jump": {"host": "a", "username": "b"}}))
    assert pickle.loads(pickle.dumps(profile)) == profile


@pytest.mark.parametrize(
    ("to", "scheme", "place"),
    [
        ("drop/orders.csv", "folder", "FOLDER/drop/orders.csv"),
        ("drop/", "folder", "FOLDER/drop/conversions-Yclid.csv"),
        ("../{{ date }}/{{ kind }}.csv", "folder", "FOLDER/../2024-06-01/conversions.csv"),
        ("/srv/{{ profile }}/{{ batch }}/", "folder", f"/srv/Мой магазин/{VALUES['batch']}/conversions-Yclid.csv"),
        ("~/drop/{{ file }}", "folder", "HOME/drop/conversions-Yclid.csv"),
        ("{{ '~' }}/{{ file }}", "folder", "FOLDER/~/conversions-Yclid.csv"),
        ("drop/{{ file | replace('.csv', '.txt') }}", "folder", "FOLDER/drop/conversions-Yclid.txt"),
        ("drop/{% if kind == 'orders' %}a{% else %}b{% endif %}.csv", "folder", "FOLDER/drop/b.csv"),
        ("sftp://a@b/{{ file | replace('%20', '') }}", "sftp", "sftp://a@b/conversions-Yclid.csv"),
        ("sftp://a@b/{{ profile }}/?#/", "sftp", "sftp://a@b/Мой магазин/?#/conversions-Yclid.csv"),
        ("sftp://a@[::1]:22/100%/{{ batch[:8] }}", "sftp", "sftp://a@[::1]:22/100%/20240601"),
        ("https://a/{{ profile[:3] }}/", "http", "https://a/%D0%9C%D0%BE%D0%B9/conversions-Yclid.csv"),
        (
            "https://a/{{ profile | lower }}",
            "http",
            "https://a/%D0%BC%D0%BE%D0%B9%20%D0%BC%D0%B0%D0%B3%D0%B0%D0%B7%D0%B8%D0%BD",
        ),
        (
            "HTTPS://a:443/x%20y/{{ date | replace('-', '/') }}/",
            "http",
            "HTTPS://a:443/x%20y/2024/06/01/conversions-Yclid.csv",
        ),
        ("http://127.0.0.1:8080/{{ file }}", "http", "http://127.0.0.1:8080/conversions-Yclid.csv"),
    ],
)
def test_a_place_is_the_pattern_with_its_values(rule, tmp_path, to, scheme, place):
    destination = rule(to=to)
    assert destination.scheme == scheme
    expected = place.replace("FOLDER", str(tmp_path)).replace("HOME", str(Path.home()))
    assert destination.place(VALUES, tmp_path) == expected
    assert destination.shown(expected) == expected


def test_a_local_place_is_absolute_however_the_profile_was_named(rule, tmp_path):
    assert rule().place(VALUES, Path()) == str(tmp_path / "drop/orders.csv")


def test_what_may_be_a_key_in_an_address_is_not_shown_and_values_are(rule, tmp_path):
    destination = rule(to="https://dav.example.ru/k/0123456789abcdefABCDEF/{{ batch }}/")
    place = destination.place(VALUES, tmp_path)
    assert destination.shown(place) == f"https://dav.example.ru/k/…/{VALUES['batch']}/conversions-Yclid.csv"


@pytest.mark.parametrize(
    ("to", "key", "value"),
    [
        *[
            ("drop/{{ profile }}/a", "profile", value)
            for value in ("..", ".", "", "a/../b", "/etc", "a/", "a//b", "a\\b")
        ],
        *[("drop/{{ profile }}/a", "profile", value) for value in ("a\nb", "a\x00", "a\x80", "a\ud800")],
        *[("sftp://a@b/{{ profile }}/a", "profile", value) for value in ("..", "", "a\x00")],
        *[("https://a/{{ profile }}/a", "profile", value) for value in ("..", "", "a\x00", "\ud800")],
        ("https://a/{{ profile | replace('-', '/') }}", "profile", "a-..-b"),
        ("{{ profile }}/a", "profile", "/etc"),
        ("sftp://a@b/{% if kind == 'conversions' or kind == 'orders' %}a{% endif %}", "kind", "deals"),
        ("drop/{{ profile[3:] }}/a", "profile", "a"),
    ],
)
def test_no_value_leads_elsewhere(rule, to, key, value):
    destination = rule(to=to)
    with pytest.raises(ProfileError, match=r"^pickup: to: ") as caught:
        destination.place(VALUES | {key: value}, Path())
    assert str(caught.value).isprintable()


@given(st.text(max_size=8), st.text("./\\%~", max_size=4))
@example("..", "")
@example("a", "../b")
def test_an_arbitrary_value_stays_below_the_folder_and_comes_back_from_an_address(name, more):
    value = name + more
    local = DeliverSettings(name="a", what="orders", to="/drop/{{ profile }}/{{ file }}")
    remote = DeliverSettings(name="a", what="orders", to="https://a/{{ profile }}/{{ file }}")
    values = VALUES | {"profile": value}
    try:
        path, address = local.place(values, Path("/")), remote.place(values, Path("/"))
    except ProfileError:
        return
    assert os.path.normpath(path) == path
    assert path == f"/drop/{value}/{VALUES['file']}"
    assert unquote(address) == f"https://a/{value}/{VALUES['file']}"
    assert address.isascii()
    assert not {"?", "#"} & {*address}


ADDRESS = "https://storage.example.ru/bucket/orders.csv?X-Signature=hunter2"


def test_a_secret_address_is_looked_up_when_it_is_needed_and_never_shown(rule, tmp_path, monkeypatch):
    destination = rule(to="env:CRM_UPLOAD")
    monkeypatch.setenv("CRM_UPLOAD", ADDRESS)
    place = destination.place(VALUES, tmp_path)
    assert (destination.scheme, place, destination.shown(place)) == ("http", ADDRESS, "env:CRM_UPLOAD")
    assert "hunter2" not in f"{destination!r}{destination}"


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("http://storage.example.ru/hunter2", "would travel unencrypted over http; use https"),
        ("sftp://a:hunter2@b/c", "an address begins with https:// or http://; other ways to a file are not known here"),
        ("https://a:hunter2@b/c", "the address holds a user's name or password; write them as username and password"),
        ("https://hunter2:x/", "this is no address; it is written like https://crm.example.ru/export.csv"),
    ],
)
def test_a_secret_that_is_no_safe_address_is_refused_without_being_shown(rule, tmp_path, monkeypatch, address, problem):
    monkeypatch.setenv("CRM_UPLOAD", address)
    with pytest.raises(ProfileError) as caught:
        rule(to="env:CRM_UPLOAD").place(VALUES, tmp_path)
    assert caught.value.mistakes == (f"env:CRM_UPLOAD: {problem}",)


def test_a_secret_address_may_be_of_this_machine(rule, tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_UPLOAD", "http://127.0.0.1:8080/a?b=c")
    assert rule(to="env:CRM_UPLOAD").place(VALUES, tmp_path) == "http://127.0.0.1:8080/a?b=c"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sftp://a@b/c", SftpAddress(Server("b"), "/c", "a")),
        ("sftp://b:2222/", SftpAddress(Server("b", 2222), "/")),
        ("sftp://а.я@[2001:db8::7]:1/ы б?#%20", SftpAddress(Server("2001:db8::7", 1), "/ы б?#%20", "а.я")),
    ],
)
def test_an_address_of_sftp_has_parts(text, address):
    assert sftp_address(text) == address


WAYS = (
    "begins with a way that is not known here; files go to a path, to sftp://user@host/path, to https://host/path, or "
    "to a secret address written as env:NAME, file:PATH or credential:NAME"
)
NO_SFTP = "this is no address; it is written like sftp://user@files.example.ru/upload/orders.csv"
NO_HTTPS = "this is no address; it is written like https://crm.example.ru/export.csv"
PASSWORD = 'the address holds a password; take it out and write password = "env:NAME"'
LOGIN = "the address holds a user's name or password; write them as username and password"
UNPRINTABLE = "has blanks around it, or an invisible character within"
NO_NAME = "names no file; end it with / for files under their own names"
QUERY = (
    "has a query, which may be a key; write where the whole address is found: env:NAME, file:PATH or credential:NAME"
)
PARTS = 'names no file, or has an empty part, "." or ".." in its path'
KNOWN = 'is unknown in a pattern, which may hold "batch", "file", "date", "profile" or "kind"'


@pytest.mark.parametrize(
    ("to", "problem"),
    [
        (5, "must be a text in quotes, not a number"),
        (["hunter2"], "must be a text in quotes, not a list"),
        ("", "must not be empty"),
        (" drop/a", UNPRINTABLE),
        ("drop/a\u200b", UNPRINTABLE),
        ("drop/a\x00", UNPRINTABLE),
        ("ftp://crm:hunter2@a/b", WAYS),
        ("s3://bucket/a", WAYS),
        ("metrica:", WAYS),
        ("SFTP://a@b/c", WAYS),
        ("https:/a/b", WAYS),
        ("crm@files.example.ru:/upload/a.csv", "looks like a path on a server; write it as sftp://user@host/path"),
        ("file:///srv/a.csv", "a path is written without file://"),
        ("env:hunter 2", "a secret address is written as env:NAME, file:PATH or credential:NAME"),
        ("sftp://crm:hunter2@a/b", PASSWORD),
        ("sftp://crm:hunt@er2@a/b", PASSWORD),
        ("sftp://crm:hunter2/@a/b", NO_SFTP),
        ("sftp://a@b", NO_SFTP),
        ("sftp:///b", NO_SFTP),
        ("sftp://a@b:0/c", "the port must be a number from 1 to 65535"),
        ("sftp://a@b:65536/c", "the port must be a number from 1 to 65535"),
        ("sftp://a@b/c//d", PARTS),
        ("sftp://a@b/../d", PARTS),
        ("sftp://a@b/~/c", "the path begins at the root of what the server shows; write it without ~"),
        (
            "sftp://a@b/c%20d",
            "the path is taken letter for letter; write the letter that stands behind a % as it is",
        ),
        ("https://crm:hunter2@a/b", LOGIN),
        ("https://a", NO_NAME),
        ("https://a:99999/hunter2", NO_HTTPS),
        ("https://a/./b", PARTS),
        ("https://a/b?key=hunter2", QUERY),
        ("https://a?key=hunter2", QUERY),
        ("https://a/b#hunter2", QUERY),
        ("http://files.example.ru/a", "would travel unencrypted over http; use https"),
        ("https://{{ profile }}.example.ru/a", "has a pattern outside of the path"),
        ("sftp://{{ profile }}@a/b", "has a pattern outside of the path"),
        ("drop/{{ bacth }}/a", f'"bacth" {KNOWN} (did you mean "batch"?)'),
        ("drop/{{ env }}/a", f'"env" {KNOWN}'),
        ("drop/{{ file", "is no Jinja2 pattern: unexpected end of template, expected 'end of print statement'."),
        ("drop/{{ file | lowr }}", "is no Jinja2 pattern: No filter named 'lowr'."),
        ("drop/{{ file.name }}", "cannot be filled in: 'str object' has no attribute 'name'"),
        ("drop/{{ '..' }}", 'cannot hold ".."'),
        ("drop/..", PARTS),
    ],
)
def test_mistakes_of_to(mistakes_of, to, problem):
    found = mistakes_of(to=to)
    assert found == [f"to: {problem}"]
    assert "hunter" not in found[0]


BATCH = (
    "must hold {{ batch }} for conversions: each batch has only what is new, and would replace the one before, which "
    'nobody may have fetched yet; such as "/drop/{{ batch }}/{{ file }}"'
)
FILE = "must hold {{ file }} for conversions, which have a file for each type of identifiers"
SEVERAL = "must hold {{ file }} or {{ kind }}, since several kinds go there"
NO_KIND = 'must be "conversions", "calls", "orders", "contacts" or "deals", not'
SINGLE = 'must be "orders", "contacts" or "deals", since a secret address is that of a single file'


@pytest.mark.parametrize(
    ("what", "to", "line"),
    [
        ("conversions", "drop/a.csv", f"to: {BATCH}"),
        ("conversions", "drop/{{ date }}/", f"to: {BATCH}"),
        (["orders", "conversions"], "drop/", f"to: {BATCH}"),
        ("conversions", "drop/{{ batch }}.csv", f"to: {FILE}"),
        (["orders", "conversions"], "sftp://a@b/{{ batch }}/{{ kind }}", f"to: {FILE}"),
        (["orders", "contacts"], "drop/a.csv", f"to: {SEVERAL}"),
        (["orders", "contacts"], "drop/{{ batch }}.csv", f"to: {SEVERAL}"),
        ("conversions", "env:A", f"what: {SINGLE}"),
        (["orders", "contacts"], "env:A", f"what: {SINGLE}"),
        (
            "calls",
            "drop/{{ batch }}/",
            'what: "calls" is not made by this profile, which makes conversions, orders, contacts',
        ),
        ("order", "drop/", f'what: {NO_KIND} "order" (did you mean "orders"?)'),
        ([], "drop/", "what: the list is empty; name at least one kind"),
        (["orders", "orders"], "drop/", 'what: the list names "orders" twice'),
    ],
)
def test_no_file_would_take_the_place_of_another_that_is_needed(mistakes_of, what, to, line):
    assert mistakes_of(what=what, to=to) == [line]


@pytest.mark.parametrize(
    ("what", "to"),
    [
        ("orders", "drop/a.csv"),
        (["orders"], "env:A"),
        (["orders", "contacts"], "drop/{{ kind }}.csv"),
        (["orders", "contacts"], "https://a/drop/"),
        (["orders", "conversions"], "sftp://a@b/{{ batch }}/"),
    ],
)
def test_what_takes_no_other_s_place_is_taken(rule, what, to):
    assert rule(what=what, to=to).what == ((what,) if isinstance(what, str) else tuple(what))


@pytest.mark.parametrize(
    ("second", "line"),
    [
        ({"name": "Pickup", "to": "other.csv"}, "name: is that of deliver[1] too; each destination has its own"),
        ({"name": "b"}, "to: is that of deliver[1] too; each destination has its own"),
        ({"name": "b", "what": "contacts"}, "to: is that of deliver[1] too; each destination has its own"),
        ({"name": "b", "to": "drop/{{ kind }}.csv"}, "to: is that of deliver[1] too; each destination has its own"),
    ],
)
def test_names_and_places_are_each_destination_s_own(mistakes, second, line):
    assert mistakes(document({}, second)) == [f"deliver[2].{line}"]


def test_a_secret_address_is_one_destination_s_own(mistakes):
    line = "deliver[2].to: is that of deliver[1] too; each destination has its own"
    assert mistakes(document({"to": "env:A"}, {"name": "b", "what": "contacts", "to": "env:A"})) == [line]


def test_two_destinations_may_share_a_folder(load):
    assert len(load(document({"to": "drop/"}, {"name": "b", "what": "contacts", "to": "drop/"})).deliver) == 2


NO_FINGERPRINT = 'must be a fingerprint as ssh-keygen -l prints it, "SHA256:" and 43 letters, digits, + and /, not'
NO_NAME_OF = (
    "is no name of a destination: up to 64 Latin letters, digits, dots, dashes and underscores, the first a letter, a "
    "digit or an underscore"
)
FOLDER = {"to": "drop/orders.csv"}


@pytest.mark.parametrize(
    ("way", "key", "value", "line"),
    [
        (
            FOLDER,
            "username",
            "a",
            "is only for an sftp address or an http(s) address, and `to` is a folder; take it out",
        ),
        (
            FOLDER,
            "password",
            "env:A",
            "is only for an sftp address or an http(s) address, and `to` is a folder; take it out",
        ),
        (
            FOLDER,
            "in_place",
            True,
            "is only for an sftp address or an http(s) address, and `to` is a folder; take it out",
        ),
        (FOLDER, "timeout", 5, "is only for an sftp address or an http(s) address, and `to` is a folder; take it out"),
        (FOLDER, "ca", "ca.pem", "is only for an http(s) address, and `to` is a folder; take it out"),
        (HTTPS, "key", "id", "is only for an sftp address, and `to` is an http(s) address; take it out"),
        (HTTPS, "host_key", FINGERPRINT, "is only for an sftp address, and `to` is an http(s) address; take it out"),
        (HTTPS, "known_hosts", "a", "is only for an sftp address, and `to` is an http(s) address; take it out"),
        (
            HTTPS,
            "jump",
            {"host": "a", "username": "b"},
            "is only for an sftp address, and `to` is an http(s) address; take it out",
        ),
        (HTTPS, "mode", "0640", "is only for a folder or an sftp address, and `to` is an http(s) address; take it out"),
        (
            {"to": "env:A"},
            "mode",
            "0640",
            "is only for a folder or an sftp address, and `to` is an http(s) address; take it out",
        ),
        (SFTP, "headers", {"A": "env:A"}, "is only for an http(s) address, and `to` is an sftp address; take it out"),
        (SFTP, "username", "a", "stands in `to` already; take one of them out"),
        (SFTP, "host_key", "MD5:00:11", f'{NO_FINGERPRINT} "MD5:00:11"'),
        (SFTP, "mode", 640, 'must be three or four octal digits in quotes, such as "0640", not 640'),
        (SFTP, "mode", "0o640", 'must be three or four octal digits in quotes, such as "0640", not "0o640"'),
        (SFTP, "attempts", 0, "must be a whole number from 1 to 100, without quotes, not 0"),
        (SFTP, "attempts", 101, "must be a whole number from 1 to 100, without quotes, not 101"),
        (SFTP, "time_limit", 604801, "must be seconds, from 1 to 604800, not 604801"),
        (SFTP, "in_place", "yes", 'must be true or false, without quotes, not "yes"'),
        (SFTP, "key", "https://a/b", "must be the path of a local file"),
        (SFTP, "name", ".a", f'".a" {NO_NAME_OF}'),
    ],
)
def test_mistakes_of_single_keys(mistakes_of, way, key, value, line):
    assert mistakes_of(**way | {key: value}) == [f"{key}: {line}"]


USER = 'username: is required unless `to` names the user, sftp://user@host/path, such as username = "yandex"'
HOST = 'must be the name of a server, such as "bastion.example.ru" or "[::1]:2222"; who logs in is another key'


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        ({"to": "sftp://a/b"}, [USER]),
        (SFTP | {"passphrase": "env:A"}, ['key: is required by passphrase, such as key = "~/.ssh/id_ed25519"']),
        (SFTP | {"certificate": "a"}, ['key: is required by certificate, such as key = "~/.ssh/id_ed25519"']),
        (
            SFTP | {"host_key": FINGERPRINT, "known_hosts": "a"},
            ["known_hosts: stands beside host_key, which is enough to know the server; take one of them out"],
        ),
        (SFTP | {"jump": {"username": "a"}}, ['jump.host: is required, such as host = "bastion.example.ru"']),
        (SFTP | {"jump": {"host": "a"}}, ['jump.username: is required, such as username = "yandex"']),
        (SFTP | {"jump": {"host": "crm:hunter2@a", "username": "b"}}, [f"jump.host: {HOST}"]),
        (SFTP | {"jump": {"host": "::1", "username": "b"}}, [f"jump.host: {HOST}"]),
        (
            SFTP | {"jump": {"host": "a", "username": "b", "passphrase": "env:A"}},
            ['jump.key: is required by passphrase, such as key = "~/.ssh/id_ed25519"'],
        ),
        (SFTP | {"pasword": "hunter2"}, ['pasword: unknown key (did you mean "password"?)']),
    ],
)
def test_mistakes_between_keys(mistakes_of, keys, lines):
    found = mistakes_of(**keys)
    assert found == lines
    assert "hunter" not in "".join(found)


def test_all_mistakes_of_a_destination_are_told_at_once_in_the_order_of_its_keys(mistakes):
    rule = {"name": "a b", "to": "sftp://a/b", "password": "hunter2", "passphrase": "env:A", "ca": "a", "mode": 640}
    lines = mistakes(document(rule | {"what": "deals", "jump": {"host": "a b"}, "token": "hunter2"}))
    assert [line.partition(": ")[0].removeprefix("deliver[1].") for line in lines] == [
        *("name", "username", "password", "key", "jump.username", "jump.host", "ca", "mode", "token", "what"),
    ]
    assert "hunter" not in "".join(lines)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("{}", "deliver: must be a list of tables, not a table; write [[deliver]], with two brackets"),
        ("[]", "deliver: is empty; write at least one [[deliver]]"),
        ("[1]", "deliver[1]: must be a table, not a number"),
    ],
)
def test_deliver_is_a_list_of_tables(mistakes, value, line):
    assert mistakes(f"{PROFILE}deliver = {value}") == [line]


def test_what_is_required_is_told_with_an_example(mistakes):
    assert mistakes(f"{PROFILE}[[deliver]]") == [
        'deliver[1].name: is required, such as name = "pickup"',
        'deliver[1].what: is required, such as what = "orders"',
        'deliver[1].to: is required, such as to = "sftp://yandex@files.example.ru/upload/orders.csv"',
    ]


@pytest.mark.parametrize(
    "keys",
    [
        *[
            {"to": to}
            for to in (
                *[
                    "sftp://crm:hunter2@a/b",
                    "sftp://crm:hunter2@a:b/c",
                    "sftp://crm:hunt@er2:hunter2@a/b",
                    "hunter2://a",
                ],
                *[
                    "https://crm:hunter2@a/b",
                    "https://hunter2@a/b",
                    "http://crm:hunter2@a/b",
                    "https://crm:hunter2 @a/b",
                ],
                *["https://a/b?key=hunter2&", "https://a/#hunter2", "ftp://crm:hunter2@a", "crm:hunter2@a:b"],
                *["env: hunter2", "file://hunter2", "https://{{ 'hunter2' }}@a/b", "sftp://{{ 'hunter2' }}:@a/b"],
            )
        ],
        *[
            SFTP | {key: value}
            for key in ("username", "password", "passphrase", "headers", "jump", "key")
            for value in (["hunter2"], {"A": "hunter2"}, {"password": "hunter2"})
        ],
        *[SFTP | {"password": "hunter2"}, SFTP | {"passphrase": "hunter2"}, SFTP | {"headers": "hunter2"}],
    ],
)
def test_no_mistake_shows_a_secret_that_was_written_into_a_destination(tmp_path, keys):
    (tmp_path / "profile.toml").write_text(document(keys), "utf-8")
    with pytest.raises(ProfileError) as caught:
        load_profile(tmp_path / "profile.toml")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(("text", "loaded"), [(PROFILE, "False"), (document({}), "True")])
def test_jinja2_is_imported_for_destinations_alone(tmp_path, text, loaded):
    (tmp_path / "profile.toml").write_text(text, "utf-8")
    code = (
        "import sys; from csvexport.profile import Profile; Profile.load(sys.argv[1]); print('jinja2' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(tmp_path / "profile.toml")]
    assert subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.strip() == loaded


KEYS = """
name what to username password key passphrase certificate host_key known_hosts jump headers ca mode host
"""
TEXTS = [
    "orders",
    "drop/",
    "sftp://a@b/c",
    "https://a/",
    "env:A",
    "a@b:c",
    "{{ batch }}",
    "{{ a }}",
    "{{",
    "%20",
    "0640",
]
ANY = st.recursive(
    st.sampled_from(TEXTS) | st.text("{}%#|.:/@a~ \\\x00\u200b", max_size=12) | st.integers(-1, 101) | st.booleans(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=4),
    max_leaves=6,
)


def outcome(file):
    """The mistakes that a profile has."""
    try:
        load_profile(file)
    except ProfileError as error:
        return error.mistakes
    return ()


@given(st.dictionaries(st.sampled_from(KEYS.split()), ANY, max_size=8), st.sampled_from(["name", "what", "to", ""]))
def test_an_arbitrary_destination_is_read_or_refused_in_our_words(tmp_path_factory, keys, given_key):
    file = tmp_path_factory.getbasetemp() / "deliver.toml"
    file.write_text(document({key: value for key, value in keys.items() if key != given_key}), "utf-8")
    for line in outcome(file):
        assert line.startswith("deliver.toml: deliver[1]")
        assert line.isprintable()
