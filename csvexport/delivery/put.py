"""Files put to a server over HTTP(S): to WebDAV, or to an address that takes a single file, such as a presigned one.

With WebDAV (RFC 4918) a file is put beside its place under a hidden name, and gets its own when it is whole. Where
files go by `in_place`, or to an address that is a secret, they are put straight to it: stores such as Amazon's show a
file when it is whole.

A server's word that it took a file is not all: what is there is looked at, and what is seen to be other than what was
sent has not arrived. Only where nobody can look, the word must do, and the receipt says so.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from csvexport.delivery import Deadline, Parcel, PassingError, Receipt, Trace
from csvexport.delivery.answers import Answer
from csvexport.delivery.contents import read_parcel
from csvexport.delivery.wording import (
    HIDDEN_ONE_GONE,
    IN_PLACE,
    NEVER_SEEN,
    NOT_RENAMED,
    OTHER_CHECKSUM,
    naming_the_place,
    wrong_size,
)
from csvexport.errors import DeliveryError, ProfileError
from csvexport.profile import DeliverSettings, Secret
from csvexport.profile.paths import expanded
from csvexport.web import AGENT, REQUEST_ERRORS, Client, Login, Trouble, open_client, retry_after, trust

# How much of an answer is read: more than what stores say of an error.
_ENOUGH: Final = 1 << 16

# How long it is tried to take away what was put in vain.
_CLEANING: Final = 5.0

# A server that answers so has no way to look at a file, or an address is good for nothing but putting one there.
_CANNOT_LOOK: Final = frozenset({403, 405, 501})

# 502 is how WebDAV refuses the place that the file is to be moved to, as a server does behind a proxy that ends TLS.
_CANNOT_MOVE: Final = frozenset({207, 400, 403, 405, 409, 412, 415, 501, 502, 505})

_DAV: Final = {"Depth": "0", "Content-Type": "text/xml"}

# What is asked of a place, and what a folder answers.
_KIND: Final = b'<propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>'
_COLLECTION: Final = re.compile(r"<(?:[\w.-]+:)?collection\b")

# What is asked where HEAD does not tell the size, and to how much of a file the answer is kept short.
_LENGTH: Final = b'<propfind xmlns="DAV:"><prop><getcontentlength/></prop></propfind>'
_FIRST_BYTE: Final = "bytes=0-0"

# How often it is tried to look at what was put.
_LOOKS: Final = 2


class PutDestination:
    """Puts files to a server over HTTP(S)."""

    def __init__(self, settings: DeliverSettings, folder: Path) -> None:
        """Look up what is needed to be let in; nothing is connected yet.

        Args:
            settings: the profile's.
            folder: the profile's; paths of secrets and certificates are relative to it.

        Raises:
            ProfileError: a secret or a certificate is not where the profile says, or cannot be used.
        """
        try:
            self._login = Login.of(settings, folder)
            self._trusted = trust(folder / expanded(settings.ca) if settings.ca is not None else None)
        except ProfileError as error:
            raise ProfileError([f"{settings.name}: {mistake}" for mistake in error.mistakes]) from error
        except ValueError as error:
            raise ProfileError([f"{settings.name}: ca: {error}"]) from error
        self._timeout = settings.timeout
        self._is_secret = isinstance(settings.to, Secret)
        self._is_straight = settings.in_place or self._is_secret
        self._takes_away = settings.takes_away
        self._client: Client | None = None
        self._collections: set[str] = set()

    def deliver(self, parcel: Parcel, deadline: Deadline) -> Receipt:
        """Put a file to its address, unless the server still has what was put there last, and that was the same.

        Raises:
            PassingError: the server cannot be reached, or is busy.
            DeliveryError: it refuses the file, or the file is not what was built.
        """
        with naming_the_place(parcel):
            return self._unchanged(parcel, deadline) or self._delivered(parcel, deadline)

    def close(self) -> None:
        """Let go of the connection, and of what was seen through it."""
        if self._client is not None:
            self._client.close()
        self._client = None
        self._collections.clear()

    def _unchanged(self, parcel: Parcel, deadline: Deadline) -> Receipt | None:
        """Give a receipt if nothing needs to be put."""
        trace = parcel.trace
        if trace is None:
            return None
        answer = None if trace.is_taken else self._ask("HEAD", parcel.to, deadline)
        if answer is None or answer.status in _CANNOT_LOOK:
            return Receipt(trace=trace, is_unchanged=True, checked="answer")
        if answer.is_missing:
            return None
        self._refuse(answer)
        seen = answer.trace(parcel.size)
        if not _is_same(seen, trace):
            return None
        return Receipt(trace=seen, is_unchanged=True, checked="answer" if answer.size is None else "size")

    def _delivered(self, parcel: Parcel, deadline: Deadline) -> Receipt:
        # Read once before, since of what is broken off a server may make a file when nobody is there to remove it.
        for _ in read_parcel(parcel, deadline):
            pass
        if not self._is_secret:
            self._make_collection(_above(parcel.to), deadline)
        if self._is_straight:
            before = None if self._is_secret else self._ask("HEAD", parcel.to, deadline)
            put = self._put(parcel.to, parcel, deadline)
            receipt = self._receipt(parcel, deadline, put=put)
            is_other = before is None or not before.is_done or before.trace(parcel.size) != receipt.trace
            # What looks like the file before may be that file.
            return receipt if is_other or receipt.checked == "checksum" else replace(receipt, checked="answer")
        is_there = self._is_there(parcel.to, deadline)
        part = _part(parcel.to)
        try:
            put = self._put(part, parcel, deadline)
            seen = self._look(part, deadline)
            checked = _checked(parcel, put, seen, deadline) if seen is not None and seen.is_done else ""
            self._move(part, parcel.to, deadline)
            if is_there:
                # What is seen at the place could be the file before.
                self._refuse_unmoved(part, deadline)
        except DeliveryError:
            self._remove(part)
            raise
        return self._receipt(parcel, deadline, checked)

    def _make_collection(self, address: str, deadline: Deadline) -> None:
        """Make the folder at an address, and those above it, unless they are there; what else comes, putting tells."""
        if address in self._collections or not urlsplit(address).path.strip("/"):
            return
        answer = self._ask("MKCOL", address, deadline)
        if answer.status in {404, 409}:
            self._make_collection(_above(address), deadline)
            answer = self._ask("MKCOL", address, deadline)
        self._see_login(answer)
        self._collections.add(address)

    def _is_there(self, address: str, deadline: Deadline) -> bool:
        """Whether a file is at the address already, as far as the server tells.

        Raises:
            DeliveryError: a folder is; a file that is moved there would take its place, and all in it go.
        """
        answer = self._ask("PROPFIND", address, deadline, _DAV, _KIND)
        self._see_login(answer)
        is_there = answer.status == httpx.codes.MULTI_STATUS
        if is_there and _COLLECTION.search(answer.text):
            raise DeliveryError("is a folder; name a file in `to`, or end it with / for their own names")
        return is_there

    def _see_login(self, answer: Answer) -> None:
        """See that the login is good before a file is on its way, of which the server may break off the reception."""
        if answer.status == httpx.codes.UNAUTHORIZED:
            self._refuse(answer)

    def _put(self, address: str, parcel: Parcel, deadline: Deadline) -> Answer:
        # Presigned addresses are good for a file of which the length is told.
        told = {"Content-Length": str(parcel.size)}
        answer = self._ask("PUT", address, deadline, told, read_parcel(parcel, deadline))
        self._refuse(answer)
        return answer

    def _look(self, address: str, deadline: Deadline) -> Answer | None:
        """Look at what is at an address, in every way that there is until one tells the size.

        Returns:
            What the server says of it, or that there is nothing; None where nobody can look.
        """
        head = self._ask("HEAD", address, deadline)
        if head.may_not_look:
            return None
        if head.size is not None:
            return head
        size = None if self._is_secret else self._ask("PROPFIND", address, deadline, _DAV, _LENGTH).size
        if size is None:
            got = self._ask("GET", address, deadline, {"Range": _FIRST_BYTE})
            if not head.is_done and (got.is_done or got.is_missing):
                return got
            size = got.size
        if head.is_done:
            return replace(head, told=size)
        if size is not None:
            return Answer(httpx.codes.OK, {}, told=size)
        return head if head.is_missing else None

    def _move(self, part: str, address: str, deadline: Deadline) -> None:
        answer = self._ask("MOVE", part, deadline, {"Destination": str(httpx.URL(address)), "Overwrite": "T"})
        if answer.is_missing:
            raise DeliveryError(HIDDEN_ONE_GONE)
        if answer.status in _CANNOT_MOVE:
            raise DeliveryError(f"the server does not rename files (MOVE: {answer.status}); {IN_PLACE}")
        self._refuse(answer)

    def _remove(self, part: str) -> None:
        with suppress(DeliveryError):
            self._ask("DELETE", part, Deadline(_CLEANING))

    def _receipt(self, parcel: Parcel, deadline: Deadline, checked: str = "", put: Answer | None = None) -> Receipt:
        """Look at what is there now, and tell of it.

        Args:
            parcel: the file, which the server says that it has.
            deadline: when all must be done.
            checked: by what it was seen whole before it got its name; empty: it was not seen.
            put: what the server answered when it was put, if it was put straight to its place.

        Raises:
            PassingError: what is there is not what was sent.
            DeliveryError: nothing is there that was to be seen before, or it has not got its name.
        """
        seen = self._seen_at_last(parcel.to, deadline)
        if seen is None:
            # That it has its name is the server's word.
            return Receipt(trace=Trace(parcel.size), checked="answer")
        if not seen.is_done:
            if not self._is_straight:
                self._refuse_unmoved(_part(parcel.to), deadline)
            if not checked and not self._takes_away:
                raise DeliveryError(NEVER_SEEN)
            return Receipt(trace=Trace(parcel.size, is_taken=True), checked=checked or "answer")
        now = _checked(parcel, put, seen, deadline)
        return Receipt(trace=seen.trace(parcel.size), checked=checked if now == "answer" and checked else now)

    def _refuse_unmoved(self, part: str, deadline: Deadline) -> None:
        """See that a file which the server says it has renamed is not under its hidden name still."""
        seen = self._seen_at_last(part, deadline)
        if seen is not None and seen.is_done:
            self._remove(part)
            raise DeliveryError(NOT_RENAMED)

    def _seen_at_last(self, address: str, deadline: Deadline) -> Answer | None:
        """Look at what has arrived, whatever comes of looking; None where nobody can."""
        for _ in range(_LOOKS):
            try:
                return self._look(address, deadline)
            except PassingError:
                self.close()
            except DeliveryError:
                break
        return None

    def _refuse(self, answer: Answer) -> None:
        answer.refuse(self._login.keys, is_secret=self._is_secret, is_hidden=not self._is_straight)

    def _ask(
        self,
        method: str,
        address: str,
        deadline: Deadline,
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterable[bytes] | None = None,
    ) -> Answer:
        """Give what the server answers, whatever that is.

        Raises:
            PassingError: the server cannot be reached, or the connection broke off.
            DeliveryError: it cannot be asked, the file that is sent is not what was built, or the time is over.
        """
        seconds = deadline.left(self._timeout)
        try:
            with self._opened(address, deadline).stream(
                method,
                address,
                headers=self._headers(headers or {}),
                content=content,
                timeout=seconds,
            ) as response:
                text = _beginning(response, deadline)
                return Answer(response.status_code, response.headers, text, retry_after(response))
        except REQUEST_ERRORS as error:
            # Tells of the end of the time if that is what it was.
            deadline.left()
            trouble = Trouble.of(error, seconds)
            raise PassingError(trouble.text) if trouble.is_passing else DeliveryError(trouble.text) from error

    def _opened(self, address: str, deadline: Deadline) -> Client:
        if self._client is None:
            try:
                self._client = open_client(address, self._trusted, self._timeout, deadline)
            except ValueError as error:
                raise DeliveryError(str(error)) from error
        self._client.deadline = deadline
        return self._client

    def _headers(self, more: Mapping[str, str]) -> httpx.Headers:
        headers = httpx.Headers({"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity"})
        headers.update(self._login.headers)
        headers.update(more)
        return headers


def _beginning(response: httpx.Response, deadline: Deadline) -> str:
    text = b""
    for chunk in response.iter_raw():
        deadline.left()
        text += chunk
        if len(text) >= _ENOUGH:
            break
    return text.decode(errors="replace")


def _checked(parcel: Parcel, put: Answer | None, seen: Answer, deadline: Deadline) -> str:
    """See that what is there is what was sent.

    Args:
        parcel: the file.
        put: what the server answered when it was put to this address; None if it got there in another way.
        seen: what the server says of what is there.
        deadline: when all must be done.

    Returns:
        By what that was seen: "checksum", "size" or, if there is nothing to see it by, "answer".

    Raises:
        PassingError: it is something else.
    """
    if seen.size not in {None, parcel.size}:
        raise wrong_size(seen.size or 0, parcel)
    if put is not None and put.version and seen.version not in {"", put.version}:
        raise PassingError("the server shows another version of the file than the one that it took")
    if any(checksum != _checksum(name, parcel, deadline) for name, checksum in seen.checksums.items()):
        raise PassingError(OTHER_CHECKSUM)
    if seen.size is None:
        return "answer"
    return "checksum" if "sha256" in seen.checksums else "size"


def _checksum(name: str, parcel: Parcel, deadline: Deadline) -> str:
    if name == "sha256":
        return parcel.sha256
    digest = hashlib.new(name, usedforsecurity=False)
    for chunk in read_parcel(parcel, deadline):
        digest.update(chunk)
    return digest.hexdigest()


def _is_same(seen: Trace, before: Trace) -> bool:
    """Whether what is there is what was there, by the surest that both tell."""
    if seen.size != before.size:
        return False
    if seen.version and before.version:
        return seen.version == before.version
    return seen.modified == before.modified


def _part(address: str) -> str:
    """Give the hidden address beside a file's."""
    folder, _, name = address.rpartition("/")
    return f"{folder}/.{name}.part"


def _above(address: str) -> str:
    """Give the address of the folder that a file or folder is in."""
    return f"{address.rstrip('/').rpartition('/')[0]}/"
