"""Rows to contacts: each row that `[contacts]` takes is one state of one client ([ct])."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from csvexport.blocks import Block
from csvexport.columns import selected, selection
from csvexport.formats import crm
from csvexport.formats.crm import Member, Shape
from csvexport.issues import Code
from csvexport.profile import Profile
from csvexport.transform.accounts import Accounts
from csvexport.transform.attributes import read_attributes
from csvexport.transform.clients import ClientReader, contact_columns, hashed_lists, is_filled
from csvexport.transform.goals import GoalMatcher
from csvexport.transform.plan import Kind, Period
from csvexport.transform.results import HAS_CLIENT_ID, HAS_CONTACT, Judged, Lines, facts_of
from csvexport.transform.snapshots import Clock, date_texts, keys_of, moment_texts, read_ids, read_texts
from csvexport.values.identifiers import Rule
from csvexport.values.mixing import text_words
from csvexport.values.times import Zone


class Contacts(Kind):
    """The profile's `[contacts]` made ready."""

    def __init__(self, profile: Profile, period: Period) -> None:
        """Make a profile ready that has contacts, and whose columns the sources have."""
        if profile.contacts is None:
            raise AssertionError("the profile has contacts")
        self.name = crm.CONTACTS
        self.settings = profile.contacts
        self.is_claimed = self.settings.only_with_deals
        self.clock = Clock(profile, period)
        self.zone = self.clock.zone
        self.country = profile.country
        self.labels = (self.name,)
        self.matcher = GoalMatcher([self.settings.when])
        self.categories = self.matcher.columns
        self.columns = tuple(self._columns())
        self.files = {"": crm.file(self.name, self.columns, self.settings.format, self.settings.delimiter)}

    def _columns(self) -> Iterator[str]:
        """Give the columns of the file, in their order."""
        settings = self.settings
        yield "uniq_id"
        for name, there in (
            ("name", settings.name),
            ("create_date_time", settings.created),
            ("update_date_time", settings.updated),
            ("birth_date", settings.birth_date),
            ("client_ids", settings.client_ids),
            ("user_ids", settings.user_ids),
        ):
            if there:
                yield name
        yield from contact_columns(settings)
        yield from settings.attributes

    @property
    def rules(self) -> Sequence[GoalMatcher]:
        """Give what decides which rows are taken."""
        return (self.matcher,)

    def judge(self, block: Block, enough: Collection[Code] = ()) -> Judged:
        """Turn a block into contacts; of the issues in `enough` no examples are looked for."""
        matched = self.matcher.matches(block)[0]
        return _Contacts(self, Accounts(block, self.name, matched, enough)).judged()


class _Contacts:
    """The contacts of one block on their way; columns run over the rows that `[contacts]` takes."""

    def __init__(self, plan: Contacts, accounts: Accounts) -> None:
        self._plan = plan
        self._accounts = accounts
        self._clients = ClientReader(accounts)

    def judged(self) -> Judged:
        """Read every value, mark what is wrong, and write the contacts that go."""
        plan, accounts, settings = self._plan, self._accounts, self._plan.settings
        updated = plan.clock.updated(accounts, settings.updated)
        ids = read_ids(accounts, settings.id, Code.NO_ORDER_ID)
        members = {member.name: member for member in self._members(updated)}
        members["uniq_id"] = Member("uniq_id", ids)
        attributes = read_attributes(settings.attributes, accounts, plan.clock)
        members |= {member.name: member for member in attributes}
        flags = self._flags(members)
        self._clients.settle(np.ones(len(flags), bool))
        accepted = accounts.accepted()
        if not len(accepted):
            return accounts.judged({}, self._clients.damage)
        choice = selection(accepted, len(ids))
        text = crm.lines([members[name] for name in plan.columns], settings.format, settings.delimiter)
        written = selected(text, choice)
        lines = Lines(
            text=written,
            keys=keys_of(selected(ids, choice)),
            values=text_words(written)[0] >> np.uint64(32),
            facts=facts_of(
                len(accepted), day=plan.zone.local_days(np.maximum(updated, 0))[accepted], flags=flags[accepted]
            ),
            records=accepted,
            ranks=updated[accepted],
        )
        return accounts.judged({"": lines}, self._clients.damage)

    def _members(self, updated: NDArray[np.int64]) -> Iterator[Member]:
        """Read the columns that Metrica knows, but for the id."""
        plan, settings, accounts, clients = self._plan, self._plan.settings, self._accounts, self._clients
        if settings.name:
            yield Member("name", read_texts(accounts, settings.name))
        yield Member(
            "create_date_time", moment_texts(plan.clock.moments(accounts, settings.created), plan.clock.counter)
        )
        yield Member("update_date_time", moment_texts(updated, plan.clock.counter))
        # A birthday is the date that the source writes, in whatever zone it is read.
        zone = settings.birth_date.timezone if settings.birth_date else None
        birthdays = plan.clock.moments(accounts, settings.birth_date)
        yield Member("birth_date", date_texts(birthdays, Zone.named(zone or plan.zone.name)))
        yield Member("client_ids", clients.identifiers(settings.client_ids, Rule.NUMBER), Shape.LIST)
        yield Member("user_ids", clients.identifiers(settings.user_ids, Rule.TEXT), Shape.LIST)
        for name, texts in hashed_lists(clients.contacts(settings, plan.country), settings.contacts).items():
            yield Member(name, texts, Shape.LIST)

    @staticmethod
    def _flags(members: dict[str, Member]) -> NDArray[np.uint8]:
        named = is_filled(members["client_ids"].texts) | is_filled(members["user_ids"].texts)
        reached = np.zeros(len(named), bool)
        for name in ("emails", "phones", "emails_md5", "phones_md5"):
            if name in members:
                reached |= is_filled(members[name].texts)
        return named * np.uint8(HAS_CLIENT_ID) | reached * np.uint8(HAS_CONTACT)
