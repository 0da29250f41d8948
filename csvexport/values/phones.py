"""Phone numbers: digits with the country code and nothing else ([md5]), as libphonenumber reads them.

A number counts when it has a possible length, of a landline or a mobile, in the country that its code names. Whether
the range has been given out is not asked: numbering plans change faster than libraries, Yandex asks for none, and the
code 000 of samples, which nobody has, must stay usable.
"""

import re
from typing import Final

from csvexport.issues import Code
from csvexport.values.cells import BLANKS, without_shell
from csvexport.values.lists import parts

SHORTEST_WHOLE: Final = 7
"""Fewer digits between blanks are a group of a number, not a number of their own."""
_LONGEST: Final = 15
"""Digits of the longest number that E.164 allows."""

_FLOAT: Final = re.compile(rf"([0-9]{{10,15}})[.,]0+(?=[{BLANKS}]*(?:[,;/|]|\Z))")
_EXTENSION: Final = re.compile(
    rf"(?<=[0-9)])[{BLANKS},;:/(-]*(?:доб(?:авочный)?|вн(?:утр(?:енний)?)?|ext(?:ension|n)?|[xх#])"
    rf"[{BLANKS}.:№#=]*[0-9]{{1,7}}(?![0-9])\)?",
    re.IGNORECASE,
)
_LAYOUT: Final = re.compile(rf"[{BLANKS}(]*+\+?[{BLANKS}0-9().\-\u2010-\u2015\u2212]*+")
# No code begins with 0, and none is 8: that is what Russians dial instead of +7, and then a plus before it by mistake.
_NO_CODE: Final = re.compile(rf"[{BLANKS}(]*\+[{BLANKS}(]*(?:0|8[^0-9])")
_NO_DIGIT: Final = re.compile(r"[^0-9]+")
_ABROAD: Final = re.compile(r"00(?=[1-9])")
_BLANKS: Final = re.compile(rf"[{BLANKS}]+")
_BEFORE_PLUS: Final = re.compile(rf"(?<![{BLANKS}])[{BLANKS}]++(?=\(?\+)")


def read_phone_cell(text: str, country: str) -> tuple[tuple[str, ...], Code]:
    """The reference: the numbers in a cell.

    Extensions are dropped. Several numbers stand between the marks of `lists.parts`, slashes or bars; blanks separate
    them only where that is the one way to read the cell. `00` stands for a plus in any country, and a number without
    either is one of `country`; letters, an exponent and text around a number are refused.

    Args:
        text: the cell. Blanks around it, a spreadsheet's leading apostrophe and its `="…"` shell do not count, nor
            does the `.0` that it writes behind a number.
        country: ISO 3166 code of the country of numbers without a country code, in capitals.

    Returns:
        The distinct numbers in their order, with `BAD_PHONE` where something else is in the cell too, also a number
        whose digits behind the country code are all the same if nobody can have it.
    """
    cell = _EXTENSION.sub("", _FLOAT.sub(r"\1", without_shell(text))).replace("/", ",").replace("|", ",")
    found = [_numbers(part.removeprefix("tel:"), country) for part in parts(cell)]
    distinct = dict.fromkeys(number for part in found for number in part)
    return tuple(distinct), Code.NONE if all(found) else Code.BAD_PHONE


def _numbers(part: str, country: str) -> tuple[str, ...]:
    """The one way to read a part, as one number or as several with blanks between them; none if there are more."""
    pluses, blanks = _BEFORE_PLUS.split(part), _BLANKS.split(part)
    splits = {(part,), tuple(pluses)}
    if all(len(_NO_DIGIT.sub("", spelling)) >= SHORTEST_WHOLE for spelling in blanks):
        splits.add(tuple(blanks))
    readings = [tuple(_number(spelling, country) for spelling in split) for split in splits]
    whole = [reading for reading in readings if all(reading)]
    return whole[0] if len(whole) == 1 else ()


def _number(spelling: str, country: str) -> str:
    number = possible_number(spelling, country)
    return "" if number and _is_filler(number) else number


def possible_number(spelling: str, country: str) -> str:
    """One number in its normal form, also a filler; the empty text where it is none that is possible."""
    if not _LAYOUT.fullmatch(spelling) or _NO_CODE.match(spelling):
        return ""
    return _normal(_NO_DIGIT.sub("", spelling), country, international="+" in spelling)


def _normal(digits: str, country: str, *, international: bool) -> str:
    from phonenumbers import country_code_for_region  # noqa: PLC0415 - slow to import, and not every build has phones

    if international:
        return _possible(f"+{digits}", country)
    if _ABROAD.match(digits):
        return _possible(f"+{digits[2:]}", country)
    number = _possible(digits, country)
    if number or not digits.startswith(str(country_code_for_region(country))):
        return number
    # The library takes a country code without a plus for one only where the range has been given out.
    return _possible(f"+{digits}", country)


def _possible(spelling: str, country: str) -> str:
    import phonenumbers  # noqa: PLC0415 - as above

    try:
        number = phonenumbers.parse(spelling, country)
    except phonenumbers.NumberParseException:
        return ""
    kind = phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE
    if phonenumbers.is_possible_number_for_type_with_reason(number, kind) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return ""
    normal = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
    return normal if len(normal) <= _LONGEST else ""


def _is_filler(normal: str) -> bool:
    """Whether it is one digit over and over, which nobody has: people write it into fields that must be filled."""
    if len(set(normal[-4:])) > 1:
        return False
    import phonenumbers  # noqa: PLC0415 - as above

    number = phonenumbers.parse(f"+{normal}")
    one_digit = len(set(phonenumbers.national_significant_number(number))) == 1
    return one_digit and not phonenumbers.is_valid_number(number)
