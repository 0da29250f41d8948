"""How servers are asked for exports: with which credentials, trusting whom, and within which limits."""

import base64
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from csvexport.errors import ProfileError, SourceError
from csvexport.profile import ExportSettings, Secret


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """How servers are asked. What is printed of it shows nothing.

    Attributes:
        headers: sent to the servers that the profile names, those that log in among them.
        keys: the profile's keys that log in, as a message names them; empty without any.
        ca: a PEM file with certificates that are trusted beside the system's.
        timeout: seconds for which a server may be silent.
        max_bytes: what is fetched, and what it unpacks to, must not be larger.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    keys: str = ""
    ca: Path | None = None
    timeout: float = 60.0
    max_bytes: int = 4096 << 20

    @classmethod
    def of(cls, settings: ExportSettings, folder: Path) -> "Access":
        """Look the secrets up.

        Args:
            settings: the profile's.
            folder: the profile's; paths of secrets and certificates are relative to it.

        Raises:
            ProfileError: a secret is not where the profile says, or cannot be sent.
        """
        headers = {name: _header(secret, folder) for name, secret in settings.headers.items()}
        keys = ["source.headers"] if headers else []
        if settings.username is not None or settings.password is not None:
            if "authorization" in map(str.lower, headers):
                raise ProfileError(
                    ["source.headers: has Authorization, which source.username makes; take out one of them"]
                )
            headers["Authorization"] = _basic(settings, folder)
            keys.insert(0, "source.username and source.password")
        ca = folder / Path(settings.ca).expanduser() if settings.ca is not None else None
        return cls(headers, ", ".join(keys), ca, settings.timeout, settings.max_megabytes << 20)


def _header(secret: Secret, folder: Path) -> str:
    text = secret.resolve(folder)
    if not re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", text):
        raise ProfileError(
            [f"{secret}: cannot be sent in a header; it must be ASCII, on one line, without blanks around it"]
        )
    return text


def _basic(settings: ExportSettings, folder: Path) -> str:
    """Make the header of Basic authentication (RFC 7617)."""
    user = settings.username or ""
    name = user.resolve(folder) if isinstance(user, Secret) else user
    password = settings.password.resolve(folder) if settings.password is not None else ""
    if ":" in name:
        raise ProfileError(["source.username: has a colon, which ends the name in HTTP Basic authentication"])
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode(errors='surrogateescape')).decode()}"


def trust(ca: Path | None) -> ssl.SSLContext:
    """Trust whom the system trusts, and the file's certificates."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not _system_trusts_someone(context):
        import certifi  # noqa: PLC0415 - few systems need it

        context.load_verify_locations(certifi.where())
    if ca is not None:
        try:
            context.load_verify_locations(ca)
        except ssl.SSLError as error:
            raise SourceError(
                f"source.ca: {ca} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"
            ) from error
        except OSError as error:
            raise SourceError(f"source.ca: {ca} cannot be read: {error.strerror}") from error
    return context


def _system_trusts_someone(context: ssl.SSLContext) -> bool:
    """Whether the system has a store of certificates; those of a folder are loaded when they are needed."""
    folder = ssl.get_default_verify_paths().capath
    return bool(context.cert_store_stats()["x509_ca"] or (folder and any(Path(folder).iterdir())))
