"""Files put to a server over HTTP(S): to WebDAV, or to an address that takes a single file, such as a presigned one.

With WebDAV (RFC 4918) a file is put beside its place under a hidden name, and gets its own when it is whole. Where
files go by `in_place`, or to an address that is a secret, they are put straight to it: stores such as Amazon's show a
file when it is whole.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from csvexport.delivery import Deadline, Parcel, PassingError, Receipt, Trace
from csvexport.delivery.answers import Answer
from csvexport.delivery.contents import read_parcel
from csvexport.delivery.wording import naming_the_place
from csvexport.errors import DeliveryError, ProfileError
from csvexport.profile import DeliverSettings, Secret
from csvexport.profile.paths import expanded
from csvexport.web import AGENT, REQUEST_ERRORS, Login, Trouble, open_client, retry_after, trust

# How much of an answer is read: more than what stores say of an error.
_ENOUGH: Final = 1 << 16

# How long it is tried to take away what was put in vain.
_CLEANING: Final = 5.0

# A server that answers so has no way to look at a file, or an address is good for nothing but putting one there.
_CANNOT_LOOK: Final = frozenset({403, 405, 501})

# 502 is how WebDAV refuses the place that the file is to be moved to, as a server does behind a proxy that ends TLS.
_CANNOT_MOVE: Final = frozenset({207, 400, 403, 405, 409, 412, 415, 501, 502, 505})

# What is asked of a place, and what a folder answers.
_KIND: Final = b'<propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>'
_COLLECTION: Final = re.compile(r"<(?:[\w.-]+:)?collection\b")

_IN_PLACE: Final = "set in_place = true, and files are written under their own names"


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
        self._client: httpx.Client | None = None
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
        return Receipt(trace=seen, is_unchanged=True) if _is_same(seen, trace) else None

    def _delivered(self, parcel: Parcel, deadline: Deadline) -> Receipt:
        # Read once before, since of what is broken off a server may make a file when nobody is there to remove it.
        for _ in read_parcel(parcel, deadline):
            pass
        if not self._is_secret:
            self._make_collection(_above(parcel.to), deadline)
        if self._is_straight:
            self._put(parcel.to, parcel, deadline)
            return self._receipt(parcel, deadline, is_checked=False)
        self._refuse_collection(parcel.to, deadline)
        part = _part(parcel.to)
        try:
            self._put(part, parcel, deadline)
            is_checked = self._is_whole(part, parcel, deadline)
            self._move(part, parcel.to, deadline)
        except DeliveryError:
            self._remove(part)
            raise
        return self._receipt(parcel, deadline, is_checked=is_checked)

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

    def _refuse_collection(self, address: str, deadline: Deadline) -> None:
        """See that no folder is at the address: a file that is moved there would take its place, and all in it go."""
        answer = self._ask("PROPFIND", address, deadline, {"Depth": "0", "Content-Type": "text/xml"}, _KIND)
        self._see_login(answer)
        if answer.status == httpx.codes.MULTI_STATUS and _COLLECTION.search(answer.text):
            raise DeliveryError("is a folder; name a file in `to`, or end it with / for their own names")

    def _see_login(self, answer: Answer) -> None:
        """See that the login is good before a file is on its way, of which the server may break off the reception."""
        if answer.status == httpx.codes.UNAUTHORIZED:
            self._refuse(answer)

    def _put(self, address: str, parcel: Parcel, deadline: Deadline) -> None:
        # Presigned addresses are good for a file of which the length is told.
        told = {"Content-Length": str(parcel.size)}
        answer = self._ask("PUT", address, deadline, told, read_parcel(parcel, deadline))
        self._refuse(answer)

    def _is_whole(self, part: str, parcel: Parcel, deadline: Deadline) -> bool:
        """Whether the server shows that all bytes have arrived; False where it shows nothing."""
        answer = self._ask("HEAD", part, deadline)
        if not answer.is_done or answer.size is None:
            return False
        if answer.size != parcel.size:
            raise PassingError(f"only {answer.size:,} of {parcel.size:,} bytes arrived")
        return True

    def _move(self, part: str, address: str, deadline: Deadline) -> None:
        answer = self._ask("MOVE", part, deadline, {"Destination": str(httpx.URL(address)), "Overwrite": "T"})
        if answer.is_missing:
            raise DeliveryError(f"the file was taken away under the hidden name that it had until whole; {_IN_PLACE}")
        if answer.status in _CANNOT_MOVE:
            raise DeliveryError(f"the server does not rename files (MOVE: {answer.status}); {_IN_PLACE}")
        self._refuse(answer)

    def _remove(self, part: str) -> None:
        with suppress(DeliveryError):
            self._ask("DELETE", part, Deadline(_CLEANING))

    def _receipt(self, parcel: Parcel, deadline: Deadline, *, is_checked: bool) -> Receipt:
        """Look at what is there now; the file has arrived, whatever comes of that."""
        answer = None
        with suppress(DeliveryError):
            answer = self._ask("HEAD", parcel.to, deadline)
        if answer is None or not answer.is_done:
            trace = Trace(parcel.size, is_taken=answer is not None and answer.is_missing)
            return Receipt(trace=trace, checked="size" if is_checked else "answer")
        trace = answer.trace(parcel.size)
        if trace.size != parcel.size:
            note = f"the server shows {trace.size:,} bytes, and {parcel.size:,} were put there"
            return Receipt(trace=trace, checked="answer", notes=(note,))
        return Receipt(trace=trace, checked="size" if is_checked or answer.size is not None else "answer")

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
            with self._opened(address).stream(
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

    def _opened(self, address: str) -> httpx.Client:
        if self._client is None:
            try:
                self._client = open_client(address, self._trusted, self._timeout)
            except ValueError as error:
                raise DeliveryError(str(error)) from error
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
