"""What `csvexport init` asks in a terminal; an answer that makes no sense is asked for again."""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from csvexport.findings import Findings, Status
from csvexport.inspection.starter import DEFAULT_ZONE, EVERY_ROW, MOST_STATUSES, PAID, Choices, default_target
from csvexport.masking import masked
from csvexport.profile.readers import read_target, read_timezone
from csvexport.screen import ask, say

_Answer = TypeVar("_Answer")

NONE = "none"


def choices(findings: Findings, timezone: str | None) -> Choices:
    """Ask what stands in the profile.

    Args:
        findings: what the export holds.
        timezone: the zone if the command line names it, which is not asked for then.
    """
    zone = timezone or _asked("Time zone of the export's times", DEFAULT_ZONE, read_timezone)
    if not findings.statuses:
        target = _asked("Target of the goal that every row with an identifier reaches", EVERY_ROW, read_target)
        return Choices(zone, is_certain=True, targets={}, every_row=target)
    return Choices(zone, is_certain=True, targets=_targets(_statuses(findings)))


def _statuses(findings: Findings) -> list[Status]:
    """Ask which statuses mean a conversion."""
    offered = findings.statuses[:MOST_STATUSES]
    say(f'Which texts of "{masked(findings.status or "")}" mean a conversion?')
    for number, status in enumerate(offered, 1):
        say(f"{number:4}  {masked(status.text)}  ({status.rows:,})")
    likely = ",".join(str(number) for number, status in enumerate(offered, 1) if status.is_paid)
    numbers = _asked(
        f"Their numbers, such as 1,3 or 2-4, or {NONE}", likely or NONE, lambda text: read_numbers(text, len(offered))
    )
    return [offered[number - 1] for number in numbers]


def _targets(statuses: list[Status]) -> Mapping[str, str]:
    """Ask for the goal of each status."""
    if statuses:
        say("Targets are the event identifiers of the counter's JavaScript-event goals.")
    return {
        status.text: _asked(f'Target of "{masked(status.text)}"', _default(status), read_target) for status in statuses
    }


def _default(status: Status) -> str:
    return PAID if status.is_paid else default_target(status)


def read_numbers(text: str, last: int) -> list[int]:
    """Read an answer such as `1,3-5`.

    Args:
        text: the answer; "none" means that there are none.
        last: the largest number that there is.

    Raises:
        ValueError: this is no such list, or a number is not there.
    """
    if text.strip().casefold() == NONE:
        return []
    found: dict[int, None] = {}
    for part in re.split(r"[,;\s]+", text.strip(" ,;")):
        span = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", part)
        if not span:
            raise ValueError(f"write numbers from 1 to {last}, such as 1,3 or 2-4, or {NONE}")
        first, end = int(span[1]), int(span[2] or span[1])
        if not 1 <= first <= end <= last:
            raise ValueError(f"there is no {part}; the numbers are 1 to {last}")
        found.update(dict.fromkeys(range(first, end + 1)))
    return list(found)


def _asked(question: str, default: str, read: Callable[[str], _Answer]) -> _Answer:
    while True:
        answer = ask(question, default)
        try:
            return read(answer)
        except ValueError as error:
            say(f"  {error}")
