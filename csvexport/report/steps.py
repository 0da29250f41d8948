"""What to do with the files of a batch: uploaded in Metrica, sent through its API, or put where Direct fetches them.

Sentences are prose in which backticks stand around what is code.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from csvexport.formats.orders import CONVERSION_CENTER, PICKUP_LIMIT_BYTES, STATUSES
from csvexport.issues import Code
from csvexport.report.commands import Command, command_for, delimiter_of
from csvexport.report.wording import counted, joined, size
from csvexport.summary import FileFacts, Summary

# From here on the reader is told that a file may soon be refused.
NEARLY_FULL: Final = 0.8

# They stand in the templates.
_STEPS_OF_UPLOAD: Final = 5

_CENTER: Final = "Директ → Центр конверсий"
_CHANGES: Final = (
    "Yandex looks at the file's time of change; an order joins a visit within 21 days, and its status and revenue can"
    " be corrected for 90 more."
)
_DAILY: Final = f" Orders have to go at least once a day, as `csvexport schedule` sees to. {_CHANGES}"
_SOON: Final = (
    " Metrica matches a conversion or a call only if the visitor's last visit was no more than 21 days before it comes"
    " to Metrica, so deliver soon."
)
_BEFORE_CONFIRMING: Final = " Deliver before you confirm this batch: what is confirmed is not delivered any more."

# `schema` is what statuses and attributes are announced with; everything else needs it.
_ORDER_OF_REQUESTS: Final = ("schema", "calls", "orders", "contacts", "deals")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    Attributes:
        text: what.
        russian: where that is in a Russian menu; may be empty, else no full stop ends `text`.
        goals: identifiers that `text` speaks of.
        files: files that `text` speaks of.
        commands: how `text` is done.
        after: what is to be said below all these; may be empty.
    """

    text: str
    russian: str = ""
    goals: tuple[str, ...] = ()
    files: tuple[FileFacts, ...] = ()
    commands: tuple[Command, ...] = ()
    after: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """The way of some of the files to Yandex.

    Attributes:
        name: `deliver`: by csvexport itself; `upload`: by hand; `api`: by commands; `pickup`: fetched by Yandex.
        heading: what goes which way.
        files: the files.
        steps: none for `upload`, whose steps stand in the templates.
    """

    name: str
    heading: str
    files: tuple[FileFacts, ...]
    steps: tuple[Step, ...] = ()

    @property
    def length(self) -> int:
        """How many steps it has."""
        return len(self.steps) or _STEPS_OF_UPLOAD


def routes(summary: Summary) -> list[Route]:
    """The ways that the batch's files go: first what csvexport delivers, then in the order of the files."""
    files: dict[str, list[FileFacts]] = {"deliver": []}
    for file in summary.files:
        files.setdefault(_way(summary, file), []).append(file)
    return [_ROUTES[name](summary, tuple(found)) for name, found in files.items() if found]


def _way(summary: Summary, file: FileFacts) -> str:
    return "deliver" if file.kind in summary.destinations else _way_by_hand(summary, file)


def _way_by_hand(summary: Summary, file: FileFacts) -> str:
    if file.kind == "conversions":
        return "upload"
    return "pickup" if file.kind == "orders" and delimiter_of(summary, file) == CONVERSION_CENTER else "api"


def _deliver(summary: Summary, files: tuple[FileFacts, ...]) -> Route:
    kinds = list(dict.fromkeys(file.kind for file in files))
    heading = f"{joined(kinds).capitalize()}: csvexport delivers them"
    return Route("deliver", heading, files, tuple(_deliver_steps(summary, kinds, files)))


def _deliver_steps(summary: Summary, kinds: Sequence[str], files: tuple[FileFacts, ...]) -> Iterator[Step]:
    goals = tuple(label for kind in kinds for label in _goals_of(summary, kind))
    if goals:
        yield Step(_check_goals(summary, goals), goals=goals)
    going = joined([f"{kind} to {joined(list(summary.destinations[kind]))}" for kind in kinds])
    has_others = any(file.kind not in {*kinds, "schema"} for file in summary.files)
    is_fetched = any(_way_by_hand(summary, file) == "pickup" for file in files)
    yield Step(
        f"csvexport delivers {'these files' if len(files) > 1 else 'this file'}: {going}. `csvexport run PROFILE.toml`"
        " does so by itself; a batch that you built yourself goes with `csvexport send PROFILE.toml`. Do not upload by"
        f" hand as well, or all of it is sent twice.{_BEFORE_CONFIRMING if has_others else ''}",
        files=files,
    )
    if is_fetched:
        yield Step(
            "Direct fetches the orders there once it knows the place: write it at their source under Direct →"
            " Conversion Center",
            russian=_CENTER,
        )
    yield Step(
        "`csvexport history` tells what has arrived where."
        f"{_SOON if {'conversions', 'calls'} & set(kinds) else ''}{_DAILY if is_fetched else ''}"
    )


def _upload(_summary: Summary, files: tuple[FileFacts, ...]) -> Route:
    return Route("upload", "Conversions: upload them in Metrica", files)


def _pickup(summary: Summary, files: tuple[FileFacts, ...]) -> Route:
    return Route("pickup", "Orders: have Yandex Direct fetch them", files, tuple(_pickup_steps(summary, files)))


def _pickup_steps(summary: Summary, files: tuple[FileFacts, ...]) -> Iterator[Step]:
    goals = _goals_of(summary, "orders")
    if goals:
        yield Step(_check_goals(summary, goals), goals=goals)
    yield Step(
        "Put the file where Direct's Conversion Center fetches it: at the path on your FTP or SFTP server, or behind"
        " the HTTP(S) link, that is written at its source under Direct → Conversion Center",
        russian=_CENTER,
        files=files,
        after=" ".join(_nearly_full(file) for file in files if file.bytes > NEARLY_FULL * PICKUP_LIMIT_BYTES),
    )
    yield Step(
        "Never let it be there half written: copy it beside the old file under another name, then rename it over that."
        " Its place and its name always stay the same. `csvexport run` does all that by itself, where the profile has a"
        " `[[deliver]]` for it."
    )
    yield Step(f"Do so at least once a day, with a new batch. {_CHANGES}")


def _nearly_full(file: FileFacts) -> str:
    return (
        f"`{file.name}` is {size(file.bytes)} of the {PICKUP_LIMIT_BYTES // 1_000_000} MB that Yandex takes: leave old"
        " orders out with `since` under [orders] before it grows larger."
    )


def _goals_of(summary: Summary, kind: str) -> tuple[str, ...]:
    """The goals of the counter that a kind names: of orders the statuses that are none of Metrica's own."""
    if kind not in {"conversions", "orders"}:
        return ()
    labels = dict.fromkeys(day.label for day in summary.days if day.kind == kind)
    return tuple(label for label in labels if kind == "conversions" or label not in STATUSES)


def _check_goals(summary: Summary, goals: Sequence[str]) -> str:
    counter = "" if summary.counter is None else f" {summary.counter}"
    return (
        f"Check that {'this goal exists' if len(goals) == 1 else 'each of these goals exists'} in the counter{counter}"
        ' as a goal of the type "JavaScript event" whose identifier equals the name below, letter by letter:'
    )


def _api(summary: Summary, files: tuple[FileFacts, ...]) -> Route:
    kinds = [kind for kind in summary.counts if any(file.kind == kind for file in files)]
    heading = f"{joined(kinds).capitalize()}: send them through the Metrica API"
    return Route("api", heading, files, tuple(_api_steps(summary, files)))


def _api_steps(summary: Summary, files: tuple[FileFacts, ...]) -> Iterator[Step]:
    counter = "" if summary.counter is not None else " Write the counter's number for `COUNTER`."
    goals = _goals_of(summary, "orders")
    if goals and any(file.kind == "orders" for file in files):
        yield Step(_check_goals(summary, goals), goals=goals)
    yield Step(
        "Get an OAuth token with the permission `metrika:offline_data` and put it into the environment variable"
        f" `METRICA_TOKEN`. Run the commands below in the batch's folder.{counter}"
    )
    for kind in _ORDER_OF_REQUESTS:
        own = tuple(file for file in files if file.kind == kind)
        if own:
            commands = tuple(command_for(summary, file) for file in own)
            yield Step(_request(summary, kind, files), commands=commands)
    yield Step(_answers({file.kind for file in files}, summary.batch))


def _request(summary: Summary, kind: str, files: Sequence[FileFacts]) -> str:
    """Say what a request is for, and what has to come before it."""
    match kind:
        case "schema":
            return f"Tell Metrica {joined(_told(files))}: once, and again when the profile changes that."
        case "calls":
            return f"Send the calls. Metrica makes their goal by itself.{_old_calls(summary)}"
        case "contacts" if any(file.kind == "deals" for file in files):
            return "Send the contacts, before the deals: a deal joins visits made after the first upload of its client."
        case "deals" if any(file.kind == "contacts" for file in files):
            return "Send the deals as soon as the contacts have arrived."
        case "deals":
            return "Send the deals. Metrica takes no deal whose contact it does not know yet."
    return f"Send the {kind}."


def _told(files: Sequence[FileFacts]) -> list[str]:
    """What the schema files tell."""
    told = {file.name.removesuffix(".json").partition("-")[0] for file in files if file.kind == "schema"}
    words = {"order_statuses": "what the statuses mean", "attributes": "which attributes there are"}
    return [words[name] for name in words if name in told]


def _old_calls(summary: Summary) -> str:
    old = summary.counts["calls"].issues.get(Code.OUTSIDE_WINDOW, 0) if "calls" in summary.counts else 0
    said = f" {counted(old, 'call')} of this batch {'is' if old == 1 else 'are'} older and unlikely to match."
    return f" A dynamic call joins a visit within 21 days, so send soon.{said if old else ''}"


def _answers(kinds: set[str], batch: str) -> str:
    calls = "`line_quantity` of calls must be the number of rows" if "calls" in kinds else ""
    data = "`api_validation_status` must be `PASSED`" if kinds & {"orders", "contacts", "deals"} else ""
    return (
        f"Read the answers: {joined([said for said in (data, calls) if said])}. An answer without an error alone says"
        " only that the file has arrived; Metrica may take two hours to process it."
        + (f" When all of this batch has arrived, `csvexport confirm {batch}` has it count as sent." if calls else "")
    )


_ROUTES: Final = {"deliver": _deliver, "upload": _upload, "pickup": _pickup, "api": _api}
