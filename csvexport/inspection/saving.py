"""Where the starter profile goes: written whole or not at all, and never over another."""

import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from csvexport.durable import sync_folder
from csvexport.errors import OutputError, UsageError
from csvexport.inspection.looking import Login
from csvexport.profile import Secret
from csvexport.profile.addresses import is_address
from csvexport.profile.paths import expanded
from csvexport.sources.packed import STDIN


def refuse_target(path: Path, *, force: bool) -> None:
    """See that a profile may be written there.

    Raises:
        UsageError: there is one, or a folder, or no folder to put it in.
    """
    if path.is_dir():
        raise UsageError(f"--to: {path} is a folder; name the file in it, such as {path / 'profile.toml'}")
    if not path.parent.is_dir():
        raise UsageError(f"--to: there is no folder {path.parent}; make it first")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already; name another file with --to, or write over it with --force")


def save(path: Path, text: str) -> None:
    """Write the profile.

    Raises:
        OutputError: it cannot be written; nothing was left behind.
    """
    temporary = None
    try:
        with NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        # A temporary file is its owner's only; the profile is read like any other file.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()
        said = f"{path}: the profile cannot be written: {error.strerror}; nothing was left behind"
        raise OutputError(said) from error


def _refuse_nearness(export: Path, profile: Path) -> None:
    if export.is_dir() and profile.parent.resolve() == export.resolve():
        raise UsageError(f"--to: {profile} would lie among the exports and be read as one; name another folder")
    if profile.exists() and export.exists() and profile.samefile(export):
        raise UsageError(f"--to: {profile} is the export; name another file")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def login_in_profile(login: Login, profile: Path) -> Login:
    """Write a login as the profile names it: files of secrets relative to the profile."""
    name = _moved(login.username, profile) if isinstance(login.username, Secret) else login.username
    return Login(name, None if login.password is None else _moved(login.password, profile))


def _moved(secret: Secret, profile: Path) -> Secret:
    scheme, _, name = secret.reference.partition(":")
    is_relative = scheme == "file" and not expanded(name).is_absolute()
    return Secret(f"file:{path_in_profile(name, profile)}") if is_relative else secret


def path_in_profile(export: str, profile: Path) -> str:
    """Write an export as `source.path` names it: relative to the profile, with forward slashes.

    Raises:
        UsageError: the path holds bytes that are no text, so that no profile can name it; or the profile would take
            the export's place, or lie in the folder of the exports and be read as one.
    """
    if export == STDIN or is_address(export):
        return export
    _refuse_nearness(Path(export), profile)
    try:
        path = os.path.relpath(export, profile.parent)
    except ValueError:
        # On Windows, another drive.
        path = str(Path(export).absolute())
    try:
        path.encode()
    except UnicodeEncodeError:
        raise UsageError("the export's path holds bytes that are no text; rename it") from None
    path = Path(path).as_posix()
    # A tilde at the beginning would stand for somebody's home.
    return f"./{path}" if path.startswith("~") else path
