import base64
import hashlib
import logging

import httpx
import pytest
from dav_server import BAD_SIGNATURE, EXPIRED, LOGIN, PASSWORD, USER, Fault

from csvexport import __version__
from csvexport.delivery import Deadline, PassingError, Trace
from csvexport.errors import DeliveryError, ProfileError

OLD, NEW = b"id\n1\n2\n", b"id\n1\n3\n"
LARGE = bytes(range(256)) * (3 << 12)
SIGNED = "X-Amz-Signature=hunter2%2Fabc&X-Amz-Date=20240601T090000Z"
KEYS = "username and password"


@pytest.fixture
def place(make_place, dav, tmp_path, root, web_login):
    """A destination on the WebDAV server `dav`."""
    return type(make_place("folder"))(root, tmp_path, dav.url, web_login)


@pytest.fixture
def signed(place, dav, monkeypatch):
    """A destination that puts to an address that is a secret."""
    monkeypatch.setenv("UPLOAD_ADDRESS", f"{dav.url}/bucket/orders.csv?{SIGNED}")
    (place.root / "bucket").mkdir()
    dav.query, dav.is_store = SIGNED, True
    return type(place)(place.root, place.folder, dav.url, {"to": "env:UPLOAD_ADDRESS", "ca": place.table["ca"]})


@pytest.fixture
def refusal(place):
    """Deliver in vain, once and for all if it is not to pass, and give what is said."""

    def refuse(content=NEW, at=place, *, passes=False, **changed):
        with pytest.raises(DeliveryError) as caught:
            at.deliver("orders.csv", content, **changed)
        assert isinstance(caught.value, PassingError) == passes
        start = f"{at.parcel('orders.csv', content, **changed).shown}: "
        message = str(caught.value)
        assert message.startswith(start)
        assert not any(secret in message for secret in (PASSWORD, LOGIN, SIGNED, "hunter2", "\n"))
        return message.removeprefix(start)

    return refuse


def methods(dav):
    return [(request.method, request.target) for request in dav.requests]


# What is asked


def test_a_file_gets_its_name_when_it_is_whole(place, dav):
    place.deliver("drop/orders.csv", NEW)
    assert methods(dav) == [
        ("MKCOL", "/drop/"),
        ("PROPFIND", "/drop/orders.csv"),
        ("PUT", "/drop/.orders.csv.part"),
        ("HEAD", "/drop/.orders.csv.part"),
        ("MOVE", "/drop/.orders.csv.part"),
        ("HEAD", "/drop/orders.csv"),
    ]
    (move,) = dav.asked("MOVE")
    assert (move.headers["Destination"], move.headers["Overwrite"]) == (f"{dav.url}/drop/orders.csv", "T")


def test_the_length_is_told_and_nothing_that_a_signature_may_lack(place, dav):
    place.deliver("orders.csv", LARGE)
    (put,) = dav.asked("PUT")
    headers = {name.lower(): text for name, text in put.headers.items()}
    assert headers.pop("host") == dav.url.removeprefix("https://")
    assert headers == {
        "user-agent": f"csvexport/{__version__}",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "keep-alive",
        "content-length": str(len(LARGE)),
        "authorization": LOGIN,
    }


def test_folders_are_asked_for_once(place, dav):
    destination = place.opened()
    for name in ("a/b/1.csv", "a/b/2.csv", "a/3.csv"):
        destination.deliver(place.parcel(name, NEW), Deadline(60))
    destination.close()
    assert [target for method, target in methods(dav) if method == "MKCOL"] == ["/a/b/", "/a/", "/a/b/"]


def test_headers_of_the_profile_are_sent_with_every_request(place, dav, monkeypatch):
    monkeypatch.setenv("DAV_TOKEN", LOGIN)
    headers = {"authorization": "env:DAV_TOKEN"}
    bare = type(place)(place.root, place.folder, dav.url, {"ca": place.table["ca"], "headers": headers})
    bare.deliver("drop/orders.csv", NEW)
    assert {request.headers["Authorization"] for request in dav.requests} == {LOGIN}


def test_names_are_encoded_as_addresses_have_them(place, dav):
    place.deliver("orders.csv", NEW, to=f"{dav.url}/выгрузки/20%25/{{{{ file }}}}")
    assert place.files() == {"выгрузки/20%/orders.csv": NEW}
    (move,) = dav.asked("MOVE")
    assert move.headers["Destination"].isascii()


def test_an_old_file_is_looked_at_and_left(place, dav):
    trace = place.deliver("orders.csv", NEW).trace
    assert trace.version
    dav.requests.clear()
    assert place.deliver("orders.csv", NEW, trace).is_unchanged
    assert methods(dav) == [("HEAD", "/orders.csv")]


def test_an_etag_that_was_weak_is_that_of_the_same_file_when_it_is_not(place, dav):
    trace = place.deliver("orders.csv", NEW).trace
    size, moment = str(len(NEW)), "Sat, 01 Jun 2024 09:00:00 GMT"
    dav.faults["HEAD"] = [
        Fault(200, {"ETag": f"W/{trace.version}", "Content-Length": size, "Last-Modified": moment}),
        Fault(200, {"ETag": '"other"', "Content-Length": size}),
    ]
    assert place.deliver("orders.csv", NEW, trace).is_unchanged
    assert not place.deliver("orders.csv", NEW, trace).is_unchanged


def test_a_file_of_another_size_is_another_though_all_else_is_the_same(place, dav):
    receipt = place.deliver("orders.csv", NEW)
    dav.faults["HEAD"] = [Fault(200, {"ETag": receipt.trace.version, "Content-Length": "1"})]
    assert not place.deliver("orders.csv", NEW, receipt.trace).is_unchanged


def test_without_an_etag_the_time_tells_files_apart(place, dav):
    size = str(len(NEW))
    may, june = ({"Last-Modified": f"Sat, 01 {month} 2024 09:00:00 GMT"} for month in ("May", "Jun"))
    trace = Trace(len(NEW), 1717232400)
    place.deliver("orders.csv", NEW)
    dav.faults["HEAD"] = [Fault(200, times | {"Content-Length": size}) for times in (june, may)]
    assert place.deliver("orders.csv", NEW, trace).is_unchanged
    assert not place.deliver("orders.csv", NEW, trace).is_unchanged


@pytest.mark.parametrize("status", [403, 405, 501])
def test_where_nobody_can_look_the_receipt_is_believed(place, dav, status):
    trace = place.deliver("orders.csv", NEW).trace
    dav.requests.clear()
    dav.always["HEAD"] = Fault(status)
    receipt = place.deliver("orders.csv", NEW, trace)
    assert (receipt.is_unchanged, receipt.trace, receipt.checked) == (True, trace, "answer")
    assert methods(dav) == [("HEAD", "/orders.csv")]
    assert place.deliver("orders.csv", OLD).checked == ("answer" if status == 403 else "size")
    assert place.files() == {"orders.csv": OLD}


def test_where_no_size_is_told_the_answer_is_believed(place, dav):
    dav.tells_size = False
    receipt = place.deliver("orders.csv", NEW)
    assert (receipt.checked, receipt.trace.size) == ("answer", len(NEW))
    assert place.deliver("orders.csv", NEW, receipt.trace).is_unchanged


# Login


def test_a_wrong_login_is_told_before_the_file_is_sent(dav, refusal, monkeypatch):
    monkeypatch.setenv("DAV_PASSWORD", "wrong")
    assert refusal(LARGE) == f"the login was refused (401); check {KEYS}"
    assert dav.asked("PUT") == []


def test_a_missing_login_is_told(place, dav, refusal):
    bare = type(place)(place.root, place.folder, dav.url, {"ca": place.table["ca"]})
    assert refusal(at=bare) == "a login is needed (401); set username and password, or headers"
    dav.always["PUT"] = Fault(403)
    dav.always["PROPFIND"] = Fault(405)
    assert refusal(at=bare).startswith("a login is needed (403); set username and password, or headers")


def test_secrets_are_looked_up_before_anything_is_sent(place, monkeypatch):
    monkeypatch.setenv("DAV_KEY", LOGIN)
    with pytest.raises(ProfileError, match=r"^pickup: headers: has Authorization, which username makes"):
        place.opened(headers={"Authorization": "env:DAV_KEY"})
    with pytest.raises(ProfileError, match=r"^pickup: ca: .*none.pem cannot be read: No such file"):
        place.opened(ca="none.pem")
    monkeypatch.delenv("DAV_PASSWORD")
    with pytest.raises(ProfileError, match=r"^pickup: env:DAV_PASSWORD: the environment variable DAV_PASSWORD is not"):
        place.opened()


def test_what_is_printed_of_a_destination_shows_no_secret(place, signed):
    encoded = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    for destination in (place.opened(), signed.opened()):
        assert not any(secret in repr(destination) for secret in (encoded, PASSWORD, SIGNED))


def test_libraries_log_no_address(signed, caplog):
    caplog.set_level(logging.DEBUG)
    signed.deliver("orders.csv", NEW)
    assert "hunter2" not in caplog.text


# Answers


HIDDEN = "; if it is names with a dot before them that the server refuses, set in_place = true"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "the server refuses the file (400); check the address"),
        (403, f"the user may not write there (403); have it allowed{HIDDEN}"),
        (404, f"there is no such place (404); check the address{HIDDEN}"),
        (409, "the server lacks the folder, and does not make it (409); make it there"),
        (411, "the length of the file does not reach the server (411); a proxy on the way takes it out"),
        (413, "the file is larger than the server takes (413); have its limit raised"),
        (505, "the server refuses the file (505); check the address"),
        (507, "there is no space left on the server (507); make room there"),
    ],
)
def test_a_refusal_is_told_with_what_to_do_and_leaves_no_part(place, dav, refusal, status, message):
    place.deliver("orders.csv", OLD)
    dav.always["PUT"] = Fault(status, keeps=True)
    assert refusal() == message
    assert place.files() == {"orders.csv": OLD}


@pytest.mark.parametrize("status", [405, 501])
def test_a_server_that_takes_no_files_is_told(dav, refusal, status):
    dav.always["PUT"] = Fault(status)
    assert refusal() == (
        f"the server takes no files there ({status}); check that the address is one of WebDAV, or one that files are"
        f" put to{HIDDEN}"
    )


@pytest.mark.parametrize("status", [408, 423, 425, 429, 500, 502, 503, 504, 520])
def test_a_server_in_trouble_may_be_better_later(place, dav, refusal, status):
    place.deliver("orders.csv", OLD)
    dav.faults["PUT"] = [Fault(status, {"Retry-After": "7"}, keeps=True)]
    assert refusal(passes=True).endswith(f" ({status})")
    assert place.files() == {"orders.csv": OLD}
    place.deliver("orders.csv", NEW)
    assert place.files() == {"orders.csv": NEW}


def test_how_long_a_server_asks_to_be_left_alone_is_handed_on(place, dav):
    dav.faults["PUT"] = [Fault(503, {"Retry-After": "7"})]
    with pytest.raises(PassingError) as caught:
        place.deliver("orders.csv", NEW)
    assert caught.value.wait == 7


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("method", ["PUT", "MOVE"])
def test_a_redirect_is_not_followed(dav, refusal, method, status):
    dav.always[method] = Fault(status, {"Location": f"{dav.url}/elsewhere/orders.csv?key=hunter2"})
    assert refusal() == (f"the server sends elsewhere ({status}), where no file goes; write the final address as `to`")
    assert "/elsewhere/orders.csv" not in {request.target.partition("?")[0] for request in dav.requests}


@pytest.mark.parametrize("status", [207, 400, 403, 405, 409, 412, 501, 502])
def test_a_server_that_does_not_rename_is_told_with_the_way_out(place, dav, refusal, status):
    place.deliver("orders.csv", OLD)
    dav.always["MOVE"] = Fault(status)
    assert refusal() == (
        f"the server does not rename files (MOVE: {status}); set in_place = true, and files are written under their"
        " own names"
    )
    assert place.files() == {"orders.csv": OLD}
    place.deliver("orders.csv", NEW, in_place=True)
    assert place.files() == {"orders.csv": NEW}


def test_a_server_that_takes_the_part_away_is_told_with_the_way_out(dav, refusal):
    dav.always["MOVE"] = Fault(404)
    assert refusal() == (
        "the server took the file, and none is there under the hidden name that it should have until whole; set"
        " in_place = true, and files are written under their own names"
    )


def test_a_part_that_lacks_bytes_gets_no_name(place, dav, refusal):
    place.deliver("orders.csv", OLD)
    dav.faults["PUT"] = [Fault(201, after=1000, keeps=True)]
    assert refusal(LARGE, passes=True) == f"1,000 bytes are there, and {len(LARGE):,} were sent"
    assert place.files() == {"orders.csv": OLD}


@pytest.mark.parametrize(("in_place", "checked"), [(False, "size"), (True, "answer")])
def test_a_receiver_that_takes_files_away_at_once_is_no_problem(place, dav, in_place, checked):
    dav.takes_away = True
    receipt = place.deliver("orders.csv", NEW, in_place=in_place, takes_away=in_place)
    assert (receipt.trace.is_taken, receipt.checked) == (True, checked)
    assert place.deliver("orders.csv", NEW, receipt.trace, in_place=in_place).is_unchanged
    assert len(dav.asked("PUT")) == 1


# What is seen of what was put


GONE = (
    "the server took the file, and shows none there; ask the receiver whether it arrived. If it did, since files are"
    " taken away at once there, csvexport confirm the batch and set takes_away = true"
)


def test_a_file_that_was_never_seen_has_not_arrived(dav, refusal):
    dav.takes_away = True
    assert refusal(in_place=True) == GONE
    assert len(dav.asked("PUT")) == 1


@pytest.mark.parametrize("in_place", [False, True])
def test_a_server_that_drops_what_it_took_has_not_got_it(place, dav, refusal, in_place):
    dav.always["PUT"] = Fault(201)
    dav.always["MOVE"] = Fault(201)
    assert refusal(in_place=in_place) == GONE
    assert place.files() == {}


@pytest.mark.parametrize("kept", [0, 1, len(LARGE) - 1])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_server_that_keeps_less_than_it_took_has_not_got_it(dav, refusal, in_place, kept):
    dav.always["PUT"] = Fault(201, after=kept, keeps=True)
    assert refusal(LARGE, passes=True, in_place=in_place) == f"{kept:,} bytes are there, and {len(LARGE):,} were sent"


@pytest.mark.parametrize("size", [0, 1, len(NEW) + 1, 10**15])
def test_a_file_that_has_another_size_under_its_own_name_has_not_arrived(dav, refusal, size):
    dav.faults["HEAD"] = [Fault(405), Fault(200, {"Content-Length": str(size), "ETag": '"v"'})]
    assert refusal(passes=True) == f"{size:,} bytes are there, and {len(NEW)} were sent"


def test_a_file_that_stays_where_it_was_is_not_the_new_one(place, dav, refusal):
    place.deliver("orders.csv", OLD + OLD)
    dav.always["MOVE"] = Fault(204)
    assert refusal(OLD + NEW[: len(OLD)]) == (
        "the server said that it renamed the file, and did not; set in_place = true, and files are written under their"
        " own names"
    )
    assert place.files() == {"orders.csv": OLD + OLD}
    dav.always["PUT"] = Fault(204)
    assert place.deliver("orders.csv", OLD + NEW[: len(OLD)], in_place=True).checked == "answer"


WITHOUT_LENGTH = {"Content-Length": "0", "Content-Encoding": "gzip", "ETag": '"v"'}
TOLD = "<D:multistatus xmlns:D='DAV:'><D:prop><D:getcontentlength>{}</D:getcontentlength></D:prop></D:multistatus>"


@pytest.mark.parametrize("head", [Fault(405), Fault(200, WITHOUT_LENGTH)], ids=["no HEAD", "no length"])
@pytest.mark.parametrize(
    "looks",
    [
        {"PROPFIND": lambda size: Fault(207, text=TOLD.format(size))},
        {"GET": lambda size: Fault(206, {"Content-Range": f"bytes 0-0/{size}"}, text="i")},
        {"GET": lambda size: Fault(200, text="x" * size)},
    ],
    ids=["PROPFIND", "range", "GET"],
)
def test_the_size_is_asked_for_in_every_way_that_there_is(place, dav, refusal, head, looks):
    dav.always["HEAD"] = head
    ((method, answer),) = looks.items()
    dav.always[method] = answer(len(NEW))
    dav.faults["HEAD"] = [Fault(404)]
    assert place.deliver("orders.csv", NEW, in_place=True).checked == "size"
    dav.always[method] = answer(len(NEW) - 2)
    assert refusal(passes=True, in_place=True) == f"{len(NEW) - 2} bytes are there, and {len(NEW)} were sent"


def test_what_is_recognised_later_is_what_head_tells(place, dav):
    dav.always["HEAD"] = Fault(200, WITHOUT_LENGTH)
    trace = place.deliver("orders.csv", NEW, in_place=True).trace
    assert trace == Trace(len(NEW), None, '"v"')
    again = place.deliver("orders.csv", NEW, trace, in_place=True)
    assert (again.is_unchanged, again.checked) == (True, "answer")


def encoded(name, content):
    return base64.b64encode(hashlib.new(name, content).digest()).decode()


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("Repr-Digest", lambda content: f"sha-512=:AAAA:, sha-256=:{encoded('sha256', content)}:"),
        ("Digest", lambda content: f"SHA-256={encoded('sha256', content)}"),
        ("x-amz-checksum-sha256", lambda content: encoded("sha256", content)),
        ("Content-MD5", lambda content: encoded("md5", content)),
        ("x-goog-hash", lambda content: f"crc32c=AAAA==, md5={encoded('md5', content)}"),
    ],
)
def test_a_checksum_that_contradicts_is_heard(place, dav, refusal, header, text):
    size = {"Content-Length": str(len(NEW))}
    checked = "size" if "md5" in text(NEW) or "MD5" in header else "checksum"
    dav.always["HEAD"] = Fault(200, size | {header: text(NEW)})
    dav.faults["HEAD"] = [Fault(404)]
    assert place.deliver("orders.csv", NEW, in_place=True).checked == checked
    dav.always["HEAD"] = Fault(200, size | {header: text(NEW[::-1])})
    assert refusal(passes=True, in_place=True) == (
        "the server's checksum of the file is another than that of what was sent"
    )


def test_a_checksum_of_the_parts_of_a_file_is_none_of_the_file(place, dav):
    told = {"Content-Length": str(len(NEW)), "x-amz-checksum-sha256": f"{encoded('sha256', OLD)}-2"}
    dav.always["HEAD"] = Fault(200, told)
    dav.faults["HEAD"] = [Fault(404)]
    assert place.deliver("orders.csv", NEW, in_place=True).checked == "size"


@pytest.mark.parametrize(("shown", "is_other"), [('"a"', False), ('W/"b"', False), ("", False), ('"b"', True)])
def test_another_version_than_the_one_that_was_put_is_another_file(place, dav, refusal, shown, is_other):
    dav.always["PUT"] = Fault(201, {"ETag": '"a"'}, keeps=True)
    dav.always["HEAD"] = Fault(200, {"ETag": shown, "Content-Length": str(len(NEW))})
    dav.faults["HEAD"] = [Fault(404)]
    if is_other:
        assert refusal(passes=True, in_place=True) == (
            "the server shows another version of the file than the one that it took"
        )
    else:
        assert place.deliver("orders.csv", NEW, in_place=True).checked == "size"


@pytest.mark.parametrize("status", [401, 403])
def test_a_file_that_has_arrived_stays_so_though_nobody_can_look(place, dav, status):
    dav.faults["HEAD"] = [Fault(status), Fault(0), Fault(0)]
    receipt = place.deliver("orders.csv", NEW)
    assert (receipt.checked, receipt.trace) == ("answer", Trace(len(NEW)))
    assert place.files() == {"orders.csv": NEW}


def test_a_line_that_breaks_while_it_is_looked_is_laid_anew(place, dav):
    dav.faults["HEAD"] = [Fault(404), Fault(0)]
    assert place.deliver("orders.csv", NEW, in_place=True).checked == "size"


# Lines and servers that fail


@pytest.mark.parametrize("after", [0, 1, 1 << 14, len(LARGE) - 1, len(LARGE)])
def test_a_line_that_breaks_may_hold_later_and_leaves_no_part(place, dav, refusal, after):
    place.deliver("orders.csv", OLD)
    dav.faults["PUT"] = [Fault(0, after=after, keeps=True)]
    assert refusal(LARGE, passes=True) == "the connection broke off"
    assert place.files() == {"orders.csv": OLD}
    place.deliver("orders.csv", LARGE)
    assert place.files() == {"orders.csv": LARGE}


def test_an_answer_to_a_move_that_is_lost_is_made_good_by_the_next_try(place, dav, refusal):
    dav.faults["MOVE"] = [Fault(0)]
    assert refusal(passes=True) == "the connection broke off"
    place.deliver("orders.csv", NEW)
    assert place.files() == {"orders.csv": NEW}


def test_a_server_that_answers_before_it_has_everything_is_heard(dav, refusal):
    dav.always["PUT"] = Fault(413, after=0)
    assert refusal(b"1;2;3\n" * 3_000_000) == ("the file is larger than the server takes (413); have its limit raised")


def test_a_silent_server_is_not_waited_for_longer_than_the_profile_says(dav, refusal):
    dav.faults["PUT"] = [Fault(is_silent=True)]
    assert refusal(timeout=1, passes=True) == "the server has been silent for 1 s; raise timeout if it needs longer"


def test_a_slow_server_is_not_waited_for_beyond_the_time_limit(place, dav):
    dav.pause = 0.05
    destination = place.opened()
    parcel = place.parcel("orders.csv", bytes(64 << 20))
    with pytest.raises(DeliveryError, match=r"took longer than time_limit = 0.5 seconds allow") as caught:
        destination.deliver(parcel, Deadline(0.5))
    destination.close()
    assert not isinstance(caught.value, PassingError)


def test_a_server_that_nobody_vouches_for_gets_nothing(place, dav, refusal):
    table = {key: text for key, text in place.table.items() if key != "ca"}
    stranger = type(place)(place.root, place.folder, dav.url, table)
    assert refusal(at=stranger) == (
        "the server's certificate cannot be trusted: its issuer is unknown here; name a PEM file with the certificate"
        " of its issuer as ca"
    )
    assert dav.requests == []


def test_a_proxy_that_cannot_be_is_told(refusal, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", f"socks9://crm:{PASSWORD}@localhost")
    message = refusal(to="https://dav.example.com/{{ file }}")
    assert message.startswith("the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used")


def every_subclass(kind):
    for inner in kind.__subclasses__():
        yield inner
        yield from every_subclass(inner)


@pytest.mark.parametrize("kind", [*every_subclass(httpx.RequestError), httpx.InvalidURL])
def test_no_error_of_the_library_reaches_the_user(place, monkeypatch, kind):
    def fail(*_, **__):
        raise kind(PASSWORD)

    monkeypatch.setattr(httpx.Client, "stream", fail)
    with pytest.raises(DeliveryError) as caught:
        place.deliver("orders.csv", NEW)
    assert PASSWORD not in str(caught.value)


# Addresses that are secrets


def test_a_presigned_address_is_put_to_as_it_is(signed, dav):
    receipt = signed.deliver("orders.csv", LARGE)
    assert signed.files() == {"bucket/orders.csv": LARGE}
    assert methods(dav) == [(method, f"/bucket/orders.csv?{SIGNED}") for method in ("PUT", "HEAD")]
    (put,) = dav.asked("PUT")
    assert "Transfer-Encoding" not in put.headers
    assert put.headers["Content-Length"] == str(len(LARGE))
    dav.requests.clear()
    assert signed.deliver("orders.csv", LARGE, receipt.trace).is_unchanged
    assert dav.asked("PUT") == []


def test_a_presigned_address_that_has_expired_is_told(signed, dav, refusal):
    for status in (400, 403):
        dav.always["PUT"] = Fault(status, text=EXPIRED)
        assert refusal(at=signed) == f"the address has expired ({status}); have a new one made"


def test_a_presigned_address_that_is_good_for_something_else_is_told(signed, dav, refusal):
    dav.query = "X-Amz-Signature=other"
    assert refusal(at=signed) == (
        "the address lets no file in (403); have one made for PUT, and for the headers that are sent"
    )
    dav.always["PUT"] = Fault(403, text=BAD_SIGNATURE * 10_000 + EXPIRED)
    assert "lets no file in" in refusal(at=signed)


def test_nothing_is_asked_for_a_file_that_is_not_what_was_built(place, signed, dav):
    for destination in (place.opened(), signed.opened()):
        parcel = signed.parcel("orders.csv", LARGE)
        parcel.path.write_bytes(LARGE[::-1])
        with pytest.raises(DeliveryError, match=r"^env:UPLOAD_ADDRESS: built.csv was changed"):
            destination.deliver(parcel, Deadline(60))
        destination.close()
    assert dav.requests == []
