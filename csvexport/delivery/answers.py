"""What servers answer when files are put to them, and what is to be done about it."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from csvexport.delivery import PassingError, Trace
from csvexport.errors import DeliveryError
from csvexport.web import PASSING, http_date, proxy_problem, whole_number

_NO_PUT: Final = (
    "the server takes no files there; check that the address is one of WebDAV, or one that files are put to"
)

# What stays in the way until somebody does something about it, and what to do.
_LASTING: Final = {
    404: "there is no such place; check the address",
    405: _NO_PUT,
    409: "the server lacks the folder, and does not make it; make it there",
    410: "there is no such place any more; check the address",
    411: "the length of the file does not reach the server; a proxy on the way takes it out",
    413: "the file is larger than the server takes; have its limit raised",
    501: _NO_PUT,
    507: "there is no space left on the server; make room there",
}

# A newer make of server, or of what stands before it, has its own numbers for what passes.
_LASTING_FAILURES: Final = frozenset({501, 505, 507})

_LOCKED: Final = 423

# How WebDAV tells a size (RFC 4918, 15.4).
_LENGTH: Final = re.compile(r"<(?:[\w.-]+:)?getcontentlength\b[^>]{0,99}>\s{0,99}([0-9]+)\s{0,99}<")

# How checksums are told: RFC 9530, RFC 3230 before it, and stores; what some of them tell of the parts of a file, with
# a dash behind it, is none of the file.
_HASHES: Final = {"sha-256": "sha256", "md5": "md5"}
_CHECKSUM: Final = re.compile(
    r"\b(sha-256(?==:?[A-Za-z0-9+/]{43}=)|md5(?==:?[A-Za-z0-9+/]{22}==))=:?([A-Za-z0-9+/]+={1,2})(?![^\s,:])",
    re.IGNORECASE,
)
_CHECKSUM_HEADERS: Final = {"sha-256": "x-amz-checksum-sha256", "md5": "Content-MD5"}

# How Amazon's, Google's and Azure's stores say so.
_EXPIRED: Final = re.compile(r"expired|not valid in the specified time", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered.

    Attributes:
        status: the number.
        headers: by name; case is ignored.
        text: the beginning of the body.
        wait: seconds that the server asks to be left alone for, if it does.
        told: the size of what is there, where the server told it in answer to something else.
    """

    status: int
    headers: Mapping[str, str]
    text: str = ""
    wait: float | None = None
    told: int | None = None

    @property
    def is_done(self) -> bool:
        """Whether the server did what was asked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_missing(self) -> bool:
        """Whether there is nothing."""
        return self.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}

    @property
    def may_not_look(self) -> bool:
        """Whether who is logged in, or an address that is a secret, is not let look at what is there."""
        return self.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}

    @property
    def size(self) -> int | None:
        """The size of what is there, in bytes, where the server tells it."""
        if self.told is not None or not self.is_done or "Content-Encoding" in self.headers:
            return self.told
        if self.status == HTTPStatus.MULTI_STATUS:
            found = _LENGTH.search(self.text)
            return whole_number(found[1]) if found else None
        if self.status == HTTPStatus.PARTIAL_CONTENT:
            return whole_number(self.headers.get("Content-Range", "").rpartition("/")[2])
        return whole_number(self.headers.get("Content-Length", ""))

    @property
    def version(self) -> str:
        """The version of what is there, or was put there; empty where the server tells none for certain."""
        etag = self.headers.get("ETag", "")
        return etag if etag.startswith('"') else ""

    @property
    def checksums(self) -> dict[str, str]:
        """The checksums of what is there, in hex, by hashlib's names, where HEAD tells them."""
        if self.status != HTTPStatus.OK or "Content-Encoding" in self.headers:
            return {}
        told = [self.headers.get(name, "") for name in ("Repr-Digest", "Digest", "x-goog-hash")]
        told += [f"{name}={self.headers.get(header, '')}" for name, header in _CHECKSUM_HEADERS.items()]
        return {
            _HASHES[name.lower()]: base64.b64decode(text).hex() for name, text in _CHECKSUM.findall(", ".join(told))
        }

    def trace(self, size: int) -> Trace:
        """Give by what the file is recognised later; its size is this if the server tells none."""
        modified = http_date(self.headers.get("Last-Modified", ""))
        # Apache calls an ETag weak until the file is a second old.
        version = self.headers.get("ETag", "").removeprefix("W/")
        return Trace(
            size if self.size is None else self.size, None if modified is None else int(modified.timestamp()), version
        )

    def refuse(self, keys: str, *, is_secret: bool = False, is_hidden: bool = False) -> None:
        """See that the server did what was asked.

        Args:
            keys: the profile's keys that log in; empty without any.
            is_secret: whether the address itself is what lets files in.
            is_hidden: whether the name begins with a dot.

        Raises:
            PassingError: another try may do better.
            DeliveryError: no other try will.
        """
        if self.is_done:
            return
        if self._is_passing:
            problem = "another client has locked the file" if self.status == _LOCKED else "the server failed"
            raise PassingError(f"{PASSING.get(self.status, problem)} ({self.status})", self.wait)
        problem = self._of_secret() if is_secret else ""
        problem = problem or self._of_login(keys) or self._of_place()
        if is_hidden and self.status in {403, 404, 405, 501}:
            problem += "; if it is names with a dot before them that the server refuses, set in_place = true"
        raise DeliveryError(problem)

    @property
    def _is_passing(self) -> bool:
        failed = self.status >= HTTPStatus.INTERNAL_SERVER_ERROR and self.status not in _LASTING_FAILURES
        return failed or self.status in PASSING or self.status == _LOCKED

    def _of_secret(self) -> str:
        if self.status not in {400, 401, 403}:
            return ""
        if _EXPIRED.search(self.text):
            return f"the address has expired ({self.status}); have a new one made"
        return f"the address lets no file in ({self.status}); have one made for PUT, and for the headers that are sent"

    def _of_login(self, keys: str) -> str:
        match self.status:
            case 407:
                return proxy_problem("407")
            case 401 | 403 if not keys:
                return f"a login is needed ({self.status}); set username and password, or headers"
            case 401:
                return f"the login was refused (401); check {keys}"
            case 403:
                return "the user may not write there (403); have it allowed"
        return ""

    def _of_place(self) -> str:
        if HTTPStatus.MULTIPLE_CHOICES <= self.status < HTTPStatus.BAD_REQUEST:
            return f"the server sends elsewhere ({self.status}), where no file goes; write the final address as `to`"
        problem, _, remedy = _LASTING.get(self.status, "the server refuses the file; check the address").partition(";")
        return f"{problem} ({self.status});{remedy}"
