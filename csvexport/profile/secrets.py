"""Secrets: the profile holds references to them, and they are looked up only when they are needed."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from csvexport.errors import ProfileError
from csvexport.profile.wording import ProfileValueError

REFERENCE = r"(?:env:[A-Za-z_][A-Za-z0-9_]*|file:[^\u0000-\u001f\u007f]+)"


@dataclass(frozen=True, slots=True)
class Secret:
    """A reference to a secret; never the secret itself, so that nothing printed can show it.

    Attributes:
        reference: `env:NAME`, an environment variable, or `file:PATH`, a file's text.

    Raises:
        ProfileValueError: the text is no reference; the message does not repeat it, since it may be the secret.
    """

    reference: str

    def __post_init__(self) -> None:
        """Refuse what is no reference."""
        if not re.fullmatch(REFERENCE, self.reference):
            raise ProfileValueError("write env:NAME or file:PATH, not the secret itself")

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
        return self._variable(name) if scheme == "env" else self._file(folder, name)

    def _variable(self, name: str) -> str:
        secret = os.environ.get(name, "")
        if not secret:
            state = "empty" if name in os.environ else "not set"
            raise self._problem(f"the environment variable {name} is {state}")
        return secret

    def _file(self, folder: Path, name: str) -> str:
        try:
            with (folder / Path(name).expanduser()).open("rb") as file:
                if os.name == "posix" and os.fstat(file.fileno()).st_mode & stat.S_IROTH:
                    raise self._problem(f"every user of this machine can read the file; run chmod 600 {name}")
                # Notepad puts a byte order mark before the text.
                text = file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            # Not chained: the error would carry the bytes.
            raise self._problem("the file is not UTF-8 text") from None
        except (OSError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise self._problem(f"the file cannot be read: {reason}") from error
        secret = re.sub(r"\r?\n\Z", "", text)
        if not secret:
            raise self._problem("the file is empty")
        return secret

    def _problem(self, text: str) -> ProfileError:
        return ProfileError([f"{self.reference}: {text}"])
