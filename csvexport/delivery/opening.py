"""Which destination a table of `[[deliver]]` means."""

from pathlib import Path

from csvexport.delivery import Destination
from csvexport.profile import DeliverSettings


def open_destination(settings: DeliverSettings, folder: Path) -> Destination:
    """Prepare a destination; nothing is connected yet.

    Args:
        settings: the profile's.
        folder: the profile's; paths of secrets and keys are relative to it.

    Raises:
        ProfileError: a secret, a key or a file of certificates is not where the profile says, or cannot be used.
    """
    match settings.scheme:
        case "folder":
            from csvexport.delivery.folder import FolderDestination  # noqa: PLC0415 - few runs deliver anything

            return FolderDestination(settings)
        case "sftp":
            from csvexport.delivery.sftp import SftpDestination  # noqa: PLC0415 - as above, and paramiko is slow

            return SftpDestination(settings, folder)
        case "http":
            from csvexport.delivery.put import PutDestination  # noqa: PLC0415 - as above, and httpx is slow

            return PutDestination(settings, folder)
