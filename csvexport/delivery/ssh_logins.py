"""How an SSH server is logged in to: with a key, a password, both, or what the running ssh-agent holds."""

import base64
import binascii
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import paramiko

from csvexport.errors import ProfileError
from csvexport.profile import Secret, SshLogin, private_file
from csvexport.profile.paths import expanded

_KEYS: Final[dict[str, type[paramiko.PKey]]] = {
    "ssh-ed25519": paramiko.Ed25519Key,
    "ecdsa-sha2": paramiko.ECDSAKey,
    "ssh-rsa": paramiko.RSAKey,
    "EC": paramiko.ECDSAKey,
    "RSA": paramiko.RSAKey,
}
_BEGIN: Final = re.compile(r"^-----BEGIN (?:(RSA|EC|OPENSSH|ENCRYPTED|DSA) )?PRIVATE KEY-----\s*$", re.MULTILINE)
_PUBLIC: Final = re.compile(r"^(?:ssh-|ecdsa-|sk-|---- BEGIN SSH2 PUBLIC|-----BEGIN (?:RSA |EC )?PUBLIC)")


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """Who logs in, and with what. What is printed of it shows nothing.

    Attributes:
        username: the user's name.
        password: the password, if there is one.
        key: the private key, with its certificate if it has one; None without.
    """

    username: str
    password: str | None = None
    key: paramiko.PKey | None = None

    @classmethod
    def of(cls, settings: SshLogin, folder: Path, username: str | None = None) -> "Login":
        """Look the secrets up, and read the key.

        Args:
            settings: the profile's.
            folder: the profile's; relative paths start from it.
            username: the user's name, where the address has it.

        Raises:
            ProfileError: a secret or a key is not where the profile says, or cannot be used.
        """
        user = username or settings.username or ""
        return cls(
            user.resolve(folder) if isinstance(user, Secret) else user,
            settings.password.resolve(folder) if settings.password is not None else None,
            _key(settings, folder) if settings.key is not None else None,
        )


def _key(settings: SshLogin, folder: Path) -> paramiko.PKey:
    path = folder / expanded(settings.key or "")
    private_file(path, "key")
    passphrase = settings.passphrase.resolve(folder) if settings.passphrase is not None else None
    key = _read_key(path, passphrase)
    certificate = _certificate(settings, folder, path)
    if certificate is not None:
        if certificate.exists() and not certificate.is_file():
            raise ProfileError([f"certificate: {certificate} is a folder, a device or a pipe; name a file"])
        try:
            key.load_certificate(certificate.read_text(encoding="utf-8").strip())
        except OSError as error:
            raise ProfileError([f"certificate: {certificate} cannot be read: {error.strerror}"]) from error
        except (ValueError, paramiko.SSHException, UnicodeDecodeError) as error:
            raise ProfileError([f"certificate: {certificate} is no certificate of {path}"]) from error
    return key


def _certificate(settings: SshLogin, folder: Path, key: Path) -> Path | None:
    if settings.certificate is not None:
        return folder / expanded(settings.certificate)
    beside = key.with_name(f"{key.name}-cert.pub")
    return beside if beside.is_file() else None


def _read_key(path: Path, passphrase: str | None) -> paramiko.PKey:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ProfileError([f"key: {path} cannot be read: {error.strerror}"]) from error
    reader = _reader(path, text)
    try:
        return reader.from_private_key(io.StringIO(text))
    except paramiko.PasswordRequiredException:
        return _decrypted(path, text, reader, passphrase)
    except (ValueError, IndexError, paramiko.SSHException) as error:
        raise ProfileError([f"key: {path} is damaged, or in a form that is not read here; {_rewrite(path)}"]) from error


def _decrypted(path: Path, text: str, reader: type[paramiko.PKey], passphrase: str | None) -> paramiko.PKey:
    if passphrase is None:
        raise ProfileError([f"key: {path} is encrypted; name where its passphrase is found as passphrase"])
    try:
        return reader.from_private_key(io.StringIO(text), passphrase)
    except Exception as error:
        raise ProfileError([f"passphrase: does not open {path}"]) from error


def _reader(path: Path, text: str) -> type[paramiko.PKey]:
    """Tell by what it says of itself what reads a key.

    Raises:
        ProfileError: it is none that can be read; the message says what it is instead.
    """
    if text.startswith("PuTTY-User-Key-File"):
        raise ProfileError([f"key: {path} is a key of PuTTY; have puttygen export it as an OpenSSH key"])
    if _PUBLIC.match(text):
        raise ProfileError([f"key: {path} is the public key; name the private one, which has no .pub at its end"])
    begin = _BEGIN.search(text)
    if not begin:
        raise ProfileError([f"key: {path} is no private key of SSH"])
    kind = _kind(text[begin.end() :]) if begin[1] == "OPENSSH" else begin[1]
    if kind is not None and kind.startswith("sk-"):
        raise ProfileError([f"key: {path} is held by a security token, which needs somebody to touch it; use another"])
    if kind not in _KEYS:
        raise ProfileError([f"key: {path} has a form that is not read here; {_rewrite(path)}"])
    return _KEYS[kind]


def _kind(text: str) -> str | None:
    """Tell the type of a key in OpenSSH's format, where it stands unencrypted before the key."""
    try:
        data = base64.b64decode(text.partition("-----END")[0])
    except binascii.Error:
        return None
    found = re.search(rb"ssh-ed25519|ssh-rsa|ecdsa-sha2|sk-(?:ssh|ecdsa)", data)
    return found[0].decode() if found else None


def _rewrite(path: Path) -> str:
    return f"ssh-keygen -p -f {path} rewrites it"
