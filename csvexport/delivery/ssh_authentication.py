"""Logging in to an SSH server by all that there is: it may want a key and a password, in an order of its own."""

import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import paramiko
from paramiko.auth_handler import AuthOnlyHandler

from csvexport.delivery import PassingError
from csvexport.delivery.ssh_logins import Login
from csvexport.errors import DeliveryError
from csvexport.masking import printable

_INTERACTIVE: Final = "keyboard-interactive"

# RFC 4253, section 12, and RFC 4252, section 6.
_SERVICE_REQUEST, _USERAUTH_REQUEST = b"\x05", b"\x32"

_PAUSE: Final = 0.01

# How much of what a server says of itself is shown.
_SHOWN: Final = 200


class OneServiceTransport(paramiko.ServiceRequestingTransport):  # type: ignore[misc]
    """A connection that asks for the login service once.

    Paramiko's usual one asks again before each try, upon which some servers hang up (asyncssh, and those written with
    Go's library). The one that this is made from asks once, but waits for the answer for ever.
    """

    def ensure_session(self) -> None:
        """Ask for the login service, unless that was done.

        Raises:
            AuthenticationException: the server does not answer.
        """
        if self._service_userauth_accepted:
            return
        message = paramiko.Message()
        message.add_byte(_SERVICE_REQUEST)
        message.add_string("ssh-userauth")
        self._send_message(message)
        end = time.monotonic() + self.auth_timeout
        while not self._service_userauth_accepted:
            if not self.is_active():
                raise paramiko.AuthenticationException("closed")
            if time.monotonic() > end:
                raise paramiko.AuthenticationException("timeout")
            time.sleep(_PAUSE)
        self.auth_handler = _Handler(self)


class _Handler(AuthOnlyHandler):  # type: ignore[misc]
    """Waits for an answer from before it can come; paramiko's may begin after it has, and miss it."""

    def send_auth_request(
        self, username: str, method: str, finish_message: Callable[[paramiko.Message], None]
    ) -> list[str]:
        """Try to log in; give what the server wants besides."""
        self.auth_method, self.username = method, username
        self.auth_event = answered = threading.Event()
        message = paramiko.Message()
        message.add_byte(_USERAUTH_REQUEST)
        for text in (username, "ssh-connection", method):
            message.add_string(text)
        finish_message(message)
        with self.transport.lock:
            self.transport._send_message(message)  # noqa: SLF001 - as the method does that this one replaces
        further: list[str] = self.wait_for_response(answered)
        return further


def log_in(transport: paramiko.Transport, login: Login, seconds: float) -> None:
    """Log in.

    Args:
        transport: a connection on which nobody is logged in.
        login: who logs in, and with what; with neither key nor password the keys of ssh-agent are tried.
        seconds: how long the server may take for an answer.

    Raises:
        PassingError: the connection broke off, or the server did not answer.
        DeliveryError: the server refuses.
    """
    transport.auth_timeout = seconds
    agent = None if login.key or login.password is not None else _agent(seconds)
    try:
        _Entrance(transport, login, agent).pass_through()
    finally:
        if agent is not None:
            agent.close()


class _Agent(paramiko.Agent):  # type: ignore[misc]
    """The user's ssh-agent; paramiko's leaves the line to one open that does not answer."""

    def __init__(self) -> None:
        try:
            super().__init__()
        except BaseException:
            self.close()
            raise


def _agent(seconds: float) -> paramiko.Agent:
    """Ask ssh-agent for its keys; one that waits for a person is not waited for longer than a server."""
    usual = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        return _Agent()
    except Exception as error:
        raise DeliveryError(
            "ssh-agent (SSH_AUTH_SOCK) does not answer as it should; restart it, or name a key or a password"
        ) from error
    finally:
        socket.setdefaulttimeout(usual)


class _Entrance:
    """The ways in that a login has, and what became of them."""

    def __init__(self, transport: paramiko.Transport, login: Login, agent: paramiko.Agent | None) -> None:
        self._transport = transport
        self._login = login
        self._refused: dict[str, None] = {}
        self._offered: list[str] = []
        keys = agent.get_keys() if agent is not None else [login.key] if login.key else []
        name = "a key of ssh-agent" if agent is not None else "key"
        self._ways: list[tuple[str, Callable[[], list[str]]]] = [
            (name, partial(transport.auth_publickey, login.username, key)) for key in keys
        ]
        if login.password is not None:
            self._ways.append(("password", self._by_password))

    def pass_through(self) -> None:
        if not self._ways:
            raise DeliveryError(
                "nothing is there to log in with: name a key or a password, or run ssh-agent with a key (SSH_AUTH_SOCK)"
            )
        while True:
            for way in self._ways:
                further = self._tried(*way)
                if further is not None:
                    break
            else:
                raise self._refusal()
            if not further:
                return
            # What was refused may be wanted now.
            self._offered = further
            self._ways.remove(way)

    def _tried(self, name: str, way: Callable[[], list[str]]) -> list[str] | None:
        """Try one way; give what the server wants besides, which is nothing when it lets in; None if it refuses."""
        try:
            return way()
        except paramiko.BadAuthenticationType as error:
            self._offered = error.allowed_types
        except paramiko.AuthenticationException as error:
            if "timeout" in str(error):
                raise PassingError(
                    "the server did not answer the login in time; raise timeout if it needs longer"
                ) from error
            if not self._transport.is_active():
                raise self._lost() from error
        except TimeoutError as error:
            raise DeliveryError(f"{name} was not used in time; unlock it there, or name another") from error
        except Exception as error:
            # What failed in the connection's thread comes out here, whatever it is.
            raise self._lost() from error
        self._refused[name] = None
        return None

    def _lost(self) -> DeliveryError:
        if self._refused:
            return self._refusal()
        return PassingError("the server closed the connection while it was logged in to; it may be busy")

    def _by_password(self) -> list[str]:
        """Tell the password, as such or in answer to the question for it."""
        user, password = self._login.username, self._login.password
        further: list[str]
        try:
            further = self._transport.auth_password(user, password, fallback=False)
        except paramiko.BadAuthenticationType as error:
            if _INTERACTIVE not in error.allowed_types:
                raise
            further = self._transport.auth_interactive(
                user, lambda _title, _text, questions: ["" if is_shown else password for _, is_shown in questions]
            )
        return further

    def _refusal(self) -> DeliveryError:
        offered = f"; it takes {printable(', '.join(self._offered))[:_SHOWN]}" if self._offered else ""
        tried = " and ".join(self._refused)
        return DeliveryError(f"the server refuses the login by {tried}{offered}; check username and {tried}")
