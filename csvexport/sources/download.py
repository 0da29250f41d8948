"""Exports fetched over HTTP(S) into a folder of the caller's, from which they are read like local ones.

Credentials go to the server that the profile names and to no other, the server's certificate is always verified, an
answer that is cut off never passes for a whole one, and no server is waited for longer than the profile allows.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final, NoReturn
from urllib.request import getproxies

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter

from csvexport.deadline import Deadline
from csvexport.errors import SourceError
from csvexport.masking import printable
from csvexport.profile.addresses import shown_address
from csvexport.sources import cache
from csvexport.sources.access import KEYS, Access
from csvexport.sources.cache import Version, new_file
from csvexport.sources.forms import find_format
from csvexport.sources.packed import ARCHIVES
from csvexport.web import (
    AGENT,
    PASSING,
    REQUEST_ERRORS,
    Client,
    Trouble,
    http_date,
    open_client,
    proxy_problem,
    retry_after,
    trust,
    whole_number,
)

TRIES: Final = 4
"""How often an address is asked before the run ends."""

FIRST_WAIT = 0.5
"""Seconds before the second try, give or take; they double with each."""

LONGEST_WAIT: Final = 60
"""Seconds that a server can ask to be left alone for."""

REDIRECTS: Final = 5
"""How often a server may send elsewhere."""

# Answers after which another try may do better, and why.
_PASSING: Final = PASSING | {202: "the export is not ready yet"}

_OK, _NOTHING, _PART, _UNCHANGED, _BAD_RANGE = 200, 204, 206, 304, 416
_LOGIN, _FORBIDDEN, _MISSING, _PROXY_LOGIN, _GONE = 401, 403, 404, 407, 410

# How much of an address that a server made is shown.
_SHOWN: Final = 200

_CHUNK: Final = 1 << 20
_SAMPLE_BYTES: Final = 4096
_WEB_PAGE: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:(?:<\?xml[^>]*>|<!--.*?-->)\s*)*<(?:!doctype html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)

# Lines of text, of which nobody can say whether the last of them are missing.
_ENDLESS: Final = frozenset({"csv", "jsonl"})

# A Last-Modified that is older than this when it is sent can belong to one version only (RFC 9110, 8.8.2.2).
_SETTLED: Final = timedelta(seconds=60)


def download(address: str, access: Access, scratch: Path) -> tuple[str, Path]:
    """Fetch an export, unless the one that was kept is still what the server has.

    Args:
        address: what `read_address` has read.
        access: how the server is asked.
        scratch: a folder of the caller's.

    Returns:
        How messages name the export, and a file that only the user can read.

    Raises:
        SourceError: it cannot be fetched.
        OSError: the folder cannot be written to.
    """
    label = shown_address(address)
    number = sum(1 for _ in scratch.glob("fetched-*"))
    fetching = _Fetching(address, label, access, scratch / f"fetched-{number}")
    with closing(fetching.client):
        return label, fetching.result()


def _client(address: str, label: str, access: Access, deadline: Deadline) -> Client:
    try:
        context = trust(access.ca)
    except ValueError as error:
        raise SourceError(f"{KEYS}ca: {error}") from error
    try:
        return open_client(address, context, access.timeout, deadline)
    except ValueError as error:
        raise SourceError(f"{label}: {error}") from error


class _PassingError(Exception):
    """What another try may not meet.

    Attributes:
        wait: seconds that the server asks to wait, if it does.
    """

    def __init__(self, problem: str, wait: float | None = None) -> None:
        super().__init__(problem)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class _Answer:
    """What an answer says of the content that it brings, or brings a part of.

    Attributes:
        address: who answers.
        version: which version it is.
        continues: by what the rest can be asked for after an interruption; empty: by nothing.
        encoding: how it is packed on the way.
        total: its size as it travels, None where the answer only ends when the server hangs up.
        chunked: whether the answer shows its end in another way.
        keep: whether the server lets it be kept, and it can be told what it depends on.
    """

    address: str = ""
    version: Version = cache.UNKNOWN
    continues: str = ""
    encoding: str = ""
    total: int | None = None
    chunked: bool = False
    keep: bool = False

    @classmethod
    def of(cls, response: httpx.Response) -> "_Answer":
        headers = response.headers
        etag, modified = _plain(headers.get("ETag", "")), _settled(headers)
        return cls(
            str(response.url),
            Version(etag, modified),
            modified if not etag else "" if etag.startswith("W/") else etag,
            headers.get("Content-Encoding", "").strip().lower().replace("x-gzip", "gzip").replace("identity", ""),
            whole_number(headers.get("Content-Length", "")),
            "Transfer-Encoding" in headers,
            # What an answer with "*" depends on, nobody but its server knows.
            "no-store" not in headers.get("Cache-Control", "").lower() and "*" not in headers.get("Vary", ""),
        )

    def continued(self, response: httpx.Response, start: int) -> "_Answer | None":
        """Give this answer with its size, if a partial one is the rest of it from there on."""
        part = self.of(response)
        extent = re.fullmatch(r"bytes ([0-9]{1,18})-[0-9]+/([0-9]{1,18})", response.headers.get("Content-Range", ""))
        if (part.address, part.encoding) != (self.address, self.encoding) or not extent:
            return None
        begin, total = map(int, extent.groups())
        if begin != start or self.total not in {None, total} or part.version.etag not in {"", self.version.etag}:
            return None
        return replace(self, total=total)


def _plain(etag: str) -> str:
    """Give an ETag that can be sent back, quotes or not."""
    return etag if re.fullmatch("[!-~]+", etag) else ""


def _settled(headers: httpx.Headers) -> str:
    """Give Last-Modified, if the moment is so far back that no other version can bear it."""
    modified: str = headers.get("Last-Modified", "")
    sent, since = http_date(headers.get("Date", "")), http_date(modified)
    return modified if sent is not None and since is not None and sent - since >= _SETTLED else ""


class _Fetching:
    """One export on its way, over several tries."""

    def __init__(self, address: str, label: str, access: Access, path: Path) -> None:
        """Take what `download` takes; `path` is a name that is free."""
        self._address = address
        self._label = label
        self._access = access
        self._path = path
        self._raw = path.with_name(f"{path.name}-raw")
        self._kept = path.with_name(f"{path.name}-kept")
        self._deadline = Deadline(access.time_limit, f"{KEYS}time_limit", self._problem)
        self.client = _client(address, label, access, self._deadline)
        self._answer = _Answer()
        self._at = label
        self._logs_in = True
        self._name: str | None = None
        self._version = cache.UNKNOWN
        self._trusts_kept = True

    def result(self) -> Path:
        """Fetch the export into a file."""
        new_file(self._raw).close()
        passing = retry_if_exception_type(_PassingError)
        retrying = Retrying(stop=self._is_over, wait=_pause, retry=passing, retry_error_callback=self._give_up)
        return retrying(self._try) or self._checked()

    def _is_over(self, state: RetryCallState) -> bool:
        """Whether the try that failed was the last."""
        return state.attempt_number >= TRIES or state.upcoming_sleep >= self._deadline.left()

    def _give_up(self, state: RetryCallState) -> NoReturn:
        """Say why the last try failed, and why it was the last."""
        tries, error = state.attempt_number, state.outcome.exception() if state.outcome else None
        why = "" if tries >= TRIES else f", and {KEYS}time_limit leaves no time for another"
        raise self._problem(f"{error}; {tries} {'try' if tries == 1 else 'tries'} failed{why}") from error

    def _problem(self, text: str) -> SourceError:
        return SourceError(f"{self._at}: {text}")

    def _try(self) -> Path | None:
        """Ask once, and receive what comes; give the kept export if it is still what the server has."""
        with self._response() as response:
            if response.status_code == _UNCHANGED and self._kept.exists():
                self._refuse_other_version(response)
                self._refuse_large(self._kept.stat().st_size)
                return self._kept
            self._judge(response)
            self._receive(response)
        return None

    def _refuse_other_version(self, response: httpx.Response) -> None:
        """See that it is the kept version that the server calls the current one."""
        named = response.headers.get("ETag", "").removeprefix("W/")
        if named and self._version.etag and named != self._version.etag.removeprefix("W/"):
            self._trusts_kept = False
            raise _PassingError("the server says that nothing has changed, and names another version")

    @contextmanager
    def _response(self) -> Iterator[httpx.Response]:
        """Ask, and go where servers send; from the first other server on, without credentials."""
        self._at, self._logs_in = self._label, True
        with self._told():
            url = httpx.URL(self._address)
        for _ in range(REDIRECTS + 1):
            with self._told(), self.client.stream("GET", url, headers=self._headers(str(url))) as response:
                if not response.has_redirect_location:
                    yield response
                    return
            onward = self._onward(url, response.headers["Location"])
            self._logs_in = self._logs_in and _origin(onward) == _origin(url)
            self._at = f"{self._label}, redirected to {_shown(onward)}"
            url = onward
        raise self._problem(f"more than {REDIRECTS} redirects; check the address, and whether a login is needed")

    def _onward(self, url: httpx.URL, location: str) -> httpx.URL:
        """Find where a redirect leads, and refuse what nobody should follow."""
        try:
            onward = url.join(location)
        except (httpx.InvalidURL, ValueError):
            onward = httpx.URL()
        if onward.scheme not in {"http", "https"} or not onward.host:
            raise self._problem("is redirected to what is no http(s) address")
        where = _shown(onward.copy_with(userinfo=b""))
        if onward.userinfo:
            raise self._problem(
                f"is redirected to {where} with a password in the address; have the server leave it out"
            )
        if (url.scheme, onward.scheme) == ("https", "http"):
            raise self._problem(f"is redirected to {where}, which is unencrypted; have the server use https")
        return onward

    def _headers(self, address: str) -> httpx.Headers:
        headers = httpx.Headers({"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "gzip"})
        if self._logs_in:
            headers.update(self._access.headers)
        self._kept.unlink(missing_ok=True)
        self._name = self._cache_name(address, headers)
        size = self._raw.stat().st_size
        if size and self._answer.continues and self._answer.address == address:
            headers.update({"Range": f"bytes={size}-", "If-Range": self._answer.continues})
            return headers
        if self._name is not None and self._trusts_kept:
            self._version = cache.find(self._name, self._kept) or cache.UNKNOWN
        if self._version.etag and self._kept.exists():
            headers["If-None-Match"] = self._version.etag
        elif self._version.modified and self._kept.exists():
            headers["If-Modified-Since"] = self._version.modified
        return headers

    def _cache_name(self, address: str, headers: httpx.Headers) -> str | None:
        """Name the answer by all that it may depend on; None where that will not be the same again."""
        if self.client.cookies:
            return None
        return cache.name_of(address, headers, str(self._access.ca), getproxies())

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say of what stops a request what that means."""
        try:
            yield
        except REQUEST_ERRORS as error:
            # Tells of the end of the time if that is what it was.
            self._deadline.left()
            trouble = Trouble.of(error, self._access.timeout, KEYS)
            raise _PassingError(trouble.text) if trouble.is_passing else self._problem(trouble.text) from error

    def _judge(self, response: httpx.Response) -> None:
        """Refuse an answer that brings no content."""
        status = response.status_code
        if status == _BAD_RANGE:
            self._answer = _Answer()
            raise _PassingError("the connection broke off, and the server does not send the rest")
        if status in _PASSING:
            raise self._passing(response)
        if status in {_LOGIN, _FORBIDDEN}:
            raise self._problem(self._refusal(status))
        if status in {_MISSING, _GONE}:
            raise self._problem(f"there is no such export ({status}); check the address")
        if status == _PROXY_LOGIN:
            raise self._problem(proxy_problem("407"))
        if status == _NOTHING:
            raise self._problem("the answer is empty (204); is there anything to export?")
        if status not in {_OK, _PART}:
            raise self._problem(f"the server answers {status} and no export; check the address")

    def _passing(self, response: httpx.Response) -> Exception:
        problem = f"{_PASSING[response.status_code]} ({response.status_code})"
        wait = retry_after(response)
        if wait is not None and wait > LONGEST_WAIT:
            return self._problem(f"{problem} and asks to come back in {wait:,.0f} s; run again then")
        return _PassingError(problem, wait)

    def _refusal(self, status: int) -> str:
        if not self._logs_in:
            return f"a login is needed ({status}), and none is sent to another server; name that address in source.path"
        if not self._access.keys:
            return f"a login is needed ({status}); set source.username and source.password, or source.headers"
        return f"the login was refused ({status}); check {self._access.keys}"

    def _receive(self, response: httpx.Response) -> None:
        """Write what comes behind what has come before, or anew; whatever comes stays for the next try."""
        size = self._start(response)
        self._refuse_large(self._answer.total or 0)
        with self._raw.open("r+b") as file:
            file.truncate(size)
            file.seek(size)
            for chunk in response.iter_raw():
                size += len(chunk)
                self._refuse_large(size)
                file.write(chunk)
        if self._answer.total is not None and size < self._answer.total:
            raise _PassingError("the answer is cut off")

    def _start(self, response: httpx.Response) -> int:
        """Find where in the content the answer begins."""
        if response.status_code != _PART:
            self._answer = _Answer.of(response)
            return 0
        size = self._raw.stat().st_size
        continued = self._answer.continued(response, size)
        self._answer = continued or _Answer()
        if continued is None:
            raise _PassingError("the server sends another part than the one that is asked for")
        return size

    def _refuse_large(self, size: int) -> None:
        if size > self._access.max_bytes:
            limit = self._access.max_bytes >> 20
            raise self._problem(f"is larger than source.max_megabytes = {limit} allows; raise it if that is right")

    def _checked(self) -> Path:
        """See that a whole export has come, unpack it if it was packed for the way, and keep it."""
        if not self._raw.stat().st_size:
            raise self._problem("the answer is empty; is there anything to export?")
        self._unpack()
        with self._path.open("rb") as file:
            sample = file.read(_SAMPLE_BYTES)
        if _WEB_PAGE.match(sample):
            keys = self._access.keys or "whether a login is needed"
            raise self._problem(f"answers with a web page, not an export; check the address, and {keys}")
        self._refuse_endless(sample)
        if self._name is not None and self._answer.keep and any(self._answer.version):
            cache.store(self._name, self._path, self._answer.version)
        return self._path

    def _unpack(self) -> None:
        if not self._answer.encoding:
            self._raw.replace(self._path)
            return
        if self._answer.encoding != "gzip":
            raise self._problem("the answer is packed in a way that was not asked for; have the server use gzip")
        size = 0
        with gzip.open(self._raw) as packed, new_file(self._path) as file:
            while chunk := self._unpacked(packed):
                self._deadline.left()
                size += len(chunk)
                self._refuse_large(size)
                file.write(chunk)
        self._raw.unlink()

    def _unpacked(self, packed: gzip.GzipFile) -> bytes:
        try:
            return packed.read(_CHUNK)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self._problem("the answer should be packed with gzip and is damaged; fetch it again") from error

    def _refuse_endless(self, sample: bytes) -> None:
        """Refuse an answer of which nobody can say whether it is whole."""
        told = self._answer.total is not None or self._answer.chunked or self._answer.encoding
        if not told and not sample.startswith(ARCHIVES) and find_format(self._path) in _ENDLESS:
            raise self._problem(
                "the answer does not say how long it is, so nobody can see whether it is whole; have the server send"
                " Content-Length"
            )


def _shown(url: httpx.URL) -> str:
    """Write for a message where a server sends; it may be anything, and of any length."""
    return printable(shown_address(str(url)))[:_SHOWN]


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _pause(state: RetryCallState) -> float:
    """Say how long to wait before the next try."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _PassingError) and error.wait is not None:
        return error.wait
    return wait_exponential_jitter(multiplier=FIRST_WAIT, jitter=FIRST_WAIT)(state)
