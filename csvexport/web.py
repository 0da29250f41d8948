"""Servers that are spoken to over HTTP(S): whom to trust, how to log in, and what it means when they cannot be asked.

Certificates are always verified, nothing that a server does lasts longer than the deadline, and nothing said here shows
an address, a password or a proxy's login.
"""

import base64
import logging
import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import httpcore
import httpx
from socksio import ProtocolError

from csvexport import __version__
from csvexport.deadline import Deadline
from csvexport.dialling import SlowNamesError, dial
from csvexport.errors import ProfileError
from csvexport.profile import Secret
from csvexport.profile.addresses import is_loopback
from csvexport.profile.regular import IrregularError, refuse_irregular

AGENT: Final = f"csvexport/{__version__}"
"""How servers are told who asks."""

PASSING: Final = {
    408: "the server waited too long for the request",
    425: "the server cannot answer yet",
    429: "the server is asked too often",
    500: "the server failed",
    502: "the server behind the address failed",
    503: "the server is not available",
    504: "the server behind the address does not answer",
}
"""Answers after which another try may do better, and why."""

# What stands in the way of trusting a certificate, by OpenSSL's number, and the remedy.
_CA: Final = "{ca}"
_ISSUER: Final = f"name a PEM file with the certificate of its issuer as {_CA}"
_UNTRUSTED: Final = {
    2: f"its issuer is unknown here; {_ISSUER}",
    9: "it is not valid yet; check the clock of this machine",
    10: "it, or one of its issuers', has expired; the server needs a new one",
    18: f"it is self-signed; name a PEM file with this very certificate as {_CA} if you trust it",
    19: f"its issuer is not trusted here (self-signed); {_ISSUER}",
    20: f"its issuer is unknown here; {_ISSUER}",
    21: f"its issuer is unknown here, and the server does not send it; {_ISSUER}",
    62: "it was made out for another host name; use the name that it was made out for",
    64: "it was made out for another host; use the name that it was made out for",
}

# How the library begins to say of an answer that it ended too early.
_BROKEN: Final = re.compile(r"^(?:Server disconnected|peer (?:unexpectedly )?closed connection)")

# Bytes that are sent at once.
_PIECE: Final = 1 << 16

# The most digits that a number of a server's is read of; a larger one than these make says nothing.
_DIGITS: Final = 18

# They would log whole addresses, and what servers answer.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class LoginSettings(Protocol):
    """The keys of the profile that log in."""

    @property
    def username(self) -> Secret | str | None:
        """The user's name."""

    @property
    def password(self) -> Secret | None:
        """Where the password is found."""

    @property
    def headers(self) -> Mapping[str, Secret]:
        """Headers, and where each is found."""


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """What logs in. What is printed of it shows nothing.

    Attributes:
        headers: sent with every request.
        keys: the profile's keys that log in, as a message names them; empty without any.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    keys: str = ""

    @classmethod
    def of(cls, settings: LoginSettings, folder: Path, prefix: str = "") -> "Login":
        """Look the secrets up.

        Args:
            settings: the profile's.
            folder: the profile's; paths of secrets are relative to it.
            prefix: how messages begin the names of keys, such as `source.`.

        Raises:
            ProfileError: a secret is not where the profile says, or cannot be sent.
        """
        headers = {name: _header(secret, folder) for name, secret in settings.headers.items()}
        keys = [f"{prefix}headers"] if headers else []
        if settings.username is not None or settings.password is not None:
            if "authorization" in map(str.lower, headers):
                raise ProfileError(
                    [f"{prefix}headers: has Authorization, which {prefix}username makes; take out one of them"]
                )
            headers["Authorization"] = _basic(settings, folder, prefix)
            keys.insert(0, f"{prefix}username and {prefix}password")
        return cls(headers, ", ".join(keys))


def _header(secret: Secret, folder: Path) -> str:
    text = secret.resolve(folder)
    if not re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", text):
        raise ProfileError(
            [f"{secret}: cannot be sent in a header; it must be ASCII, on one line, without blanks around it"]
        )
    return text


def _basic(settings: LoginSettings, folder: Path, prefix: str) -> str:
    """Make the header of Basic authentication (RFC 7617)."""
    user = settings.username or ""
    name = user.resolve(folder) if isinstance(user, Secret) else user
    password = settings.password.resolve(folder) if settings.password is not None else ""
    if ":" in name:
        raise ProfileError([f"{prefix}username: has a colon, which ends the name in HTTP Basic authentication"])
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode(errors='surrogateescape')).decode()}"


def trust(ca: Path | None) -> ssl.SSLContext:
    """Trust whom the system trusts, and the certificates of a PEM file.

    Raises:
        ValueError: there are none in the file; the text is a sentence that says why.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not _system_trusts_someone(context):
        import certifi  # noqa: PLC0415 - few systems need it

        context.load_verify_locations(certifi.where())
    if ca is not None:
        try:
            # A pipe or a device would be read for ever.
            refuse_irregular(ca.stat())
            context.load_verify_locations(ca)
        except ssl.SSLError as error:
            raise ValueError(f"{ca} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)") from error
        except IrregularError as error:
            raise ValueError(f"{ca}: {error}") from None
        except OSError as error:
            raise ValueError(f"{ca} cannot be read: {error.strerror}") from error
    return context


def _system_trusts_someone(context: ssl.SSLContext) -> bool:
    """Whether the system has a store of certificates; those of a folder are loaded when they are needed."""
    folder = ssl.get_default_verify_paths().capath
    return bool(context.cert_store_stats()["x509_ca"] or (folder and any(Path(folder).iterdir())))


def open_client(address: str, context: ssl.SSLContext, timeout: float, deadline: Deadline) -> "Client":
    """Make ready to ask the server of an address, through the proxies of the environment.

    Args:
        address: one on the server.
        context: whom to trust.
        timeout: seconds for which the server may be silent.
        deadline: when all that is asked must be answered.

    Raises:
        ValueError: a proxy cannot be; the text is a sentence that says so.
    """
    # Nothing that is meant for this machine goes through a proxy.
    trust_env = not is_loopback(address)
    try:
        return Client(context, timeout, deadline, trust_env=trust_env)
    except (ValueError, ImportError, httpx.InvalidURL):
        # Not chained: the error shows the proxy's address, which may hold a password.
        problem = "the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used"
    raise ValueError(f"{problem}; write it as http://host:port or socks5://host:port")


class Client(httpx.Client):
    """Asks servers, and waits for none beyond the deadline.

    The time-outs of the library begin anew with every byte that a server sends.

    Attributes:
        deadline: when what is under way must be done; its error is raised out of whatever waits then.
    """

    def __init__(self, context: ssl.SSLContext, timeout: float, deadline: Deadline, *, trust_env: bool) -> None:
        """Take what `open_client` does, and whether the environment says which proxies there are."""
        super().__init__(verify=context, timeout=timeout, trust_env=trust_env)
        self.deadline = deadline
        self._patience = timeout
        self._streams: list[httpcore.NetworkStream] = []
        backend = _Backend(self)
        for transport in (self._transport, *self._mounts.values()):
            if isinstance(transport, httpx.HTTPTransport):
                # There is no other way in but to write the transport anew.
                transport._pool._network_backend = backend  # noqa: SLF001

    def add(self, stream: httpcore.NetworkStream) -> httpcore.NetworkStream:
        """Have a connection closed with the client; the library leaves those open that fail before they are of use."""
        self._streams.append(stream)
        return stream

    def close(self) -> None:
        """Close all connections."""
        super().close()
        for stream in self._streams:
            stream.close()
        self._streams.clear()

    def left(self, timeout: float | None) -> float:
        """Give how long the next step may wait; SOCKS proxies would be waited for without a time-out."""
        return self.deadline.left(self._patience if timeout is None else timeout)


class _Backend(httpcore.NetworkBackend):
    """Connects, as the library's own does, within the time of the client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._under = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        def connect(address: str, seconds: float) -> httpcore.NetworkStream:
            return self._under.connect_tcp(address, port, seconds, local_address, socket_options)

        try:
            stream = dial(host, port, self._client.left(timeout), self._client.deadline, connect)
        except SlowNamesError as error:
            raise httpcore.ConnectTimeout from error
        except OSError as error:
            raise httpcore.ConnectError from error
        return self._client.add(_Stream(stream, self._client))


class _Stream(httpcore.NetworkStream):
    """A connection of which every step ends within the time of the client."""

    def __init__(self, under: httpcore.NetworkStream, client: Client, *, is_within: bool = False) -> None:
        """Take what it is a connection over, and whether that is TLS within the TLS of a proxy."""
        self._under = under
        self._client = client
        self._is_within = is_within

    def close(self) -> None:
        self._under.close()

    def get_extra_info(self, info: str) -> object:
        return self._under.get_extra_info(info)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        seconds = self._client.left(timeout)
        with self._ending(seconds) if self._is_within else nullcontext():
            return self._under.read(max_bytes, seconds)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Each piece may take as long as a server may be silent, however little of it is taken at a time.
        for start in range(0, len(buffer), _PIECE):
            self._under.write(buffer[start : start + _PIECE], self._client.left(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = self._client.left(timeout)
        is_within = isinstance(self.get_extra_info("socket"), ssl.SSLSocket)
        with self._ending(seconds):
            secured = self._under.start_tls(ssl_context, server_hostname, seconds)
        return self._client.add(_Stream(secured, self._client, is_within=is_within))

    def _ending(self, seconds: float) -> AbstractContextManager[None]:
        """Hang up after so many seconds: within the TLS of a proxy, a time-out counts anew for every part of a step."""
        return Deadline(seconds).ending(partial(_hang_up, self._under.get_extra_info("socket")))


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):
        # Not the method of TLS sockets, which takes from under the other thread what it reads from.
        socket.socket.shutdown(line, socket.SHUT_RDWR)


REQUEST_ERRORS: Final = (httpx.RequestError, httpx.InvalidURL, ValueError, ProtocolError, AssertionError)
"""What asking a server may raise, before and while it answers; the last two where a SOCKS proxy answers nonsense."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a server could not be asked.

    Attributes:
        text: a sentence, without its place.
        is_passing: whether another try may do better.
    """

    text: str
    is_passing: bool = False

    @classmethod
    def of(cls, error: Exception, timeout: float, prefix: str = "") -> "Trouble":
        """Say what one of `REQUEST_ERRORS` means.

        Args:
            error: the error.
            timeout: seconds for which the server could be silent.
            prefix: how the names of keys begin, such as `source.`.
        """
        match error:
            case httpx.TimeoutException():
                return cls._of_waiting(error, timeout, prefix)
            case httpx.ProxyError():
                return cls(proxy_problem(str(error)), is_passing=not str(error).startswith("4"))
            case httpx.ConnectError():
                return cls._of_connection(error, prefix)
            case httpx.RemoteProtocolError() if not _BROKEN.search(str(error)):
                text = "the server's answer is not HTTP as it should be; check host and port, or have it mended"
            case ProtocolError() | AssertionError():
                text = "the proxy does not speak SOCKS as it should; check ALL_PROXY, HTTPS_PROXY and HTTP_PROXY"
            case httpx.UnsupportedProtocol() | httpx.LocalProtocolError() | httpx.InvalidURL() | ValueError():
                text = "the address, or what it redirects to, cannot be asked; check it"
            case _:
                return cls("the connection broke off", is_passing=True)
        return cls(text)

    @classmethod
    def _of_waiting(cls, error: Exception, timeout: float, prefix: str) -> "Trouble":
        if any(isinstance(cause, SlowNamesError) for cause in _causes(error)):
            text = "the address of the host was not found out in time; check the network's name service"
        else:
            text = f"the server has been silent for {timeout:g} s; raise {prefix}timeout if it needs longer"
        return cls(text, is_passing=True)

    @classmethod
    def _of_connection(cls, error: Exception, prefix: str) -> "Trouble":
        causes = list(_causes(error))
        for cause in causes:
            if isinstance(cause, ssl.SSLCertVerificationError):
                found = _UNTRUSTED.get(cause.verify_code, f"{cause.verify_message}; name what it lacks as {_CA}")
                found = found.replace(_CA, f"{prefix}ca")
                return cls(f"the server's certificate cannot be trusted: {found}")
            if isinstance(cause, ssl.SSLError):
                return cls("there is no TLS connection (TLS 1.2 or newer); check https and the port")
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            text = "there is no such host; check its name, that of the proxy if there is one, and the network"
        elif any(isinstance(cause, ConnectionRefusedError) for cause in causes):
            text = "the server refuses the connection; check host and port, and whether it runs"
        else:
            text = "the server cannot be reached; check the network"
        return cls(text, is_passing=True)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error and what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def proxy_problem(answer: str) -> str:
    """Say what a proxy means whose answer begins with a status other than success."""
    if answer.startswith("407"):
        return "the proxy wants a login (407); write it into HTTPS_PROXY, as user:password@ before the host"
    return "the proxy does not let the request through; check HTTPS_PROXY, or name the host in NO_PROXY"


def retry_after(response: httpx.Response) -> float | None:
    """Give how many seconds a server asks to be left alone for: it says seconds, or a date, or nothing."""
    text = response.headers.get("Retry-After", "")
    seconds = whole_number(text)
    if seconds is not None:
        return float(seconds)
    moment = http_date(text)
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())


def whole_number(text: str) -> int | None:
    """Give the number that a server writes in digits; None if it does not, or writes absurdly many."""
    return int(text) if re.fullmatch(rf"[0-9]{{1,{_DIGITS}}}", text) else None


def http_date(text: str) -> datetime | None:
    """Give the moment that a server writes, aware; None if it writes none."""
    with suppress(ValueError, TypeError, OverflowError):
        moment = parsedate_to_datetime(text)
        # A date that says of no zone that it is its own is none of a server.
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    return None
