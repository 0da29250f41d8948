"""The goals that an order or a deal reaches besides its status, each with a revenue of its own where it has one."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from csvexport.columns import join_where, lengths, mask_column
from csvexport.formats.lines import between, json_list, json_text
from csvexport.profile import OrderGoal
from csvexport.transform.accounts import Accounts
from csvexport.transform.amounts import amounts_of, mark_other_currencies
from csvexport.transform.goals import GoalMatcher


class ReachedGoals:
    """The goals of `[[orders.goals]]` or `[[deals.goals]]` made ready.

    Attributes:
        matcher: which rows reach which.
        columns: those that any `when` looks at.
    """

    def __init__(self, goals: Sequence[OrderGoal]) -> None:
        """Make them ready."""
        self._goals = goals
        self.matcher = GoalMatcher([goal.when for goal in goals])
        self.columns = self.matcher.columns

    def lists(self, accounts: Accounts, currencies: NDArray[np.int64]) -> pa.StringArray:
        """Give for each row the goals that it reaches as CSV takes them: `goal_a:200.00,goal_b`.

        Args:
            accounts: the rows.
            currencies: what their sums are sent in, as indices into `CURRENCIES`.
        """
        return self._joined(accounts, currencies, [(goal.target, ":", "") for goal in self._goals])

    def json(self, accounts: Accounts, currencies: NDArray[np.int64]) -> pa.StringArray:
        """Give them as JSON takes them: `[{"goal_action_id":"goal_a","price":200.00}]`; see `lists`."""
        spellings = [(f'{{"goal_action_id":{json_text(goal.target)}', ',"price":', "}") for goal in self._goals]
        return json_list(self._joined(accounts, currencies, spellings))

    def _joined(
        self, accounts: Accounts, currencies: NDArray[np.int64], spellings: Sequence[tuple[str, str, str]]
    ) -> pa.StringArray:
        """Join what is written for each goal: its beginning, what stands before a price, and its end."""
        matches = self.matcher.matches(accounts.block)[:, accounts.rows]
        parts = []
        for goal, reached, (beginning, before_price, end) in zip(self._goals, matches, spellings, strict=True):
            amounts = amounts_of(goal.price, accounts, reached)
            mark_other_currencies([(goal.price, reached)], accounts, amounts.named, currencies)
            prices = amounts.written()
            priced = pc.if_else(mask_column(lengths(prices) > 0), between(before_price, prices, ""), prices)
            parts.append((between(beginning, priced, end), reached))
        return join_where(parts, ",")
