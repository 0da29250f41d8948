"""Rows to orders: each row that `[orders]` takes is one state of one order ([so], [cc])."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.blocks import Block
from csvexport.columns import number_column, selected, selection, text_column
from csvexport.formats import orders
from csvexport.formats.conversions import WINDOW_SECONDS
from csvexport.issues import BETWEEN, Code
from csvexport.profile import Profile, UtmColumns
from csvexport.transform.accounts import Accounts
from csvexport.transform.amounts import currency_texts
from csvexport.transform.clients import ClientReader, contact_columns, hashed_lists, is_filled
from csvexport.transform.goals import GoalMatcher
from csvexport.transform.plan import Kind, Period
from csvexport.transform.reached import ReachedGoals
from csvexport.transform.results import HAS_CLIENT_ID, HAS_CONTACT, IS_OLD, Judged, Lines, Tag, facts_of
from csvexport.transform.snapshots import Clock, WorthReader, keys_of, moment_texts, read_client, read_ids, values_of
from csvexport.transform.statuses import StatusReader
from csvexport.values.cells import trim
from csvexport.values.identifiers import Damage, Rule


class Orders(Kind):
    """The profile's `[orders]` made ready."""

    def __init__(self, profile: Profile, period: Period) -> None:
        """Make a profile ready that has orders, and whose columns the sources have."""
        if profile.orders is None:
            raise AssertionError("the profile has orders")
        self.name = orders.KIND
        self.settings = settings = profile.orders
        self.clock = Clock(profile, period)
        self.zone = self.clock.zone
        self.country = profile.country
        self.matcher = GoalMatcher([settings.when])
        self.goals = ReachedGoals(settings.goals)
        self.statuses = StatusReader(settings.status, settings.statuses, settings.always)
        self.labels = self.statuses.labels
        self.worth = WorthReader(settings, profile)
        self.window = orders.WINDOW_SECONDS if settings.delimiter == orders.CONVERSION_CENTER else None
        self.columns = tuple(name for name in orders.COLUMNS if name in set(self._named()))
        self.files = {"": orders.file(self.columns, settings.delimiter, settings.on_oversize)}
        utm = filter(None, utm_columns(settings.utm))
        self.categories = self.matcher.columns.union(self.goals.columns, self.statuses.columns, self.worth.columns, utm)

    def _named(self) -> Iterator[str]:
        """Give the columns of the file for which the profile names something."""
        settings = self.settings
        yield from ("id", "create_date_time", "order_status")
        if settings.client:
            yield "client_uniq_id"
        for name in ("client_ids", "revenue", "cost", "goals"):
            if getattr(settings, name) not in {None, ()}:
                yield name
        is_priced = settings.revenue is not None or settings.cost is not None
        if settings.delimiter != orders.CONVERSION_CENTER and is_priced:
            yield "currency"
        yield from contact_columns(settings)

    @property
    def rules(self) -> Sequence[GoalMatcher]:
        """Give what decides which rows are taken, and which goals they reach."""
        return (self.matcher, self.goals.matcher)

    def judge(self, block: Block, enough: Collection[Code] = ()) -> Judged:
        """Turn a block into orders; of the issues in `enough` no examples are looked for."""
        matched = self.matcher.matches(block)[0]
        return _Orders(self, Accounts(block, self.name, matched, enough)).judged()


class _Orders:
    """The orders of one block on their way; columns run over the rows that are left."""

    def __init__(self, plan: Orders, accounts: Accounts) -> None:
        self._plan = plan
        self._accounts = accounts

    def judged(self) -> Judged:
        """Leave out what does not go, read every value of the rest, mark what is wrong, and write what goes."""
        plan, accounts, settings = self._plan, self._accounts, self._plan.settings
        status = plan.statuses.read(accounts)
        created, status = plan.clock.created(accounts, settings.created, plan.window, status)
        worth = plan.worth.read(accounts)
        cells = {
            "id": read_ids(accounts, settings.id, Code.NO_ORDER_ID),
            "create_date_time": moment_texts(created, plan.clock.counter),
            "order_status": text_column(plan.labels).take(number_column(status)),
        }
        if settings.revenue is not None:
            cells["revenue"] = worth.revenue.written()
        if settings.cost is not None:
            cells["cost"] = worth.cost.written()
        if "currency" in plan.columns:
            cells["currency"] = currency_texts(worth.currencies)
        if settings.client:
            cells["client_uniq_id"] = read_client(accounts, settings.client)
        flags, damaged = self._read_clients(cells)
        if settings.goals:
            cells["goals"] = plan.goals.lists(accounts, worth.currencies)
        updated = plan.clock.updated(accounts, settings.updated)
        tag, tags = read_tags(accounts, settings.utm)
        flags |= (created < plan.clock.period.now - WINDOW_SECONDS) * np.uint8(IS_OLD)
        day = plan.zone.local_days(created)
        micro = worth.revenue.micro
        facts = facts_of(
            len(created), label=status, currency=worth.currencies, day=day, micro=micro, tag=tag, flags=flags
        )
        accepted = accounts.accepted()
        if not len(accepted):
            return accounts.judged({}, damaged)
        choice = selection(accepted, len(created))
        lines = Lines(
            text=selected(orders.lines([cells[name] for name in plan.columns], settings.delimiter), choice),
            keys=keys_of(selected(cells["id"], choice)),
            values=values_of(created, updated, status, worth.revenue.micro, worth.cost.micro)[accepted],
            facts=facts[accepted],
            records=accepted,
            ranks=updated[accepted],
            tags=tags,
        )
        return accounts.judged({"": lines}, damaged)

    def _read_clients(self, cells: dict[str, pa.StringArray]) -> tuple[NDArray[np.uint8], Mapping[str, Damage]]:
        """Read what identifies the clients, mark orders of which nothing does, and give the flags that say so."""
        settings, accounts, reader = self._plan.settings, self._accounts, ClientReader(self._accounts)
        cells["client_ids"] = reader.identifiers(settings.client_ids, Rule.NUMBER)
        named = is_filled(cells["client_ids"])
        reached = np.zeros(len(named), bool)
        if settings.contacts != "none":
            lists = reader.contacts(settings, self._plan.country)
            for texts in lists.values():
                reached |= is_filled(texts)
            cells |= hashed_lists(lists, settings.contacts)
        nothing = reader.settle(named | reached)
        columns = BETWEEN.join(dict.fromkeys((*settings.client_ids, *settings.emails, *settings.phones)))
        accounts.mark(columns, nothing * np.uint8(Code.NO_CONTACT))
        return named * np.uint8(HAS_CLIENT_ID) | reached * np.uint8(HAS_CONTACT), reader.damage


def utm_columns(utm: UtmColumns | None) -> tuple[str | None, ...]:
    """Give the columns of source, medium and campaign."""
    return (utm.source, utm.medium, utm.campaign) if utm else ()


def read_tags(accounts: Accounts, utm: UtmColumns | None) -> tuple[NDArray[np.int32], Sequence[Tag]]:
    """Read the utm tags: for each row an index into the distinct (source, medium, campaign)."""
    place = np.zeros(len(accounts.rows), np.int64)
    columns = []
    for column in utm_columns(utm):
        indices, texts = (
            accounts.block.categories(column) if column else (np.zeros(len(accounts.block.rows), int), [""])
        )
        place = place * max(len(texts), 1) + indices[accounts.rows]
        columns.append([trim(text) for text in texts])
    if not columns:
        return np.zeros(len(place), np.int32), ((),)
    found, tag = np.unique(place, return_inverse=True)
    return tag.astype(np.int32), [_tag(number, columns) for number in found.tolist()]


def _tag(number: int, columns: Sequence[Sequence[str]]) -> Tag:
    """Take a place in the table of all combinations apart."""
    parts = []
    for texts in reversed(columns):
        number, index = divmod(number, len(texts))
        parts.append(texts[index])
    return tuple(reversed(parts))
