"""What messages, manifests and reports call a source."""


def label_of(name: str) -> str:
    r"""Give the name of a file as text that can be encoded and printed, and that tells it from others.

    A byte that is no text in the file system's encoding, which Python keeps as half of a character, and a character
    that a terminal would obey instead of showing it are written as `\xe4` and the like.
    """
    if name.isprintable():
        return name
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in name)


def _escaped(letter: str) -> str:
    number = ord(letter)
    # Half of a character that stands for a byte: see PEP 383.
    if 0xDC80 <= number <= 0xDCFF:  # noqa: PLR2004 - the range of PEP 383
        number -= 0xDC00
    return letter.encode("ascii", "backslashreplace").decode() if number > 0xFF else f"\\x{number:02x}"  # noqa: PLR2004 - two digits
