"""By what Yandex finds a client: lists of ClientIDs, of phones and of e-mails, read and hashed for all rows at once."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from csvexport.columns import lengths, repeated
from csvexport.issues import Code
from csvexport.profile import ContactSettings, OrderSettings
from csvexport.transform.accounts import Accounts
from csvexport.values.contacts import Contacts, hashed, joined, read_emails, read_phones
from csvexport.values.identifier_lists import read_identifier_lists
from csvexport.values.identifiers import Damage, Identifiers, Rule, damage


class ClientReader:
    """Reads what identifies the clients of the rows, column by column, and marks what is wrong.

    Attributes:
        damage: by column, how many long ClientIDs look rounded.
    """

    def __init__(self, accounts: Accounts) -> None:
        """Read these rows."""
        self._accounts = accounts
        self._refused: list[tuple[str, NDArray[np.uint8]]] = []
        self.damage: dict[str, Damage] = {}

    def identifiers(self, columns: Sequence[str], rule: Rule) -> pa.StringArray:
        """Read columns of identifiers, several to a cell: lists joined by commas.

        A bad identifier is left out; what it does to its row is decided by `settle`.
        """
        if not columns:
            return repeated("", len(self._accounts.rows))
        return joined([self._identifiers(name, rule) for name in columns])

    def _identifiers(self, name: str, rule: Rule) -> pa.StringArray:
        texts, codes = read_identifier_lists(self._accounts.text(name), rule)
        if rule is not Rule.TEXT:
            self.damage[name] = damage(Identifiers(texts, codes))
        self._accounts.mark(name, (codes == Code.SUSPICIOUS_IDENTIFIER) * np.uint8(Code.SUSPICIOUS_IDENTIFIER))
        refused = np.where(np.isin(codes, [Code.NO_IDENTIFIER, Code.SUSPICIOUS_IDENTIFIER]), Code.NONE, codes)
        self._refused.append((name, refused.astype(np.uint8)))
        return texts

    def contacts(self, settings: OrderSettings | ContactSettings, country: str) -> dict[str, pa.StringArray]:
        """Read the columns that the profile names: lists joined by commas, as `emails` and `phones`.

        Phones are digits with the country code; those without one are of `country`.
        """
        lists = {}
        if settings.emails:
            read = [self._contacts(name, read_emails(self._accounts.text(name))) for name in settings.emails]
            lists["emails"] = joined(read)
        if settings.phones:
            read = [self._contacts(name, read_phones(self._accounts.text(name), country)) for name in settings.phones]
            lists["phones"] = joined(read)
        return lists

    def _contacts(self, name: str, contacts: Contacts) -> pa.StringArray:
        self._accounts.mark(name, contacts.codes)
        return contacts.text

    def settle(self, found: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Mark the bad identifiers: as errors where nothing else identifies the client, else as warnings.

        Args:
            found: the rows of which something identifies the client.

        Returns:
            The rows of which nothing does, and in which nothing bad says why.
        """
        nothing = ~found
        for name, codes in self._refused:
            bad = codes != Code.NONE
            codes[found & bad] = Code.SECOND_IDENTIFIER
            self._accounts.mark(name, codes)
            nothing &= ~bad
        return nothing


def is_filled(lists: pa.StringArray) -> NDArray[np.bool_]:
    """Tell which rows hold something."""
    filled: NDArray[np.bool_] = lengths(lists) > 0
    return filled


def hashed_lists(lists: Mapping[str, pa.StringArray], how: str) -> dict[str, pa.StringArray]:
    """Give lists of contacts as they leave, by the names of their columns.

    Args:
        lists: by the name of the column in plain text, `emails` and `phones`.
        how: the profile's `contacts`: `md5`, `plain`, or `none`, which gives nothing.
    """
    if how == "md5":
        return {f"{name}_md5": hashed(texts) for name, texts in lists.items()}
    return dict(lists) if how == "plain" else {}


def contact_columns(settings: OrderSettings | ContactSettings) -> Iterator[str]:
    """Give the columns of e-mails and phones that a file has."""
    if settings.contacts != "none":
        end = "_md5" if settings.contacts == "md5" else ""
        named = {"emails": settings.emails, "phones": settings.phones}
        yield from (f"{name}{end}" for name, columns in named.items() if columns)
