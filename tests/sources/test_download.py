import base64
import gzip
import io
import logging
import math
import os
import ssl
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest
import trustme
from https_server import (
    CONTENT,
    CREDENTIALS,
    DATED,
    ETAG,
    HALF,
    LOGIN_PAGE,
    LONG_AGO,
    MEGABYTE,
    RECENT,
    SECRET,
    Answer,
    guarded,
    ranged,
    redirect,
)

from csvexport import __version__, web
from csvexport.errors import ProfileError, SourceError
from csvexport.profile import SourceSettings
from csvexport.sources import download, open_sources
from csvexport.sources.access import Access

pytestmark = pytest.mark.usefixtures("_system_trusts_nobody")


def logged_in(folder, **settings):
    """The access of a profile with these keys."""
    return Access.of(SourceSettings(**settings), folder)


# What is asked


def test_an_export_is_fetched_with_what_a_request_needs_and_no_more(server, fetched):
    server.script["/a.csv"] = [Answer(CONTENT)]
    assert fetched(f"{server.url}/a.csv?since=1&key={SECRET}") == CONTENT
    (request,) = server.requests
    assert request.path == f"/a.csv?since=1&key={SECRET}"
    names = {name.lower(): text for name, text in request.headers.items()}
    assert names.pop("host") == server.url.removeprefix("https://")
    assert names == {
        "user-agent": f"csvexport/{__version__}",
        "accept": "*/*",
        "accept-encoding": "gzip",
        "connection": "keep-alive",
    }


def test_a_login_is_sent_whatever_letters_it_has(server, ca, scratch, monkeypatch):
    monkeypatch.setenv("CRM_PASSWORD", "сезам: откройся")
    server.script["/a.csv"] = [guarded("менеджер", "сезам: откройся", CONTENT)]
    asked = logged_in(Path(), username="менеджер", password="env:CRM_PASSWORD", ca=str(ca))
    assert download.download(f"{server.url}/a.csv", asked, scratch)[1].read_bytes() == CONTENT


def test_a_password_that_is_no_text_is_sent_as_it_is(monkeypatch):
    monkeypatch.setenv("CRM_PASSWORD", "\udcff")
    sent = logged_in(Path(), username="crm", password="env:CRM_PASSWORD").headers["Authorization"]
    assert base64.b64decode(sent.removeprefix("Basic ")) == b"crm:\xff"


def test_headers_of_the_profile_are_sent(server, ca, scratch, tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_KEY", "k 1")
    (tmp_path / "token").write_text("Bearer t\n")
    (tmp_path / "token").chmod(0o600)
    server.script["/a.csv"] = [Answer(CONTENT)]
    monkeypatch.chdir(scratch)
    headers = {"X-Key": "env:CRM_KEY", "authorization": "file:token"}
    asked = logged_in(tmp_path, headers=headers, ca=ca.name)
    download.download(f"{server.url}/a.csv", asked, scratch)
    assert (server.asked("X-Key"), server.asked("Authorization")) == (["k 1"], ["Bearer t"])


def test_a_header_of_the_profile_stands_instead_of_ours(server, fetched):
    server.script["/a.csv"] = [Answer(CONTENT)]
    fetched(f"{server.url}/a.csv", headers={"user-agent": "crm/1", "ACCEPT": "text/csv"})
    (request,) = server.requests
    assert request.headers.get_all("User-Agent") == ["crm/1"]
    assert request.headers.get_all("Accept") == ["text/csv"]


def test_a_local_export_imports_nothing_of_this():
    code = (
        "import sys, csvexport.workflow; print(*sorted({'httpx', 'tenacity', 'ssl', 'platformdirs'} & {*sys.modules}))"
    )
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=paths)
    assert done.stdout == "\n"


def test_what_netrc_says_is_not_sent(server, fetched, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text(f"machine localhost login crm password {SECRET}\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server.script["/a.csv"] = [Answer(CONTENT)]
    fetched(f"{server.url}/a.csv")
    assert server.asked("Authorization") == [None]


@pytest.mark.parametrize("text", ["two\nlines", "end\n", " a", "ключ", "a\x00b"])
def test_a_header_that_cannot_be_sent_is_refused_without_being_shown(monkeypatch, text):
    monkeypatch.setenv("CRM_KEY", text.replace("\x00", "\x01"))
    with pytest.raises(ProfileError) as caught:
        logged_in(Path(), headers={"X-Key": "env:CRM_KEY"})
    line = "env:CRM_KEY: cannot be sent in a header; it must be ASCII, on one line, without blanks around it"
    assert caught.value.mistakes == (line,)


def test_two_ways_to_log_in_contradict_each_other(monkeypatch):
    monkeypatch.setenv("CRM_KEY", "x")
    with pytest.raises(ProfileError, match=r"^source.headers: has Authorization"):
        logged_in(Path(), username="crm", headers={"AUTHORIZATION": "env:CRM_KEY"})
    with pytest.raises(ProfileError, match=r"^source.username: has a colon"):
        logged_in(Path(), username="c:rm")


def test_what_is_printed_of_an_access_shows_no_secret(monkeypatch):
    monkeypatch.setenv("CRM_PASSWORD", SECRET)
    asked = logged_in(Path(), username="crm", password="env:CRM_PASSWORD")
    encoded = base64.b64encode(f"crm:{SECRET}".encode()).decode()
    assert asked.headers == {"Authorization": f"Basic {encoded}"}
    assert encoded not in repr(asked)


def test_libraries_log_no_address(server, fetched, caplog):
    caplog.set_level(logging.DEBUG)
    server.script["/a.csv"] = [Answer(CONTENT)]
    fetched(f"{server.url}/a.csv?key={SECRET}")
    assert SECRET not in caplog.text
    assert not [record for record in caplog.records if record.name.startswith("http")]


# Certificates


def test_a_server_of_an_authority_that_nobody_trusts_is_not_asked(server, refusal):
    assert refusal(f"{server.url}/a.csv", ca=None) == (
        "the server's certificate cannot be trusted: its issuer is unknown here; name a PEM file with the certificate"
        " of its issuer as source.ca"
    )
    assert server.requests == []


@pytest.mark.parametrize(
    ("validity", "reason"),
    [
        ({"not_after": datetime.now(UTC) - timedelta(days=1)}, "it, or one of its issuers', has expired"),
        ({"not_before": datetime.now(UTC) + timedelta(days=1)}, "it is not valid yet; check the clock"),
    ],
)
def test_a_certificate_out_of_its_time(started, refusal, validity, reason):
    server = started(**validity)
    assert refusal(f"{server.url}/a.csv").startswith(f"the server's certificate cannot be trusted: {reason}")
    assert server.requests == []


def test_a_certificate_for_another_host(started, refusal):
    server = started("crm.example.com")
    assert "made out for another host name" in refusal(f"{server.url}/a.csv")
    assert "made out for another host;" in refusal(f"{server.url.replace('localhost', '127.0.0.1')}/a.csv")


def test_a_certificate_that_vouches_for_itself(started, refusal):
    itself = trustme.CA()

    class SelfSigned:
        def configure_cert(self, context):
            pem = itself.private_key_pem.bytes() + itself.cert_pem.bytes()
            with trustme.Blob(pem).tempfile() as path:
                context.load_cert_chain(path)

    class Issuer:
        def issue_cert(self, *_):
            return SelfSigned()

    assert "it is self-signed" in refusal(f"{started(issuer=Issuer()).url}/a.csv")


def test_old_tls_is_not_spoken(ca):
    assert web.trust(ca).minimum_version >= ssl.TLSVersion.TLSv1_2
    assert web.trust(ca).verify_mode == ssl.CERT_REQUIRED


def test_the_authorities_that_python_brings_are_trusted_where_the_system_has_none(monkeypatch, tmp_path):
    assert web.trust(None).cert_store_stats()["x509_ca"] == 0
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "nowhere"))
    assert web.trust(None).cert_store_stats()["x509_ca"] > 50


def test_a_server_without_tls_at_an_https_address(started, refusal):
    server = started(tls=False)
    message = refusal(f"{server.url.replace('http:', 'https:')}/a.csv")
    assert message == "there is no TLS connection (TLS 1.2 or newer); check https and the port"


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "cannot be read: No such file"), (b"\x30\x82", "holds no certificate in PEM form")]
)
def test_a_file_of_certificates_that_is_none(server, fetched, tmp_path, content, reason):
    if content:
        (tmp_path / "ca.cer").write_bytes(content)
    with pytest.raises(SourceError, match=rf"^source.ca: .*ca.cer {reason}"):
        fetched(f"{server.url}/a.csv", ca=tmp_path / "ca.cer")


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_a_server_keeps_the_login(server, fetched, status):
    server.script["/a"] = [redirect("b/a.csv", status)]
    server.script["/b/a.csv"] = [Answer(CONTENT)]
    assert fetched(f"{server.url}/a", headers=CREDENTIALS, keys="k") == CONTENT
    assert (server.asked("Authorization"), server.asked("X-Key")) == (["Basic x"] * 2, ["k"] * 2)


def test_another_server_gets_no_login_and_neither_does_the_first_one_after_it(started, fetched):
    first, second = started(), started()
    first.script["/a"] = [redirect(f"{second.url}/b?key={SECRET}")]
    second.script["/b"] = [redirect("/c")]
    second.script["/c"] = [redirect(f"{first.url}/d")]
    first.script["/d"] = [redirect("/e")]
    first.script["/e"] = [Answer(CONTENT)]
    assert fetched(f"{first.url}/a", headers=CREDENTIALS, keys="k") == CONTENT
    for name, sent in (("Authorization", "Basic x"), ("X-Key", "k")):
        assert (first.asked(name), second.asked(name)) == ([sent, None, None], [None, None])


@pytest.mark.parametrize("status", [401, 403])
def test_another_server_that_wants_a_login(started, refusal, status):
    first, second = started(), started()
    first.script["/a"] = [redirect(f"{second.url}/b?key={SECRET}")]
    second.script["/b"] = [Answer(status=status)]
    message = refusal(f"{first.url}/a", headers=CREDENTIALS, keys="source.headers")
    assert message == (
        f"{first.url}/a, redirected to {second.url}/b?…: a login is needed ({status}), and none is sent to another"
        " server; name that address in source.path"
    )


def test_a_redirect_to_http_is_refused(started, refusal):
    first, second = started(), started(tls=False)
    first.script["/a"] = [redirect(f"{second.url}/b?{SECRET}")]
    assert refusal(f"{first.url}/a") == (
        f"is redirected to {second.url}/b?…, which is unencrypted; have the server use https"
    )
    assert second.requests == []


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("ftp://localhost/a", "is redirected to what is no http(s) address"),
        ("mailto:crm@example.com", "the address, or what it redirects to, cannot be asked; check it"),
    ],
)
def test_a_redirect_to_what_cannot_be_fetched(server, refusal, location, message):
    server.script["/a"] = [redirect(location)]
    assert refusal(f"{server.url}/a") == message
    assert len(server.requests) == 1


def test_a_redirect_with_a_password_is_refused(server, refusal):
    server.script["/a"] = [redirect(f"{server.url.replace('//', f'//crm:{SECRET}@')}/b")]
    assert refusal(f"{server.url}/a").startswith(f"is redirected to {server.url}/b with a password")


def test_redirects_end(server, refusal, fetched):
    for number in range(5):
        server.script[f"/{number}"] = [redirect(f"/{number + 1}")]
    server.script["/5"] = [Answer(CONTENT)]
    assert fetched(f"{server.url}/0") == CONTENT
    server.script["/5"] = [redirect("/6")]
    server.script["/6"] = [Answer(CONTENT)]
    assert "more than 5 redirects" in refusal(f"{server.url}/0")


# Packing and ends


@pytest.mark.parametrize("name", ["gzip", "x-gzip", "GZIP"])
@pytest.mark.parametrize("length", ["content-length", "chunked", ""])
def test_what_is_packed_for_the_way_is_unpacked(server, fetched, scratch, name, length):
    server.script["/a.csv"] = [Answer(gzip.compress(CONTENT), headers={"Content-Encoding": name}, length=length)]
    assert fetched(f"{server.url}/a.csv") == CONTENT
    assert len(list(scratch.iterdir())) == 1


@pytest.mark.parametrize("content", [CONTENT, gzip.compress(CONTENT)[:-9], gzip.compress(CONTENT) + b"more"])
def test_what_is_packed_badly(server, refusal, content):
    server.script["/a.csv"] = [Answer(content, headers={"Content-Encoding": "gzip"})]
    assert refusal(f"{server.url}/a.csv") == "the answer should be packed with gzip and is damaged; fetch it again"


def test_what_is_packed_in_another_way(server, refusal):
    server.script["/a.csv"] = [Answer(CONTENT, headers={"Content-Encoding": "br"})]
    assert "packed in a way that was not asked for" in refusal(f"{server.url}/a.csv")


def zipped(content):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("deals.csv", content)
    return target.getvalue()


ENDING = {
    "json": b'[{"id": 1}]',
    "xml": b"<?xml version='1.0'?><orders><order/></orders>",
    "gzip": gzip.compress(CONTENT),
    "zip": zipped(CONTENT),
    "zstd": b"\x28\xb5\x2f\xfd" + bytes(9),
}


@pytest.mark.parametrize("form", ENDING)
def test_an_answer_of_unknown_length_is_taken_if_it_shows_its_own_end(server, fetched, form):
    server.script["/a"] = [Answer(ENDING[form], length="")]
    assert fetched(f"{server.url}/a") == ENDING[form]


@pytest.mark.parametrize("content", [CONTENT, b'{"id": 1}\n{"id": 2}\n'])
def test_lines_of_unknown_number_are_refused(server, refusal, fetched, content):
    server.script["/a"] = [Answer(content, length="")]
    assert refusal(f"{server.url}/a") == (
        "the answer does not say how long it is, so nobody can see whether it is whole; have the server send"
        " Content-Length"
    )
    server.script["/a"] = [Answer(content, length="chunked")]
    assert fetched(f"{server.url}/a") == content


@pytest.mark.parametrize("answer", [Answer(), Answer(status=204), Answer(length="chunked"), Answer(length="")])
def test_an_empty_answer(server, refusal, answer):
    server.script["/a"] = [answer]
    assert refusal(f"{server.url}/a").startswith("the answer is empty")


# Size


@pytest.mark.parametrize("length", ["content-length", "chunked", ""])
def test_what_is_larger_than_allowed_is_not_received(server, refusal, scratch, length):
    server.script["/a"] = [Answer(bytes(16 * MEGABYTE), length=length)]
    assert refusal(f"{server.url}/a", max_bytes=MEGABYTE) == (
        "is larger than source.max_megabytes = 1 allows; raise it if that is right"
    )
    assert len(server.requests) == 1
    received = sum(path.stat().st_size for path in scratch.iterdir())
    assert received <= (0 if length == "content-length" else MEGABYTE)


def test_what_is_exactly_as_large_as_allowed_is_received(server, fetched):
    server.script["/a"] = [Answer(b"a" * MEGABYTE)]
    assert len(fetched(f"{server.url}/a", max_bytes=MEGABYTE)) == MEGABYTE


def test_what_unpacks_to_more_than_allowed_is_refused(server, refusal, scratch):
    server.script["/a"] = [Answer(gzip.compress(bytes(16 * MEGABYTE)), headers={"Content-Encoding": "gzip"})]
    assert "is larger than source.max_megabytes = 2" in refusal(f"{server.url}/a", max_bytes=2 * MEGABYTE)
    assert max(path.stat().st_size for path in scratch.iterdir()) <= 2 * MEGABYTE


@pytest.mark.parametrize("packed", [gzip.compress(bytes(3 * MEGABYTE)), zipped(bytes(3 * MEGABYTE))])
def test_an_archive_that_holds_more_than_allowed_is_refused(server, ca, scratch, packed):
    if packed.startswith(b"PK"):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", bytes(3 * MEGABYTE))
        packed = target.getvalue()
    server.script["/a"] = [Answer(packed)]
    settings = SourceSettings(path=f"{server.url}/a", ca=str(ca), max_megabytes=1)
    with pytest.raises(SourceError, match=r"/a: the archive holds more than source.max_megabytes allows"):
        open_sources(settings, Path(), (), (), scratch)


# Interruptions


@pytest.mark.parametrize(("headers", "validator"), [(ETAG, '"v1"'), (DATED, LONG_AGO), (ETAG | DATED, '"v1"')])
@pytest.mark.parametrize("length", ["content-length", "chunked"])
def test_an_answer_that_breaks_off_is_continued(server, fetched, headers, validator, length):
    server.script["/a.csv"] = [Answer(CONTENT, headers=headers, cut=HALF, length=length), ranged(CONTENT, headers)]
    assert fetched(f"{server.url}/a.csv", headers=CREDENTIALS) == CONTENT
    assert server.asked("Range") == [None, f"bytes={HALF}-"]
    assert server.asked("If-Range") == [None, validator]
    assert server.asked("Authorization") == ["Basic x"] * 2


def test_a_continuation_that_breaks_off_is_continued(server, fetched):
    def half(request):
        answer = ranged(CONTENT, ETAG)(request)
        return Answer(answer.body, answer.status, answer.headers, cut=len(answer.body) // 2)

    server.script["/a.csv"] = [half, half, half, ranged(CONTENT, ETAG)]
    assert fetched(f"{server.url}/a.csv") == CONTENT
    starts = [int(text[6:-1]) for text in server.asked("Range")[1:]]
    assert starts == sorted(set(starts))


def test_a_packed_answer_is_continued_where_the_packed_bytes_end(server, fetched):
    packed = gzip.compress(CONTENT)
    headers = ETAG | {"Content-Encoding": "gzip"}
    server.script["/a.csv"] = [Answer(packed, headers=headers, cut=100), ranged(packed, headers)]
    assert fetched(f"{server.url}/a.csv") == CONTENT
    assert server.asked("Range") == [None, "bytes=100-"]


def test_an_export_that_changed_meanwhile_is_fetched_anew(server, fetched):
    other = CONTENT[::-1][: HALF - 9]
    server.script["/a.csv"] = [Answer(CONTENT, headers=ETAG, cut=HALF), ranged(other, {"ETag": '"v2"'})]
    assert fetched(f"{server.url}/a.csv") == other


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"v1"'}, {"ETag": 'W/"v1"'} | DATED, RECENT])
def test_an_export_whose_version_is_not_certain_is_fetched_anew(server, fetched, headers):
    server.script["/a.csv"] = [Answer(CONTENT, headers=headers, cut=HALF), Answer(CONTENT)]
    assert fetched(f"{server.url}/a.csv") == CONTENT
    assert server.asked("Range") == [None, None]


def part(extent, headers=ETAG):
    return Answer(CONTENT[HALF:], 206, {**headers, "Content-Range": extent})


@pytest.mark.parametrize(
    "wrong",
    [
        part(f"bytes {HALF - 1}-{len(CONTENT) - 2}/{len(CONTENT)}"),
        part(f"bytes {HALF}-{len(CONTENT)}/{len(CONTENT) + 1}"),
        part(f"bytes {HALF}-{len(CONTENT) - 1}/*"),
        part(f"bytes {HALF}-{len(CONTENT) - 1}/{len(CONTENT)}", {"ETag": '"v2"'}),
        part(f"bytes {HALF}-{len(CONTENT) - 1}/{len(CONTENT)}", ETAG | {"Content-Encoding": "gzip"}),
        Answer(CONTENT[HALF:], 206),
        Answer(status=416),
    ],
)
def test_a_part_that_was_not_asked_for_is_not_taken(server, fetched, wrong):
    server.script["/a.csv"] = [Answer(CONTENT, headers=ETAG, cut=HALF), wrong, Answer(CONTENT)]
    assert fetched(f"{server.url}/a.csv") == CONTENT
    assert server.asked("Range") == [None, f"bytes={HALF}-", None]


@pytest.mark.parametrize("length", ["content-length", "chunked"])
def test_a_part_that_ends_early_is_continued(server, fetched, length):
    end = len(CONTENT) - 10
    early = Answer(CONTENT[HALF:end], 206, {**ETAG, "Content-Range": f"bytes {HALF}-{end - 1}/{len(CONTENT)}"})
    server.script["/a.csv"] = [Answer(CONTENT, headers=ETAG, cut=HALF, length=length), early, ranged(CONTENT, ETAG)]
    assert fetched(f"{server.url}/a.csv") == CONTENT
    assert server.asked("Range")[2] == f"bytes={end}-"


def test_a_part_of_another_address_is_not_continued(server, fetched):
    server.script["/latest"] = [redirect("/may.csv"), redirect("/june.csv")]
    server.script["/may.csv"] = [Answer(CONTENT, headers=ETAG, cut=HALF)]
    server.script["/june.csv"] = [Answer(CONTENT[::-1], headers=ETAG)]
    assert fetched(f"{server.url}/latest") == CONTENT[::-1]
    assert set(server.asked("Range")) == {None}


def test_an_answer_that_always_breaks_off_is_told_after_four_tries(server, refusal):
    server.script["/a.csv"] = [Answer(CONTENT, cut=HALF)]
    assert refusal(f"{server.url}/a.csv") == "the connection broke off; 4 tries failed"
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [202, 408, 425, 429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(server, fetched, refusal, status):
    server.script["/a.csv"] = [Answer(status=status), Answer(status=status), Answer(CONTENT)]
    assert fetched(f"{server.url}/a.csv") == CONTENT
    server.requests.clear()
    server.script["/a.csv"] = [Answer(status=status)]
    assert refusal(f"{server.url}/a.csv").endswith(f" ({status}); 4 tries failed")
    assert len(server.requests) == 4


@pytest.fixture
def pauses(monkeypatch):
    """The seconds that are waited between tries, and are not waited here."""
    found = []
    monkeypatch.setattr("tenacity.nap.time.sleep", found.append)
    return found


def test_a_server_is_left_alone_for_longer_after_each_try(server, fetched, pauses, monkeypatch):
    monkeypatch.setattr(download, "FIRST_WAIT", 0.5)
    server.script["/a.csv"] = [*[Answer(CONTENT, cut=HALF)] * 3, Answer(CONTENT)]
    fetched(f"{server.url}/a.csv")
    assert [math.floor(pause / 0.5) for pause in pauses] == [1, 2, 4]
    assert not any(pause / 0.5 == pause // 0.5 for pause in pauses)


@pytest.mark.parametrize(
    ("when", "seconds"), [("7", 7), ("60", 60), (lambda: formatdate(time.time() + 30, usegmt=True), 30), (LONG_AGO, 0)]
)
def test_a_server_is_left_alone_for_as_long_as_it_asks(server, fetched, pauses, when, seconds):
    asked = when() if callable(when) else when
    server.script["/a.csv"] = [Answer(status=503, headers={"Retry-After": asked}), Answer(CONTENT)]
    fetched(f"{server.url}/a.csv")
    assert pauses == [pytest.approx(seconds, abs=2)]


def test_a_server_that_asks_for_an_hour_is_not_waited_for(server, refusal):
    server.script["/a.csv"] = [Answer(status=429, headers={"Retry-After": "3600"})]
    assert refusal(f"{server.url}/a.csv") == (
        "the server is asked too often (429) and asks to come back in 3,600 s; run again then"
    )
    assert len(server.requests) == 1


@pytest.mark.parametrize("text", ["soon", "-1", "Wed, 21 Oct"])
def test_a_server_that_asks_for_nothing_to_be_understood_is_asked_again_as_usual(server, fetched, text):
    server.script["/a.csv"] = [Answer(status=503, headers={"Retry-After": text}), Answer(CONTENT)]
    assert fetched(f"{server.url}/a.csv") == CONTENT


def test_a_silent_server(server, refusal, fetched):
    server.script["/a.csv"] = [Answer(silent=True), Answer(CONTENT)]
    assert fetched(f"{server.url}/a.csv", timeout=0.1) == CONTENT
    server.script["/a.csv"] = [Answer(silent=True)]
    assert refusal(f"{server.url}/a.csv", timeout=0.1) == (
        "the server has been silent for 0.1 s; raise source.timeout if it needs longer; 4 tries failed"
    )


# What the server says


@pytest.mark.parametrize("status", [401, 403])
def test_a_login_that_is_refused(server, refusal, status):
    server.script["/a.csv"] = [Answer(LOGIN_PAGE, status)]
    address = f"{server.url}/a.csv?key={SECRET}"
    assert refusal(address, headers=CREDENTIALS, keys="source.username and source.password") == (
        f"the login was refused ({status}); check source.username and source.password"
    )
    assert refusal(address) == (
        f"a login is needed ({status}); set source.username and source.password, or source.headers"
    )
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "there is no such export (404); check the address"),
        (410, "there is no such export (410); check the address"),
        (400, "the server answers 400 and no export; check the address"),
        (300, "the server answers 300 and no export; check the address"),
        (304, "the server answers 304 and no export; check the address"),
        (501, "the server answers 501 and no export; check the address"),
        (407, "the proxy wants a login (407); write it into HTTPS_PROXY, as user:password@ before the host"),
    ],
)
def test_an_answer_that_is_no_export_is_not_asked_for_again(server, refusal, status, message):
    server.script["/a.csv"] = [Answer(status=status)]
    assert refusal(f"{server.url}/a.csv") == message
    assert len(server.requests) == 1


PAGES = [
    LOGIN_PAGE,
    b"\xef\xbb\xbf\r\n <HTML lang='ru'>",
    b"<!-- a --><!-- b -->\n<head>",
    b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">',
]


@pytest.mark.parametrize("page", PAGES)
def test_a_web_page_is_no_export_whatever_the_server_calls_it(server, refusal, page):
    server.script["/a.csv"] = [Answer(page, headers={"Content-Type": "text/csv"})]
    assert refusal(f"{server.url}/a.csv", headers=CREDENTIALS, keys="source.headers") == (
        "answers with a web page, not an export; check the address, and source.headers"
    )
    server.script["/a.csv"] = [redirect("/login")]
    server.script["/login"] = [Answer(gzip.compress(page), headers={"Content-Encoding": "gzip"})]
    assert refusal(f"{server.url}/a.csv") == (
        f"{server.url}/a.csv, redirected to {server.url}/login: answers with a web page, not an export; check the"
        " address, and whether a login is needed"
    )


def test_an_export_that_the_server_calls_a_web_page_is_one(server, fetched):
    server.script["/a.csv"] = [Answer(CONTENT, headers={"Content-Type": "text/html"})]
    assert fetched(f"{server.url}/a.csv") == CONTENT


def test_a_server_that_is_not_there(started, refusal):
    server = started()
    server.stop()
    assert refusal(f"{server.url}/a.csv") == (
        "the server refuses the connection; check host and port, and whether it runs; 4 tries failed"
    )
    assert refusal("https://crm.invalid/a.csv") == (
        "there is no such host; check its name, that of the proxy if there is one, and the network; 4 tries failed"
    )


@pytest.mark.parametrize("address", ["https://-a.example.com/", "https://a..b/", f"https://{'a' * 64}.ru/"])
def test_a_host_that_cannot_be(refusal, address):
    assert refusal(address).startswith(("there is no such host", "the address, or what it redirects to, cannot be"))


def every_subclass(kind):
    for inner in kind.__subclasses__():
        yield inner
        yield from every_subclass(inner)


@pytest.mark.parametrize("kind", [*every_subclass(httpx.RequestError), httpx.InvalidURL])
def test_no_error_of_the_library_reaches_the_user(server, fetched, monkeypatch, kind):
    def fail(*_, **__):
        raise kind(SECRET)

    monkeypatch.setattr(httpx.Client, "stream", fail)
    with pytest.raises(SourceError) as caught:
        fetched(f"{server.url}/a.csv")
    assert SECRET not in str(caught.value)


# Proxies


REFUSED = "the proxy does not let the request through; check HTTPS_PROXY, or name the host in NO_PROXY"


@pytest.mark.parametrize(
    ("status", "messages"),
    [
        (407, ["the proxy wants a login (407); write it into HTTPS_PROXY, as user:password@ before the host"]),
        (403, [REFUSED]),
        (502, [REFUSED, "4 tries failed"]),
    ],
)
def test_a_proxy_of_the_environment_that_refuses(started, refusal, monkeypatch, status, messages):
    proxy = started(tls=False)
    proxy.script["crm.example.com:443"] = [Answer(status=status)]
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    assert refusal("https://crm.example.com/a.csv") == "; ".join(messages)
    assert len(proxy.requests) == (1 if len(messages) == 1 else 4)


def test_a_proxy_is_asked_for_http_and_may_want_a_login(started, fetched, refusal, monkeypatch):
    proxy = started(tls=False)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    proxy.script["http://crm.example.com/a.csv"] = [Answer(CONTENT), Answer(status=407)]
    assert fetched("http://crm.example.com/a.csv") == CONTENT
    assert "the proxy wants a login (407)" in refusal("http://crm.example.com/a.csv")


def test_what_is_meant_for_this_machine_goes_through_no_proxy(started, fetched, monkeypatch):
    proxy, server = started(tls=False), started(tls=False)
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    server.script["/a.csv"] = [Answer(CONTENT)]
    assert fetched(f"{server.url}/a.csv", headers=CREDENTIALS) == CONTENT
    assert proxy.requests == []


@pytest.mark.parametrize("proxy", [f"socks9://crm:{SECRET}@localhost", f"http://crm:{SECRET}@a:b", "socks://localhost"])
def test_a_proxy_that_cannot_be(refusal, monkeypatch, proxy):
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert refusal("https://crm.example.com/a.csv") == (
        "the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used; write it as http://host:port or"
        " socks5://host:port"
    )
