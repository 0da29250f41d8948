"""By what Yandex can find the clients of orders and contacts, and what would let it find more of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from csvexport.report.wording import counted, share
from csvexport.summary import MatchQuality, Summary


@dataclass(frozen=True, slots=True)
class Part:
    """The records whose clients can be found in one way.

    Attributes:
        by: the way, in words.
        quality: what Yandex calls it; empty where they cannot be found.
        records: how many.
        colour: of its part of the bar, as in charts.
        x: percent of the bar to where the part begins.
        width: percent of the bar.
    """

    by: str
    quality: str
    records: int
    colour: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Matching:
    """How the clients of one kind can be found.

    Attributes:
        kind: `orders` or `contacts`.
        records: all of them.
        parts: those that are not empty, the best first; each record is in one of them.
        advice: what to do about it; may be empty.
    """

    kind: str
    records: int
    parts: tuple[Part, ...]
    advice: tuple[str, ...]


def matchings(summary: Summary) -> list[Matching]:
    """The kinds that have records whose clients are to be found."""
    return [_matching(kind, quality) for kind, quality in summary.matching.items() if quality.records]


def _matching(kind: str, quality: MatchQuality) -> Matching:
    return Matching(kind, quality.records, tuple(_parts(kind, quality)), tuple(_advice(quality)))


def _parts(kind: str, quality: MatchQuality) -> Iterator[Part]:
    named = "ClientID or user id" if kind == "contacts" else "ClientID"
    neither = quality.records - quality.client_id - quality.contact + quality.both
    ways = (
        (f"{named}, and phone or e-mail", "maximum", quality.both, 2),
        (f"{named} alone", "good", quality.client_id - quality.both, 0),
        ("phone or e-mail alone", "medium", quality.contact - quality.both, 1),
        ("neither", "", neither, 6),
    )
    x = 0.0
    for by, word, records, colour in ways:
        if records:
            width = 100 * records / quality.records
            yield Part(by, word, records, colour, round(x, 3), round(width, 3))
            x += width


def _advice(quality: MatchQuality) -> Iterator[str]:
    """Say what is missing from more than half of the records, and what is too old to join a visit."""
    if 2 * quality.client_id < quality.records:
        yield (
            "Fewer than half have a ClientID: let the site's forms pass it to the CRM (Metrica's `getClientID` gives"
            " it) and name its column in `client_ids`."
        )
    if 2 * quality.contact < quality.records:
        yield (
            "Fewer than half have a phone or an e-mail: name the columns of both in `phones` and `emails`, all that the"
            " CRM has, so that Yandex also finds clients who came back with another browser."
        )
    if quality.old:
        is_one = quality.old == 1
        yield (
            f"{counted(quality.old, 'order')} ({share(quality.old, quality.records)}) {'is' if is_one else 'are'} older"
            f" than 21 days: {'it joins' if is_one else 'they join'} no new visit, and only"
            f" {'corrects' if is_one else 'correct'} what was sent before."
        )
