"""The profile's model: what each key means, which values it takes, and what they become.

Every key's description stands here or in the module of its table once; the JSON Schema and README draw on it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self, cast

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, PlainValidator, ValidationInfo, field_validator

from csvexport.profile import period, readers
from csvexport.profile.annotations import Count, CountryCode, CurrencyCode, Share, SinceEnd, Timezone, texts
from csvexport.profile.crm import ContactSettings, DealSettings
from csvexport.profile.deliver import DeliverSettings, mistakes_of_destinations
from csvexport.profile.events import CallSettings, Goal, list_of_rules
from csvexport.profile.identifiers import Identifiers
from csvexport.profile.orders import OrderSettings
from csvexport.profile.period import Until
from csvexport.profile.sources import SourceSettings
from csvexport.profile.tables import Mistake, Table, apart
from csvexport.profile.wording import ProfileValueError

# What the profile can make, and the key that says how.
_KEYS_OF_KINDS: Final = {
    "conversions": "goals",
    "calls": "calls",
    "orders": "orders",
    "contacts": "contacts",
    "deals": "deals",
}


def _delivering(made: str, key: str) -> dict[str, JsonValue]:
    """Tell the JSON Schema that only what is made can be delivered."""
    what: JsonValue = {"anyOf": [{"const": made}, {"type": "array", "contains": {"const": made}}]}
    some: JsonValue = {"type": "array", "contains": {"properties": {"what": what}, "required": ["what"]}}
    return {"if": {"properties": {"deliver": some}, "required": ["deliver"]}, "then": {"required": [key]}}


_BETWEEN: Final[dict[str, JsonValue]] = {
    "anyOf": [{"required": [key]} for key in _KEYS_OF_KINDS.values()],
    "dependentRequired": {"goals": ["identifiers"], "calls": ["identifiers"]},
    "dependentSchemas": {
        "calls": {
            "properties": {"identifiers": {"anyOf": [{"required": [key]} for key in ("UserId", "ClientId", "Yclid")]}}
        }
    },
    "allOf": [
        {
            "if": {
                "properties": {
                    "contacts": {"properties": {"only_with_deals": {"const": True}}, "required": ["only_with_deals"]}
                },
                "required": ["contacts"],
            },
            "then": {"required": ["deals"]},
        },
        {
            "if": {
                "properties": {
                    "currency": {"not": {"const": "RUB"}},
                    "orders": {
                        "properties": {"delimiter": {"const": ";"}},
                        "anyOf": [{"required": ["revenue"]}, {"required": ["cost"]}],
                    },
                },
                "required": ["currency", "orders"],
            },
            "then": {"properties": {"orders": {"required": ["currency"]}}},
        },
        *(_delivering(made, key) for made, key in _KEYS_OF_KINDS.items()),
    ],
}


class Settings(Table):
    """How the exports of one CRM become records for one counter: the keys of the profile."""

    model_config = ConfigDict(json_schema_extra=_BETWEEN)

    counter: Count | None = Field(None, description="The number of the Metrica counter.", examples=[2215573])
    timezone: Timezone = Field(
        description="The zone of the source's times, and of `since` and `until`: a name of the IANA list.",
        examples=["Europe/Moscow"],
    )
    counter_timezone: Timezone | None = Field(
        None,
        description="The zone of the counter if it is not `timezone`: times of orders, contacts and deals are written "
        "in it.",
        examples=["Europe/Moscow"],
    )
    currency: CurrencyCode = Field("RUB", description="The currency of prices that name none.", examples=["RUB"])
    country: CountryCode = Field(
        "RU", description="The country of phone numbers without a country code.", examples=["RU"]
    )
    since: SinceEnd | None = Field(
        None,
        description='Leaves out conversions and calls before this date, or before "21d": so many days back from now.',
        examples=["2024-05-01", "21d"],
    )
    until: Annotated[Until, PlainValidator(Until.parse), texts(period.PATTERN)] | None = Field(
        None,
        description='Leaves out conversions and calls after this date, or after "1d": so many days back from now.',
        examples=["2024-05-31", "1d"],
    )
    max_rejected: Share = Field(
        0.5,
        description="The share of rejected rows above which nothing is written, since the profile or the export must "
        "be wrong.",
        examples=[0.5],
    )
    source: SourceSettings = Field(
        default_factory=SourceSettings, description="Where the rows come from.", examples=[{"path": "deals.csv"}]
    )
    identifiers: Identifiers = Field(
        (),
        description="Metrica's identifiers and the columns that hold them. The first that is filled names the row, in "
        "the order written here. Needed for goals and calls.",
        examples=[{"Yclid": "yclid", "ClientId": ["ClientID", "ClientID 2"]}],
    )
    goals: Annotated[tuple[Goal, ...], BeforeValidator(list_of_rules("goals"))] = Field(
        (),
        json_schema_extra={"minItems": 1},
        description="The rules that make conversions, one table each.",
        examples=[[{"target": "order_paid", "time": "Дата оплаты"}]],
    )
    calls: Annotated[CallSettings, apart(CallSettings)] | None = Field(
        None,
        description="How rows become calls.",
        examples=[{"time": "Дата звонка", "talk_duration": "Длительность разговора"}],
    )
    orders: Annotated[OrderSettings, apart(OrderSettings)] | None = Field(
        None,
        description="How rows become simple orders.",
        examples=[{"id": "ID", "created": "Дата создания", "phones": "Телефон", "always": "PAID"}],
    )
    contacts: Annotated[ContactSettings, apart(ContactSettings)] | None = Field(
        None,
        description="How rows become contacts of detailed CRM data.",
        examples=[{"id": "ID клиента", "phones": "Телефон"}],
    )
    deals: Annotated[DealSettings, apart(DealSettings)] | None = Field(
        None,
        description="How rows become deals of detailed CRM data.",
        examples=[
            {
                "id": "ID",
                "client": "ID клиента",
                "created": "Дата создания",
                "status": "Статус",
                "statuses": {"Оплачен": "PAID"},
            }
        ],
    )
    deliver: Annotated[
        tuple[Annotated[DeliverSettings, apart(DeliverSettings)], ...], BeforeValidator(list_of_rules("deliver"))
    ] = Field(
        (),
        json_schema_extra={"minItems": 1},
        description="The destinations to which files are delivered, one table each.",
        examples=[[{"name": "pickup", "what": "conversions", "to": "drop/{{ batch }}/"}]],
    )

    @field_validator("until")
    @classmethod
    def _not_before_since(cls, value: Until, info: ValidationInfo) -> Until:
        since = info.data.get("since")
        if since is not None and period.is_empty(since, value):
            raise ProfileValueError(f"{value} lies before since, {since}: the period is empty")
        return value

    @classmethod
    def mistakes_between(cls, table: Mapping[str, Any]) -> Iterable[Mistake]:
        """See that there is something to make, and what it is made of."""
        if table.keys() & {"goals", "calls"} and "identifiers" not in table:
            yield ("identifiers",), cls.required("identifiers", " by goals and calls")
        if not table.keys() & _KEYS_OF_KINDS.values():
            yield ("goals",), cls.required("goals", " unless calls, orders, contacts or deals are there")
        if "calls" in table and _table(table, "identifiers").keys() == {"PurchaseId"}:
            yield ("calls",), "a call has no PurchaseId; name UserId, ClientId or Yclid in identifiers"
        if "deals" not in table and _table(table, "contacts").get("only_with_deals") is True:
            yield ("contacts", "only_with_deals"), "is only for a profile with [deals]; take it out"
        # A code that is none is a mistake already.
        if table.get("currency") and table["currency"] in readers.currency_codes():
            for location, sentence in OrderSettings.mistakes_of_currency(_table(table, "orders"), table["currency"]):
                yield ("orders", *location), sentence
        made = [kind for kind, key in _KEYS_OF_KINDS.items() if key in table]
        for location, sentence in mistakes_of_destinations(table.get("deliver"), made):
            yield ("deliver", *location), sentence


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = table.get(key)
    return inner if isinstance(inner, dict) else {}


class Profile(Settings):
    """A profile that was read from a file, with every mistake ruled out that can be seen without the source.

    Attributes:
        path: the file.
        digest: SHA-256 of the file's bytes, in hexadecimal digits.
    """

    path: Path
    digest: str

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a profile from its file.

        Raises:
            ProfileError: the file cannot be read, or has mistakes; all of them are listed.
        """
        from csvexport.profile.loading import load_profile  # noqa: PLC0415 - loading stands on the model

        return cast("Self", load_profile(Path(path)))

    @property
    def name(self) -> str:
        """What the profile is called: its folder when the file is `profile.toml`, else the file without its ending."""
        folder = self.path.parent.resolve().name
        return folder if self.path.name == "profile.toml" and folder else self.path.stem

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the profile makes, of "conversions", "calls", "orders", "contacts" and "deals", in this order."""
        return tuple(kind for kind, key in _KEYS_OF_KINDS.items() if getattr(self, key))

    def destinations(self, kind: str) -> tuple[DeliverSettings, ...]:
        """Give the destinations to which the files of a kind go."""
        return tuple(destination for destination in self.deliver if kind in destination.what)

    def places(self) -> list[tuple[str, str]]:
        """Give every column that the profile names, and where: `("Дата оплаты", "goals[1].time")`."""
        named = [(column, f"identifiers.{item.type}") for item in self.identifiers for column in item.columns]
        for number, goal in enumerate(self.goals, 1):
            named += [(column, f"goals[{number}].{key}") for column, key in goal.columns()]
        tables = {"calls": self.calls, "orders": self.orders, "contacts": self.contacts, "deals": self.deals}
        for name, table in tables.items():
            if table:
                named += [(column, f"{name}.{key}") for column, key in table.columns()]
        return named
