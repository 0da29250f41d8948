"""What the source's statuses mean to Metrica, decided once per distinct text."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from csvexport.issues import Code
from csvexport.transform.accounts import Accounts
from csvexport.values.cells import trim


class StatusReader:
    """The profile's statuses made ready.

    Attributes:
        labels: Metrica's statuses, each once.
        columns: the column that is read, if there is one.
    """

    def __init__(self, column: str | None, meanings: Mapping[str, str], always: str | None = None) -> None:
        """Take the source's statuses, casefolded, and what they mean; or the one that every row has."""
        self._column = column
        self.labels: Sequence[str] = tuple(dict.fromkeys([always] if always else meanings.values()))
        self._numbers = {text: self.labels.index(meaning) for text, meaning in meanings.items()}
        self.columns = frozenset([column] if column else [])

    def read(self, accounts: Accounts) -> NDArray[np.int16]:
        """Read the statuses, as indices into `labels`; rows of another status are left out."""
        if self._column is None:
            return np.zeros(len(accounts.rows), np.int16)
        indices, texts = accounts.block.categories(self._column)
        meanings = np.array([self._numbers.get(trim(text).casefold(), -1) for text in texts] or [-1], np.int16)
        status = meanings[indices[accounts.rows]]
        (known,) = accounts.skip(Code.UNKNOWN_STATUS, self._column, status < 0, status)
        return known
