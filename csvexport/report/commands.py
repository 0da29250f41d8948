"""The commands that send files through Metrica's API."""

from dataclasses import dataclass
from typing import Final

from csvexport.formats.crm import ENTITIES
from csvexport.formats.orders import CONVERSION_CENTER
from csvexport.summary import FileFacts, Summary

API: Final = "https://api-metrika.yandex.net"

_DELIMITER_TYPES: Final = {",": "COMMA", ";": "SEMICOLON"}


@dataclass(frozen=True, slots=True)
class Command:
    """A file and the command that sends it.

    Attributes:
        file: the file.
        line: the command, to be run in the batch's folder.
    """

    file: FileFacts
    line: str


def command_for(summary: Summary, file: FileFacts) -> Command:
    """The command that sends a file, as a POSIX shell takes it."""
    is_json = file.name.endswith(".json")
    form = '-H "Content-Type: application/json" --data-binary' if is_json else "-F"
    body = f"@{file.name}" if is_json else f"file=@{file.name}"
    address = f"{API}{_path(summary, file, is_json=is_json)}"
    line = f'curl -H "Authorization: OAuth $METRICA_TOKEN" {form} "{body}" "{address}"'
    return Command(file, line)


def _path(summary: Summary, file: FileFacts, *, is_json: bool) -> str:
    """The address of the request that takes a file ([calls], [so], [ct], [od], [st])."""
    counter = "COUNTER" if summary.counter is None else summary.counter
    crm = f"/cdp/api/v1/counter/{counter}"
    if file.kind == "calls":
        return f"/management/v1/counter/{counter}/offline_conversions/upload_calls?comment={comment(summary)}"
    if file.kind == "schema":
        name, _, entity = file.name.removesuffix(".json").partition("-")
        return f"{crm}/schema/{name}" + (f"?entity_type={entity}" if entity else "")
    what = f"{ENTITIES[file.kind]}/{'json' if is_json else 'csv'}" if file.kind in ENTITIES else "simple_orders"
    delimiter = "" if is_json else f"&delimiter_type={_DELIMITER_TYPES[delimiter_of(summary, file)]}"
    return f"{crm}/data/{what}?merge_mode=SAVE{delimiter}"


def comment(summary: Summary) -> str:
    """What to tell Metrica that an upload is; it takes letters and digits ([up])."""
    return summary.batch.replace("-", "")


def delimiter_of(summary: Summary, file: FileFacts) -> str:
    """The delimiter of a CSV of orders, contacts or deals."""
    return summary.delimiters.get(file.kind, CONVERSION_CENTER if file.kind == "orders" else ",")
