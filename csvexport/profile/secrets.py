"""Secrets: the profile holds references to them, and they are looked up only when they are needed."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from csvexport.errors import ProfileError
from csvexport.profile.regular import IrregularError, refuse_irregular, regular_bytes
from csvexport.profile.wording import ProfileValueError

REFERENCE: Final = (
    r"(?:env:[A-Za-z_][A-Za-z0-9_]*|file:[^\u0000-\u001f\u007f]+|credential:[A-Za-z0-9_][A-Za-z0-9_.-]{0,254})"
)

# How a reference begins.
SCHEMES: Final = ("env:", "file:", "credential:")

# How messages tell the forms of a reference.
FORMS: Final = "env:NAME, file:PATH or credential:NAME"

LARGEST: Final = 1 << 16
"""The bytes of a file that holds a secret; tokens are shorter."""

_CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"


@dataclass(frozen=True, slots=True)
class Secret:
    """A reference to a secret; never the secret itself, so that nothing printed can show it.

    Attributes:
        reference: `env:NAME`, an environment variable; `file:PATH`, a file's text; or `credential:NAME`, what systemd
            gives a service by this name.

    Raises:
        ProfileValueError: the text is no reference; the message does not repeat it, since it may be the secret.
    """

    reference: str

    def __post_init__(self) -> None:
        """Refuse what is no reference."""
        if not re.fullmatch(REFERENCE, self.reference):
            raise ProfileValueError(f"write {FORMS}, not the secret itself")

    def __str__(self) -> str:
        """Write the reference."""
        return self.reference

    def resolve(self, folder: Path) -> str:
        """Look the secret up.

        Args:
            folder: the profile's; a relative path starts from it.

        Returns:
            The secret, without the one line end that editors put after it.

        Raises:
            ProfileError: there is none, or it is a file that everyone on the machine can read.
        """
        scheme, _, name = self.reference.partition(":")
        match scheme:
            case "env":
                return self._variable(name)
            case "credential":
                return self._file(self._credentials(), name)
        return self._file(folder, name)

    def _variable(self, name: str) -> str:
        secret = os.environ.get(name, "")
        if not secret:
            state = "empty" if name in os.environ else "not set"
            raise self._problem(f"the environment variable {name} is {state}")
        return secret

    def _credentials(self) -> Path:
        folder = os.environ.get(_CREDENTIALS, "")
        if not folder:
            raise self._problem(
                f"systemd gives credentials to services alone, and {_CREDENTIALS} is not set; csvexport schedule --as "
                "systemd prints a service that has them"
            )
        return Path(folder)

    def _file(self, folder: Path, name: str) -> str:
        try:
            path = folder / Path(name).expanduser()
            if os.name == "posix" and path.stat().st_mode & stat.S_IROTH:
                raise self._problem(f"every user of this machine can read the file; run chmod 600 {name}")
            content = regular_bytes(path, LARGEST)
        except IrregularError as error:
            raise self._problem(str(error)) from None
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise self._problem(f"the file cannot be read: {reason}") from error
        if content is None:
            raise self._problem(f"the file is larger than {LARGEST:,} bytes; a secret is a line of text")
        try:
            # Notepad puts a byte order mark before the text.
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            # Not chained: the error would carry the bytes.
            raise self._problem("the file is not UTF-8 text") from None
        secret = re.sub(r"\r?\n\Z", "", text)
        if not secret:
            raise self._problem("the file is empty")
        return secret

    def _problem(self, text: str) -> ProfileError:
        return ProfileError([f"{self.reference}: {text}"])


def private_file(path: Path, what: str) -> None:
    """See that nobody but its owner can read a file that is a secret as a whole, such as a key of SSH.

    Args:
        path: the file.
        what: what messages call it: `deliver[1].key`.

    Raises:
        ProfileError: others can read or change it, or it is not there.
    """
    try:
        found = path.stat()
        refuse_irregular(found)
    except IrregularError as error:
        raise ProfileError([f"{what}: {path}: {error}"]) from None
    except OSError as error:
        raise ProfileError([f"{what}: {path} cannot be read: {error.strerror}"]) from error
    mode = found.st_mode
    # The bits that OpenSSH looks at.
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ProfileError([f"{what}: other users of this machine can get at {path}; run chmod 600 {path}"])
