import gzip
import os
import stat
import time
from pathlib import Path

import pytest
from https_server import (
    CONTENT,
    DATED,
    ETAG,
    HALF,
    LOGIN_PAGE,
    MEGABYTE,
    RECENT,
    SECRET,
    Answer,
    redirect,
    versioned,
)

from csvexport.errors import SourceError
from csvexport.sources import cache

posix = pytest.mark.skipif(os.name != "posix", reason="the modes of files are POSIX's")
pytestmark = pytest.mark.usefixtures("_system_trusts_nobody")


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "cache" / "csvexport" / "exports"


def names(kept):
    """By what exports are kept."""
    return {path.stem for path in kept.iterdir()} if kept.exists() else set()


@pytest.mark.parametrize("headers", [ETAG, {"ETag": 'W/"v1"'}, {"ETag": "v1"}, DATED])
def test_an_export_that_has_not_changed_is_sent_once(server, fetched, kept, headers):
    server.script["/a.csv"] = [versioned(CONTENT, headers)]
    for _ in range(3):
        assert fetched(f"{server.url}/a.csv") == CONTENT
    asked = "If-None-Match" if "ETag" in headers else "If-Modified-Since"
    (validator,) = headers.values()
    assert server.asked(asked) == [None, validator, validator]
    (name,) = names(kept)
    assert {path.name for path in kept.iterdir()} == {name, f"{name}.json"}


def test_an_export_that_has_changed_is_fetched_and_kept(server, fetched):
    server.script["/a.csv"] = [versioned(CONTENT, ETAG), versioned(CONTENT[::-1], {"ETag": '"v2"'})]
    assert [fetched(f"{server.url}/a.csv") for _ in range(3)] == [CONTENT, CONTENT[::-1], CONTENT[::-1]]
    assert server.asked("If-None-Match") == [None, '"v1"', '"v2"']


def test_a_server_in_trouble_is_asked_again_whether_anything_has_changed(server, fetched):
    server.script["/a.csv"] = [versioned(CONTENT, ETAG), Answer(status=503), versioned(CONTENT, ETAG)]
    assert [fetched(f"{server.url}/a.csv") for _ in range(2)] == [CONTENT] * 2
    assert server.asked("If-None-Match") == [None, '"v1"', '"v1"']


def test_an_export_that_was_packed_on_the_way_is_kept_unpacked(server, fetched):
    headers = ETAG | {"Content-Encoding": "gzip"}
    server.script["/a.csv"] = [versioned(gzip.compress(CONTENT), headers)]
    assert [fetched(f"{server.url}/a.csv") for _ in range(2)] == [CONTENT] * 2


def test_the_login_is_sent_even_for_what_is_kept(server, fetched, refusal, kept):
    server.script["/a.csv"] = [Answer(CONTENT, headers=ETAG), Answer(status=401)]
    asked = {"headers": {"Authorization": f"Basic {SECRET}"}, "keys": "source.headers"}
    assert fetched(f"{server.url}/a.csv", **asked) == CONTENT
    assert "the login was refused" in refusal(f"{server.url}/a.csv", **asked)
    assert server.asked("Authorization") == [f"Basic {SECRET}"] * 2
    assert not [path for path in kept.iterdir() if SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize("headers", [{}, RECENT, ETAG | {"Cache-Control": "private, No-Store"}])
def test_what_has_no_certain_version_or_must_not_be_kept_is_fetched_anew(server, fetched, kept, headers):
    server.script["/a.csv"] = [Answer(CONTENT, headers=headers)]
    for _ in range(2):
        assert fetched(f"{server.url}/a.csv") == CONTENT
    assert (server.asked("If-None-Match"), server.asked("If-Modified-Since")) == ([None] * 2, [None] * 2)
    assert not kept.exists()


def of(login):
    """What logs in."""
    return {"headers": {"Authorization": f"Basic {login}"}, "keys": "source.username and source.password"}


def own(request):
    """Answer as a server that tells everybody's export by the same version."""
    body = f"yclid;at\n{request.headers['Authorization']};{request.headers['X-Key']}\n".encode()
    return versioned(body, ETAG)(request)


def test_nobody_is_served_what_another_login_was_sent(server, fetched):
    server.script["/a.csv"] = [own]
    for _ in range(2):
        for login in ("anna", "boris"):
            assert f"Basic {login}".encode() in fetched(f"{server.url}/a.csv", **of(login))
        for key in ("north", "south"):
            assert f";{key}".encode() in fetched(f"{server.url}/a.csv", headers={"X-Key": key}, keys="source.headers")
        assert b"None;None" in fetched(f"{server.url}/a.csv")
    assert server.asked("If-None-Match") == [None] * 5 + ['"v1"'] * 5


@pytest.mark.parametrize("header", ["accept", "USER-AGENT", "Accept-Language", "Cookie", "x-tenant"])
def test_every_header_that_is_sent_decides_what_is_kept(server, fetched, header):
    server.script["/a.csv"] = [versioned(CONTENT, ETAG)]
    for text in ("one", "two", "one"):
        fetched(f"{server.url}/a.csv", headers={header: text})
    assert server.asked("If-None-Match") == [None, None, '"v1"']


def test_what_is_kept_behind_a_proxy_is_not_what_is_kept_behind_another(started, fetched, monkeypatch):
    proxies = [started(tls=False), started(tls=False)]
    for proxy, content in zip(proxies, (CONTENT, CONTENT[::-1]), strict=True):
        proxy.script["http://crm.example.com/a.csv"] = [versioned(content, ETAG)]
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert fetched("http://crm.example.com/a.csv") == content


def test_a_date_alone_tells_versions_of_one_login(server, fetched):
    server.script["/a.csv"] = [versioned(CONTENT, DATED)]
    for login in ("anna", "boris", "anna"):
        fetched(f"{server.url}/a.csv", **of(login))
    assert server.asked("If-Modified-Since") == [None, None, DATED["Last-Modified"]]


@pytest.mark.parametrize("more", [{"Vary": "*"}, {"Vary": "Accept, *"}])
def test_what_depends_on_what_nobody_knows_is_not_kept(server, fetched, kept, more):
    server.script["/a.csv"] = [Answer(CONTENT, headers=ETAG | more)]
    fetched(f"{server.url}/a.csv")
    assert names(kept) == set()


def test_what_depends_on_a_session_is_not_kept(server, fetched, kept):
    server.script["/in"] = [Answer(b"", 302, {"Location": "/a.csv", "Set-Cookie": "session=1; Path=/"})]
    server.script["/a.csv"] = [Answer(CONTENT, headers=ETAG)]
    fetched(f"{server.url}/in")
    assert server.asked("Cookie") == [None, "session=1"]
    assert names(kept) == set()


def test_a_server_that_names_another_version_than_the_kept_one_is_asked_for_all(server, fetched):
    other = Answer(status=304, headers={"ETag": '"v2"'})
    server.script["/a.csv"] = [Answer(CONTENT, headers=ETAG), other, Answer(CONTENT[::-1], headers={"ETag": '"v2"'})]
    assert [fetched(f"{server.url}/a.csv") for _ in range(2)] == [CONTENT, CONTENT[::-1]]
    assert server.asked("If-None-Match") == [None, '"v1"', None]


def test_names_tell_nothing_of_what_they_are_made_of(server, fetched, kept):
    server.script["/a.csv"] = [versioned(CONTENT, ETAG)]
    fetched(f"{server.url}/a.csv", **of(SECRET))
    key = kept.parent / "key"
    first, made = names(kept), key.read_bytes()
    assert (len(made), made.isascii()) == (32, False)
    for path in kept.iterdir():
        path.unlink()
    key.unlink()
    fetched(f"{server.url}/a.csv", **of(SECRET))
    assert names(kept).isdisjoint(first)


@pytest.mark.parametrize("content", [b"", b"short"])
def test_a_key_that_is_damaged_is_made_anew(server, fetched, kept, content):
    server.script["/a.csv"] = [versioned(CONTENT, ETAG)]
    kept.parent.mkdir(parents=True)
    (kept.parent / "key").write_bytes(content)
    assert [fetched(f"{server.url}/a.csv") for _ in range(2)] == [CONTENT] * 2
    assert server.asked("If-None-Match") == [None, '"v1"']


def test_what_a_redirect_leads_to_is_kept_and_not_what_it_led_to_before(server, fetched):
    server.script["/latest"] = [redirect("/may.csv"), redirect("/may.csv"), redirect("/june.csv")]
    server.script["/may.csv"] = [versioned(CONTENT, ETAG)]
    server.script["/june.csv"] = [versioned(CONTENT[::-1], ETAG)]
    assert [fetched(f"{server.url}/latest") for _ in range(3)] == [CONTENT, CONTENT, CONTENT[::-1]]
    asked = [(request.path, request.headers["If-None-Match"]) for request in server.requests]
    assert [validator for path, validator in asked if path == "/may.csv"] == [None, '"v1"']
    assert {validator for path, validator in asked if path != "/may.csv"} == {None}


def test_a_web_page_is_not_kept(server, refusal, kept):
    server.script["/a.csv"] = [Answer(LOGIN_PAGE, headers=ETAG)]
    refusal(f"{server.url}/a.csv")
    assert not kept.exists()


def damaged_byte(content, _):
    content.write_bytes(b"x" + content.read_bytes()[1:])


def damaged_length(content, _):
    content.write_bytes(content.read_bytes()[:-1])


def damaged_facts(_, facts):
    facts.write_bytes(facts.read_bytes()[:-4])


def other_facts(_, facts):
    facts.write_text('{"etag": 1}')


def no_text(_, facts):
    facts.write_bytes(b"\xff\xfe")


def missing(content, _):
    content.unlink()


@pytest.mark.parametrize("damage", [damaged_byte, damaged_length, damaged_facts, other_facts, no_text, missing])
def test_what_is_kept_and_damaged_is_fetched_anew(server, fetched, kept, scratch, damage):
    server.script["/a.csv"] = [versioned(CONTENT, ETAG)]
    fetched(f"{server.url}/a.csv")
    for path in scratch.iterdir():
        path.unlink()
    (name,) = names(kept)
    content = kept / name
    damage(content, content.with_suffix(".json"))
    assert [fetched(f"{server.url}/a.csv") for _ in range(2)] == [CONTENT] * 2
    assert server.asked("If-None-Match") == [None, None, '"v1"']


def test_what_is_kept_lies_on_another_disk(server, fetched, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    server.script["/a.csv"] = [versioned(CONTENT, ETAG)]
    assert [fetched(f"{server.url}/a.csv") for _ in range(2)] == [CONTENT] * 2
    assert server.asked("If-None-Match") == [None, '"v1"']


def test_a_folder_that_cannot_be_made_costs_no_more_than_fetching(server, fetched, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    server.script["/a.csv"] = [Answer(CONTENT, headers=ETAG)]
    assert [fetched(f"{server.url}/a.csv") for _ in range(2)] == [CONTENT] * 2
    assert server.asked("If-None-Match") == [None, None]


def test_what_cannot_be_written_to_its_end_leaves_nothing(kept, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    cache.store("name", Path(__file__), cache.Version('"v1"'))
    assert list(kept.iterdir()) == []


@posix
def test_a_folder_that_others_can_write_to_is_closed_to_them(server, fetched, kept):
    kept.mkdir(parents=True)
    kept.chmod(0o777)
    server.script["/a.csv"] = [Answer(CONTENT, headers=ETAG)]
    fetched(f"{server.url}/a.csv")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700


def test_what_was_kept_long_ago_goes_when_another_comes(server, fetched, kept):
    for name in ("/a.csv", "/b.csv", "/c.csv"):
        server.script[name] = [versioned(CONTENT, ETAG)]
    fetched(f"{server.url}/a.csv")
    first = names(kept)
    fetched(f"{server.url}/b.csv")
    second = names(kept) - first
    old = time.time() - 86400 * cache.KEPT_DAYS - 9
    for path in kept.iterdir():
        if path.stem in first:
            os.utime(path, (old, old))
    fetched(f"{server.url}/c.csv")
    assert not names(kept) & first
    assert len(names(kept) - second) == 1


def test_what_is_kept_and_larger_than_allowed_by_now_is_refused(server, fetched, refusal):
    server.script["/a.csv"] = [versioned(bytes(b"a;b\n" * (MEGABYTE // 2)), ETAG)]
    fetched(f"{server.url}/a.csv")
    assert "is larger than source.max_megabytes = 1" in refusal(f"{server.url}/a.csv", max_bytes=MEGABYTE)


@posix
def test_nobody_else_can_read_what_is_fetched_and_kept(server, fetched, kept, scratch):
    old = os.umask(0)
    try:
        server.script["/a.csv"] = [versioned(CONTENT, ETAG)]
        server.script["/b.csv"] = [Answer(gzip.compress(CONTENT), headers=ETAG | {"Content-Encoding": "gzip"})]
        server.script["/c.csv"] = [Answer(CONTENT, headers=ETAG, cut=HALF)]
        for name in ("a", "b", "a", "b"):
            fetched(f"{server.url}/{name}.csv")
        with pytest.raises(SourceError):
            fetched(f"{server.url}/c.csv")
    finally:
        os.umask(old)
    modes = {stat.S_IMODE(path.stat().st_mode) for folder in (kept, scratch) for path in folder.iterdir()}
    modes.add(stat.S_IMODE((kept.parent / "key").stat().st_mode))
    assert modes == {0o600}
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (kept, kept.parent)} == {0o700}
