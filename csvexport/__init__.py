"""CRM exports in, the files that Yandex Metrica and Yandex Direct accept as offline conversions out.

`from csvexport import Profile, convert, read_source` is the library; `csvexport --help` shows the commands.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from csvexport.library import Conversions, convert, read_source
    from csvexport.profile import Profile

__all__ = ["Conversions", "Profile", "convert", "read_source"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any of the names above
    """Import the library when it is asked for, so that the command line need not wait for pandas."""
    if name == "Profile":
        from csvexport.profile import Profile  # noqa: PLC0415 - see above

        return Profile
    if name in __all__:
        from csvexport import library  # noqa: PLC0415 - see above

        return getattr(library, name)
    raise AttributeError(f"module 'csvexport' has no attribute '{name}'")
