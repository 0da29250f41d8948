"""Rows to deals: each row that `[deals]` takes is one state of one deal ([od])."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from csvexport.blocks import Block
from csvexport.columns import number_column, repeated, selected, selection, text_column
from csvexport.formats import crm
from csvexport.formats.crm import Member, Shape
from csvexport.issues import Code
from csvexport.profile import Profile
from csvexport.transform.accounts import Accounts
from csvexport.transform.amounts import currency_texts
from csvexport.transform.attributes import read_attributes
from csvexport.transform.goals import GoalMatcher
from csvexport.transform.plan import Kind, Period
from csvexport.transform.reached import ReachedGoals
from csvexport.transform.results import Judged, Lines, facts_of
from csvexport.transform.snapshots import Clock, WorthReader, keys_of, moment_texts, read_ids, values_of
from csvexport.transform.statuses import StatusReader
from csvexport.values.products import products_json, products_text
from csvexport.values.scalars import read_column


class Deals(Kind):
    """The profile's `[deals]` made ready."""

    def __init__(self, profile: Profile, period: Period) -> None:
        """Make a profile ready that has deals, and whose columns the sources have."""
        if profile.deals is None:
            raise AssertionError("the profile has deals")
        self.name = crm.DEALS
        self.settings = settings = profile.deals
        self.clock = Clock(profile, period)
        self.zone = self.clock.zone
        self.matcher = GoalMatcher([settings.when])
        self.goals = ReachedGoals(settings.goals)
        meanings = {text: status.id for text, status in settings.statuses.items()}
        self.statuses = StatusReader(settings.status, meanings)
        self.labels = self.statuses.labels
        self.worth = WorthReader(settings, profile)
        self.categories = self.matcher.columns.union(self.goals.columns, self.statuses.columns, self.worth.columns)
        self.columns = tuple(self._columns())
        self.files = {"": crm.file(self.name, self.columns, settings.format, settings.delimiter)}

    def _columns(self) -> Iterator[str]:
        """Give the columns of the file, in their order."""
        settings = self.settings
        yield from ("id", "client_uniq_id", "client_type", "create_date_time", "order_status")
        for name, there in (
            ("update_date_time", settings.updated),
            ("finish_date_time", settings.finished),
            ("revenue", settings.revenue is not None),
            ("cost", settings.cost is not None),
            ("currency", settings.revenue is not None or settings.cost is not None),
            ("goals", settings.goals),
            ("products", settings.products),
        ):
            if there:
                yield name
        yield from settings.attributes

    @property
    def rules(self) -> Sequence[GoalMatcher]:
        """Give what decides which rows are taken, and which goals they reach."""
        return (self.matcher, self.goals.matcher)

    def judge(self, block: Block, enough: Collection[Code] = ()) -> Judged:
        """Turn a block into deals; of the issues in `enough` no examples are looked for."""
        matched = self.matcher.matches(block)[0]
        return _Deals(self, Accounts(block, self.name, matched, enough)).judged()


class _Deals:
    """The deals of one block on their way; columns run over the rows that are left."""

    def __init__(self, plan: Deals, accounts: Accounts) -> None:
        self._plan = plan
        self._accounts = accounts
        self._is_json = plan.settings.format == "json"

    def judged(self) -> Judged:
        """Leave out what does not go, read every value of the rest, mark what is wrong, and write what goes."""
        plan, accounts, settings = self._plan, self._accounts, self._plan.settings
        status = plan.statuses.read(accounts)
        created, status = plan.clock.created(accounts, settings.created, None, status)
        updated = plan.clock.updated(accounts, settings.updated)
        ids = read_ids(accounts, settings.id, Code.NO_ORDER_ID)
        clients = read_ids(accounts, settings.client, Code.NO_CLIENT)
        worth = plan.worth.read(accounts)
        members = [
            Member("id", ids),
            Member("client_uniq_id", clients),
            Member("client_type", repeated(crm.ENTITY_TYPES[crm.CONTACTS], len(ids))),
            Member("create_date_time", moment_texts(created, plan.clock.counter)),
            Member("order_status", text_column(plan.labels).take(number_column(status))),
            Member("update_date_time", moment_texts(updated, plan.clock.counter)),
            Member(
                "finish_date_time", moment_texts(plan.clock.moments(accounts, settings.finished), plan.clock.counter)
            ),
            Member("revenue", worth.revenue.written(), Shape.WRITTEN),
            Member("cost", worth.cost.written(), Shape.WRITTEN),
            Member("currency", currency_texts(worth.currencies)),
            *self._lists(worth.currencies),
            *read_attributes(settings.attributes, accounts, plan.clock),
        ]
        accepted = accounts.accepted()
        if not len(accepted):
            return accounts.judged({})
        choice = selection(accepted, len(ids))
        named = {member.name: member for member in members}
        text = crm.lines([named[name] for name in plan.columns], settings.format, settings.delimiter)
        day = plan.zone.local_days(created)
        facts = facts_of(len(created), label=status, currency=worth.currencies, day=day, micro=worth.revenue.micro)
        lines = Lines(
            text=selected(text, choice),
            keys=keys_of(selected(ids, choice)),
            values=values_of(created, updated, status, worth.revenue.micro, worth.cost.micro)[accepted],
            facts=facts[accepted],
            records=accepted,
            ranks=updated[accepted],
            claims=keys_of(selected(clients, choice)),
        )
        return accounts.judged({"": lines})

    def _lists(self, currencies: NDArray[np.int64]) -> Iterator[Member]:
        """Read goals and products, of which JSON has other forms than CSV."""
        plan, accounts, settings = self._plan, self._accounts, self._plan.settings
        if settings.goals:
            goals = (plan.goals.json if self._is_json else plan.goals.lists)(accounts, currencies)
            yield Member("goals", goals, Shape.WRITTEN)
        if settings.products:
            products = read_column(accounts.text(settings.products), products_json if self._is_json else products_text)
            yield Member("products", products.texts, Shape.WRITTEN)
