"""Readers of single values of the profile: each takes what TOML gave and returns what the model holds.

A value that cannot be raises `ProfileValueError`.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Literal, Self, TypeVar, get_args
from zoneinfo import available_timezones

from csvexport.profile.addresses import is_address, read_address, shown_address
from csvexport.profile.patterns import Pattern
from csvexport.profile.secrets import FORMS, REFERENCE, SCHEMES, Secret
from csvexport.profile.wording import ProfileValueError, kind, listed, shown, suggestion, written

T = TypeVar("T")

COUNTRY = r"[A-Z]{2}"
CURRENCY = r"[A-Z]{3}"

# What a request says of itself and of what it asks for; the rest is the profile's to say.
_OWN_HEADERS = """
host connection content-length transfer-encoding te trailer upgrade expect range if-range if-match if-none-match
if-modified-since if-unmodified-since accept-encoding proxy-authorization
"""

# What people write for a currency and ISO 4217 does not.
CURRENCY_HABITS = {"RUR": "RUB", "₽": "RUB", "РУБ": "RUB", "BYR": "BYN", "$": "USD", "€": "EUR", "₸": "KZT"}

# What people write for a country and ISO 3166-1 does not.
COUNTRY_HABITS = {"UK": "GB", "РФ": "RU", "РОССИЯ": "RU", "+7": "RU"}

# The whole part of the largest price, as Metrica's column of millionths holds it.
LARGEST_PRICE = 9_223_372_036_854
PRICE_DECIMALS = 6

LONGEST_TARGET = 255

# White space and what ends or quotes a cell of the file; then control characters and invisible ones, which a copied
# name brings along.
_NO_TARGET = r"\s,;\"'\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff"
TARGET = rf"[^{_NO_TARGET}]{{1,{LONGEST_TARGET}}}"

Encoding = Literal["utf-8", "cp1251", "utf-16", "koi8-r", "cp866"]
Decimals = Literal[",", "."]

_ENCODING_SPELLINGS: dict[Encoding, str] = {
    "utf-8": "utf[-_ ]?8([-_ ]?(sig|bom))?",
    "cp1251": "(cp|win|windows)?[-_ ]?1251",
    "utf-16": "utf[-_ ]?16[-_ ]?(le|be)?",
    "koi8-r": "koi8[-_ ]?r?",
    "cp866": "(cp|ibm|dos)?[-_ ]?866",
}


def in_any_case(pattern: str) -> str:
    """Spell the case of letters out, since the JSON Schema shares the patterns and has no flags."""
    return re.sub("[a-z]", lambda letter: f"[{letter[0]}{letter[0].upper()}]", pattern)


ENCODINGS = {name: in_any_case(pattern) for name, pattern in _ENCODING_SPELLINGS.items()}

HEADER = rf"(?!(?:{'|'.join(map(in_any_case, _OWN_HEADERS.split()))})$)[!#$%&'*+.^_`|~0-9A-Za-z-]+"

# A day; what is silent for longer does not answer.
LONGEST_TIMEOUT = 86400

# A week: a delivery that takes longer was overtaken by several others.
LONGEST_DELIVERY = 604800
MOST_ATTEMPTS = 100

MODE = "[0-7]{3,4}"

# SHA-256 in Base64, without the padding.
FINGERPRINT = r"SHA256:[A-Za-z0-9+/]{43}"

# What a profile can make.
Kind = Literal["conversions", "calls", "orders", "contacts", "deals"]
KINDS: tuple[Kind, ...] = get_args(Kind)

LONGEST_NAME = 64
NAME = rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{LONGEST_NAME - 1}}}"

# Names joined by dots.
RECORDS = r"[^.]*[^.\s][^.]*(?:\.[^.]*[^.\s][^.]*)*"

# Those of strptime, without the ones that depend on the machine (%c %x %X %Z) and those that count weeks.
TIME_DIRECTIVES = frozenset("aAbBdfHIjmMpSyYz%")


def read_text(value: object) -> str:
    """Read a text that is not blank."""
    if not isinstance(value, str):
        raise ProfileValueError(f"must be a text in quotes, not {shown(value)}")
    if not value.strip():
        raise ProfileValueError("must not be empty")
    return value


class CellText(str):
    """A text as cells are compared with it: trimmed, and case folded.

    Attributes:
        written: as the profile has it.
    """

    __slots__ = ("written",)
    written: str

    def __new__(cls, written: str) -> Self:
        """Fold a text."""
        text = super().__new__(cls, fold(written))
        text.written = written
        return text

    def __getnewargs__(self) -> tuple[str]:
        """Give what a copy is made of."""
        return (self.written,)


def fold(text: str) -> str:
    """Fold a text as cells are compared: trimmed, without regard to case."""
    return text.strip().casefold()


def read_table(value: object) -> dict[str, Any]:
    """Read a table; a message does not repeat what stands there instead, which may be a secret."""
    if not isinstance(value, dict):
        raise ProfileValueError(f"must be a table, not {kind(value)}")
    return value


def read_count(value: object) -> int:
    """Read a whole number from 1 up."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ProfileValueError(f"must be a whole number from 1 up, without quotes, not {shown(value)}")
    return value


def read_sheet(value: object) -> int | str:
    """Read the name of a sheet, or its number."""
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ProfileValueError(f"must be the sheet's name, or its number from 1 up, not {shown(value)}")
    return value


def read_flag(value: object) -> bool:
    """Read `true` or `false`."""
    if not isinstance(value, bool):
        raise ProfileValueError(f"must be true or false, without quotes, not {shown(value)}")
    return value


def read_number(value: object) -> Decimal:
    """Read a number, exactly."""
    number = value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
    if number is None or not Decimal(number).is_finite():
        raise ProfileValueError(f"must be a number, without quotes, not {shown(value)}")
    return Decimal(number)


def read_share(value: object) -> float:
    """Read a share from 0 to 1."""
    number = read_number(value)
    if not 0 <= number <= 1:
        raise ProfileValueError(f"must be a share from 0 to 1, such as 0.5, not {shown(value)}")
    return float(number)


def read_seconds(value: object, longest: int = LONGEST_TIMEOUT) -> float:
    """Read a time in seconds."""
    number = read_number(value)
    if not 1 <= number <= longest:
        raise ProfileValueError(f"must be seconds, from 1 to {longest}, not {shown(value)}")
    return float(number)


def read_time_limit(value: object) -> float:
    """Read how many seconds a delivery, or the fetching of an export, may take."""
    return read_seconds(value, LONGEST_DELIVERY)


def read_attempts(value: object) -> int:
    """Read how often something is tried."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_ATTEMPTS:
        raise ProfileValueError(f"must be a whole number from 1 to {MOST_ATTEMPTS}, without quotes, not {shown(value)}")
    return value


def read_mode(value: object) -> str:
    """Read the permissions of a file, as chmod takes them."""
    if not isinstance(value, str) or not re.fullmatch(MODE, value):
        raise ProfileValueError(f'must be three or four octal digits in quotes, such as "0640", not {shown(value)}')
    return value


def read_fingerprints(value: object) -> tuple[str, ...]:
    """Read the fingerprint of a server's key, or a list of fingerprints."""
    return _one_or_more(value, _read_fingerprint, "fingerprint")


def _read_fingerprint(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(FINGERPRINT, value):
        raise ProfileValueError(
            'must be a fingerprint as ssh-keygen -l prints it, "SHA256:" and 43 letters, digits, + and /, not '
            f"{shown(value)}"
        )
    return value


def read_kinds(value: object) -> tuple[str, ...]:
    """Read a kind of records, or a list of kinds."""
    return _one_or_more(value, one_of(KINDS), "kind")


def read_name(value: object) -> str:
    """Read a name that may become that of a file."""
    name = read_text(value)
    if not re.fullmatch(NAME, name):
        raise ProfileValueError(
            f"{shown(name)} is no name of a destination: up to {LONGEST_NAME} Latin letters, digits, dots, dashes and "
            "underscores, the first a letter, a digit or an underscore"
        )
    return name


def one_of(choices: tuple[str, ...], known: str = "must be") -> Callable[[object], str]:
    """Make the reader of a text that is one of a few."""

    def read(value: object) -> str:
        if value not in choices:
            near = suggestion(value, choices) if isinstance(value, str) else ""
            raise ProfileValueError(f"{known} {listed(choices)}, not {shown(value)}{near}")
        return str(value)

    return read


def read_encoding(value: object) -> Encoding:
    """Read the name of an encoding in any of its usual spellings."""
    text = read_text(value)
    for name, pattern in ENCODINGS.items():
        if re.fullmatch(pattern, text):
            return name
    raise ProfileValueError(f"must be {listed(ENCODINGS)}, not {shown(value)}")


def read_timezone(value: object) -> str:
    """Read the name of a zone of the IANA list, letter for letter."""
    name = read_text(value)
    zones = _zones()
    if name in zones:
        return name
    raise ProfileValueError(
        f'{shown(name)} is no IANA time zone such as "Europe/Moscow"{_zone_suggestion(name, zones)}'
    )


@cache
def _zones() -> frozenset[str]:
    """Look the zones up once: that walks the files of the whole database."""
    return frozenset(available_timezones())


def _zone_suggestion(name: str, zones: frozenset[str]) -> str:
    # The signs of Etc/GMT+3 are the opposite of what they seem, so these are never suggested.
    places = sorted(zone for zone in zones if "/" in zone and not zone.startswith("Etc/"))
    zone_of = {zone.rpartition("/")[2].casefold(): zone for zone in places} | {"msk": "Europe/Moscow", "utc": "UTC"}
    if name.casefold() in zone_of:
        return suggestion(zone_of[name.casefold()], zones)
    return suggestion(name, places, cutoff=0.8)


@cache
def _country_codes() -> dict[str, str]:
    """Give every two-letter code of ISO 3166-1, under itself and under the country's three-letter code."""
    import pycountry  # noqa: PLC0415 - slow to import; a profile that keeps the default needs none of it

    countries = [*pycountry.countries]
    return {country.alpha_2: country.alpha_2 for country in countries} | {
        country.alpha_3: country.alpha_2 for country in countries
    }


def read_country(value: object) -> str:
    """Read a country's two-letter code of ISO 3166-1, in capitals."""
    code = read_text(value)
    codes = _country_codes()
    if codes.get(code) == code:
        return code
    capitals = code.strip().upper()
    meant = codes.get(COUNTRY_HABITS.get(capitals, capitals))
    near = f" (did you mean {written(meant)}?)" if meant else ""
    raise ProfileValueError(f'{shown(code)} is no country code of ISO 3166-1 such as "RU"{near}')


@cache
def currency_codes() -> tuple[str, ...]:
    """Give every code of ISO 4217, sorted."""
    import pycountry  # noqa: PLC0415 - slow to import; a profile without currencies needs none of it

    return tuple(sorted(currency.alpha_3 for currency in pycountry.currencies))


def read_currency_code(value: object) -> str:
    """Read a currency's code of ISO 4217, in capitals."""
    code = read_text(value)
    if code in currency_codes():
        return code
    capitals = code.strip().rstrip(".").upper()
    meant = CURRENCY_HABITS.get(capitals, capitals)
    near = f" (did you mean {written(meant)}?)" if meant in currency_codes() else ""
    raise ProfileValueError(f'{shown(code)} is no currency code of ISO 4217 such as "RUB"{near}')


def read_currency_values(values: Mapping[str, str]) -> dict[str, str]:
    """Fold the source's spellings of currencies."""
    return read_meanings(values, '{ "руб." = "RUB" }')


def read_meanings(values: Mapping[str, T], example: str) -> dict[str, T]:
    """Fold what a source's cells mean as cells are compared: trimmed, without regard to case.

    Args:
        values: the source's texts, and what each means; an empty text stands for the empty cell.
        example: what such a table looks like, for the mistake that there is none.
    """
    folded: dict[str, T] = {}
    for text, meaning in values.items():
        if folded.setdefault(CellText(text), meaning) != meaning:
            raise ProfileValueError(f"{shown(text)} has two meanings; upper and lower case make no difference")
    if not folded:
        raise ProfileValueError(f"is empty; write what the column holds, such as {example}")
    return folded


def read_column(value: object) -> str:
    """Read the name of a source's column; blanks around it do not count, as in the source."""
    if not isinstance(value, str):
        raise ProfileValueError(f"must be the name of a column in quotes, not {shown(value)}")
    if not value.strip():
        raise ProfileValueError("must be the name of a column, and is empty")
    return value.strip()


def read_join_key(value: object) -> dict[str, str]:
    """Read which columns of two sources must be equal."""
    key = {read_column(own): read_column(other) for own, other in read_table(value).items()}
    if not key:
        raise ProfileValueError('is empty; write the columns that must be equal, such as { clientUniqId = "id" }')
    return key


def read_prefix(value: object) -> str:
    """Read what stands before names; it may be empty."""
    if not isinstance(value, str):
        raise ProfileValueError(f"must be a text in quotes, not {shown(value)}")
    return value


def read_records(value: object) -> str:
    """Read the names on the way to a list of records, joined by dots."""
    path = read_text(value)
    if not re.fullmatch(RECORDS, path):
        raise ProfileValueError(f'must be names joined by dots, such as "result.items", not {shown(value)}')
    return path


def read_columns(value: object) -> tuple[str, ...]:
    """Read the name of a column, or a list of such names."""
    return _one_or_more(value, read_column, "column")


def read_paths(value: object) -> tuple[str, ...]:
    """Read the path of a local file or the address of a remote one, or a list of those."""
    return _one_or_more(value, _read_path, "path")


def _read_path(value: object) -> str:
    path = read_text(value)
    if is_address(path):
        return read_address(path)
    if "\0" in path:
        raise ProfileValueError(f"{shown(path)} holds a NUL, which no path can")
    return path


def _one_or_more(value: object, read: Callable[[object], T], noun: str) -> tuple[T, ...]:
    if not isinstance(value, list):
        return (read(value),)
    if not value:
        raise ProfileValueError(f"the list is empty; name at least one {noun}")
    items = tuple(read(item) for item in value)
    twice = next((item for item in items if items.count(item) > 1), None)
    if twice is not None:
        name = shown_address(twice) if isinstance(twice, str) and is_address(twice) else twice
        raise ProfileValueError(f"the list names {shown(name)} twice")
    return items


def read_secret(value: object) -> Secret:
    """Read a reference to a secret; no message repeats the value, which may be the secret."""
    return Secret(value if isinstance(value, str) else "")


def read_username(value: object) -> Secret | str:
    """Read a user's name, or a reference to it."""
    if not isinstance(value, str) or not value:
        raise ProfileValueError(f"must be a text in quotes: the name itself, {FORMS}")
    if not value.startswith(SCHEMES):
        return value
    if not re.fullmatch(REFERENCE, value):
        raise ProfileValueError(f"must be the name itself, {FORMS}")
    return Secret(value)


def read_headers(value: object) -> dict[str, Any]:
    """Read the names of headers; no message repeats one, since someone may have put the value into it."""
    table = read_table(value)
    for name in table:
        if not re.fullmatch(HEADER, name):
            raise ProfileValueError("has a name that is none of a header, or of one that every request sets by itself")
    return table


def read_file_path(value: object) -> str:
    """Read the path of a local file."""
    path = read_text(value)
    if is_address(path) or "\0" in path:
        raise ProfileValueError("must be the path of a local file")
    return path


_TARGET_IS = 'Target is the identifier of a JavaScript-event goal, such as "order_paid"'


def read_target(value: object, *, remedy: str = _TARGET_IS) -> str:
    """Read the identifier of a goal of Metrica as the file's column Target takes it ([oc])."""
    if not isinstance(value, str) or not value:
        raise ProfileValueError(f"must be a text, not {shown(value)}; {remedy}")
    bad = re.search(f"[{_NO_TARGET}]", value)
    if bad:
        raise ProfileValueError(f"{shown(value)} has {_letter_name(bad[0])}; {remedy}")
    if len(value) > LONGEST_TARGET:
        raise ProfileValueError(f"{shown(value)} is longer than {LONGEST_TARGET} characters; {remedy}")
    return value


def read_targets(value: object) -> tuple[str, ...]:
    """Read the identifier of a goal of Metrica, or a list of such identifiers."""
    return _one_or_more(value, read_target, "goal")


def _letter_name(letter: str) -> str:
    names = {" ": "a space", "\t": "a tab", ",": "a comma", ";": "a semicolon", '"': "a quote", "'": "a quote"}
    return names.get(letter) or ("white space" if letter.isspace() else "an invisible character")


def read_time_format(value: object) -> str:
    """Read a `strptime` format that fixes a whole date, or "%s": Unix seconds."""
    text = read_text(value)
    if text == "%s":
        return text
    directives = re.findall(r"%(.?)", text, re.DOTALL)
    problem = _directive_problem(directives) or _date_problem(set(directives)) or _zone_problem(text)
    if problem:
        raise ProfileValueError(
            f'{shown(text)} {problem}; a format is such as "%m/%d/%Y %H:%M", or "%s" for Unix seconds'
        )
    return text


def _directive_problem(directives: list[str]) -> str:
    for directive in directives:
        if not directive:
            return "ends in a lone %"
        if directive == "s":
            return "has %s beside other text"
        if directive == "Z":
            return "has %Z, which names no certain zone: write timezone beside the format, or %z for +03:00"
        if directive not in TIME_DIRECTIVES:
            return f"has {shown('%' + directive)[1:-1]}, which is unknown here"
        if directive != "%" and directives.count(directive) > 1:
            return f"has %{directive} twice"
    return ""


def _zone_problem(text: str) -> str:
    """Tell of a %z whose seconds, which may follow its minutes, are told from nothing else."""
    digits = re.search("%z%[dfHIjmMSyY]", text.replace("%%", " "))
    return f"has {digits[0]} with nothing between, so that no one can tell where %z ends" if digits else ""


def _date_problem(directives: set[str]) -> str:
    if not directives & {"Y", "y"}:
        return "has no year (%Y or %y)"
    if "j" not in directives and not directives & {"m", "b", "B"}:
        return "has no month (%m, %b or %B)"
    if not directives & {"d", "j"}:
        return "has no day (%d)"
    if "I" in directives and "p" not in directives:
        return "has %I, an hour to 12, without %p, AM or PM"
    return ""


def read_amount(value: object) -> Decimal:
    """Read a price that is the same for every row, exactly."""
    number = read_number(value)
    if not 0 <= number <= LARGEST_PRICE:
        raise ProfileValueError(f"must be a price from 0 to {LARGEST_PRICE:_}, not {shown(value)}")
    # Also keeps 1e-999999 from becoming a million zeros in every row.
    if number != round(number, PRICE_DECIMALS):
        raise ProfileValueError(f"must be a price with at most {PRICE_DECIMALS} decimals, not {shown(value)}")
    return number.copy_abs()


def read_cell_texts(value: object) -> tuple[CellText, ...]:
    """Read what a cell is compared with, one value or several: as text, trimmed, case folded, numbers as written."""
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ProfileValueError("the list is empty; name at least one value")
    return tuple(dict.fromkeys(_cell_text(item) for item in values))


def _cell_text(value: object) -> CellText:
    if isinstance(value, str):
        return CellText(value)
    number = isinstance(value, int) or (isinstance(value, Decimal) and value.is_finite())
    if not number:
        raise ProfileValueError(f"must be a text, a number, true or false, or a list of those, not {shown(value)}")
    return CellText(written(value))


def read_pattern(value: object) -> Pattern:
    """Read a regular expression."""
    return Pattern.read(read_text(value))
