"""Connections to SSH servers: reached directly or through another, known by their keys, and logged in to."""

import logging
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import paramiko

from csvexport.delivery import Deadline, PassingError
from csvexport.delivery.host_keys import HostKey, KnownServer
from csvexport.delivery.ssh_authentication import OneServiceTransport, log_in
from csvexport.delivery.ssh_logins import Login
from csvexport.dialling import SlowNamesError, dial
from csvexport.errors import DeliveryError
from csvexport.profile import Server

# Paramiko would have others first, which need a second pass over the data for their MAC.
_FAST_CIPHERS: Final = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")

# Types of keys, the best first, and the algorithms by which a server proves that it has one.
_KINDS: Final = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}

_KEEPALIVE: Final = 15
"""Seconds of silence after which a sign of life is sent, so that no router forgets the connection."""

_PROHIBITED: Final = 1

# How long is waited for the thread of a connection that was closed; it looks ten times a second.
_ENDING: Final = 10.0

# How long it may take that thread to notice that a connection broke.
_NOTICING: Final = 0.5

# It would print tracebacks of broken lines, which are told of here.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Target:
    """A server, who logs in there, and what is known of it."""

    server: Server
    login: Login
    known: KnownServer


class Connection:
    """A connection to a server, and to the one before it if it is reached through another."""

    def __init__(self, targets: Sequence[Target], timeout: float, deadline: Deadline) -> None:
        """Connect and log in.

        Args:
            targets: the server, after those through which it is reached.
            timeout: seconds for which a server may be silent.
            deadline: when all must be done.

        Raises:
            PassingError: a server cannot be reached now.
            DeliveryError: it is not the right one, or does not let in.
        """
        self._timeout = timeout
        self._transports: list[paramiko.Transport] = []
        try:
            with deadline.ending(self.cut):
                for target in targets:
                    self._transports.append(self._negotiated(target, deadline))
                    log_in(self._transports[-1], target.login, deadline.left(timeout))
        except BaseException as error:
            self.close()
            if isinstance(error, DeliveryError):
                # Tells of the end of the time if that is what it was.
                deadline.left()
            raise

    def open_subsystem(self, name: str, deadline: Deadline) -> "Subsystem":
        """Have the server start a subsystem, such as `sftp`.

        Raises:
            PassingError: the connection broke off, or the server does not answer.
            DeliveryError: the server does not offer it.
        """
        transport = self._transports[-1]
        try:
            # Paramiko waits for the answer for ever.
            with Deadline(deadline.left(self._timeout)).ending(self.cut):
                channel = transport.open_session()
                channel.invoke_subsystem(name)
        except Exception as error:
            deadline.left()
            # A connection that broke may not have been noticed by its thread.
            transport.join(_NOTICING)
            if not transport.is_active():
                raise PassingError("the server closed the connection, or was silent for too long") from error
            raise DeliveryError(f"the server does not offer {name} to this user; ask its operator for it") from error
        return Subsystem(channel)

    def cut(self) -> None:
        """End whatever waits for the server; called from another thread."""
        for transport in list(self._transports):
            transport.close()

    def close(self) -> None:
        """End the connection, and all that ran for it."""
        for transport in reversed(self._transports):
            _end(transport)
        self._transports.clear()

    def _negotiated(self, target: Target, deadline: Deadline) -> paramiko.Transport:
        """Agree with a server on keys, and see that it is the right one.

        Of several keys a server shows the one that it is asked for. A fingerprint does not tell of which type it is, so
        that one is asked for after the other.
        """
        known, shown = target.known, list[HostKey]()
        while transport := self._started(target, shown, deadline):
            key = transport.get_remote_server_key()
            shown.append(HostKey(key.get_name(), key.asbytes()))
            if known.accepts(shown[-1]):
                transport.set_keepalive(_KEEPALIVE)
                return transport
            _end(transport)
            if not known.fingerprints:
                break
        raise known.refusal(shown)

    def _started(self, target: Target, shown: Sequence[HostKey], deadline: Deadline) -> paramiko.Transport | None:
        """Begin to talk to a server; None if it has no key of another type than those that it has shown."""
        algorithms = _algorithms(target.known.kinds, {key.kind for key in shown})
        if not algorithms:
            return None
        seconds = deadline.left(self._timeout)
        transport = OneServiceTransport(_Line(self._dialled(target.server, deadline), self._timeout))
        options = transport.get_security_options()
        options.ciphers = (*_FAST_CIPHERS, *(name for name in options.ciphers if name not in _FAST_CIPHERS))
        options.key_types = algorithms
        transport.banner_timeout = transport.handshake_timeout = seconds
        try:
            transport.start_client(timeout=seconds)
            transport.get_remote_server_key()
        except paramiko.IncompatiblePeer as error:
            _end(transport)
            if shown:
                return None
            raise DeliveryError("the server offers only algorithms that are no longer safe; it needs others") from error
        except Exception as error:
            # What failed in the connection's thread comes out here, whatever it is.
            _end(transport)
            deadline.left()
            raise _not_started(error, seconds) from error
        return transport

    def _dialled(self, server: Server, deadline: Deadline) -> "socket.socket | paramiko.Channel":
        seconds = deadline.left(self._timeout)
        if self._transports:
            return _forwarded(self._transports[-1], server, seconds)
        try:
            line = dial(server.host, server.port, self._timeout, deadline, partial(_reached, server.port))
        except (OSError, UnicodeError) as error:
            deadline.left()
            raise _unreachable(error, seconds) from error
        # What is asked of the server must not wait until it has confirmed what was asked before.
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line


class Subsystem:
    """What a subsystem is spoken to over; like a socket, it raises no errors but those of the system."""

    def __init__(self, channel: paramiko.Channel) -> None:
        """Speak over a channel that is open."""
        self._channel = channel
        self.recv = channel.recv
        self.settimeout = channel.settimeout

    def send(self, data: bytes) -> int:
        """Send at least a beginning; give how much that was, 0 at the end."""
        try:
            return int(self._channel.send(data))
        except paramiko.SSHException as error:
            raise ConnectionAbortedError("no new keys could be agreed on") from error


class _Line:
    """What a connection runs over. Paramiko waits for ever until it can send; here that has an end."""

    def __init__(self, under: "socket.socket | paramiko.Channel", patience: float) -> None:
        self._under = under
        self._patience = patience
        self._stuck: float | None = None
        self.settimeout = under.settimeout
        self.recv = under.recv

    @property
    def _closed(self) -> bool:
        return bool(self._under._closed)  # type: ignore[union-attr]  # noqa: SLF001 - paramiko asks every line for it

    def send(self, data: bytes) -> int:
        try:
            count = self._under.send(data)
        except TimeoutError:
            # Paramiko tries again after each of its short time-outs.
            self._stuck = self._stuck or time.monotonic()
            if time.monotonic() - self._stuck > self._patience:
                raise ConnectionAbortedError("nothing could be sent for too long") from None
            raise
        self._stuck = None
        return count

    def close(self) -> None:
        self._under.close()


def _algorithms(known: Sequence[str], shown: set[str]) -> tuple[str, ...]:
    """Give the algorithms of keys that a server is asked for: of known types first, and none of those it showed."""
    kinds = [kind for kind in dict.fromkeys([*known, *_KINDS]) if kind in _KINDS and kind not in shown]
    return tuple(algorithm for kind in kinds for algorithm in _KINDS[kind])


def _not_started(error: Exception, seconds: float) -> DeliveryError:
    if any(said in str(error) for said in ("Indecipherable", "Invalid SSH banner", "codec can't decode")):
        return DeliveryError("what answers there is no SSH server; check host and port")
    if "timed out" in str(error) or "No existing session" in str(error):
        return PassingError(f"the server did not say within {seconds:g} s who it is; raise timeout if it needs longer")
    return PassingError("the server closed the connection before anybody logged in; it may be busy")


def _reached(port: int, address: str, seconds: float) -> socket.socket:
    return socket.create_connection((address, port), seconds)


def _unreachable(error: Exception, seconds: float) -> DeliveryError:
    match error:
        case UnicodeError():
            return DeliveryError("the name of the host cannot be; check it")
        case socket.gaierror():
            return PassingError("there is no such host; check its name and the network")
        case SlowNamesError():
            return PassingError(f"{error}; check the network's name service")
        case TimeoutError():
            return PassingError(f"the server did not answer within {seconds:g} s; check host and port")
        case ConnectionRefusedError():
            return PassingError("the server refuses the connection; check host and port, and whether it runs")
    return PassingError("the server cannot be reached; check the network")


def _forwarded(through: paramiko.Transport, server: Server, seconds: float) -> paramiko.Channel:
    try:
        return through.open_channel("direct-tcpip", (server.host, server.port), ("127.0.0.1", 0), timeout=seconds)
    except paramiko.ChannelException as error:
        if error.code == _PROHIBITED:
            raise DeliveryError(
                "the server of jump does not forward connections there; ask its operator for it"
            ) from error
        raise PassingError("the server of jump cannot reach the one behind it; check host and port") from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise PassingError("the connection to the server of jump broke off") from error


def _end(transport: paramiko.Transport) -> None:
    # The timer of a handshake that failed would otherwise keep the process.
    transport.packetizer.complete_handshake()
    transport.close()
    transport.sock.close()
    if transport.is_alive():
        transport.join(_ENDING)
