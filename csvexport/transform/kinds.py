"""All kinds that a profile makes, and what they make of a block."""

from collections.abc import Callable, Collection, Mapping, Sequence

from csvexport.blocks import Block
from csvexport.issues import Code
from csvexport.profile import Profile
from csvexport.transform.conversions import Conversions
from csvexport.transform.plan import Kind, Period
from csvexport.transform.results import Converted


def kinds_of(profile: Profile, period: Callable[[str], Period], only: Collection[str] = ()) -> tuple[Kind, ...]:
    """Make the kinds of a profile ready, each with its period, or those of them that are asked for."""
    return tuple(_kind(name, profile, period(name)) for name in profile.kinds if not only or name in only)


def _kind(name: str, profile: Profile, period: Period) -> Kind:
    """Make a kind ready; what only others need, such as the list of numbering plans, is not imported."""
    match name:
        case "calls":
            from csvexport.transform.calls import Calls  # noqa: PLC0415 - see above

            return Calls(profile, period)
        case "orders":
            from csvexport.transform.orders import Orders  # noqa: PLC0415 - see above

            return Orders(profile, period)
        case "contacts":
            from csvexport.transform.contacts import Contacts  # noqa: PLC0415 - see above

            return Contacts(profile, period)
        case "deals":
            from csvexport.transform.deals import Deals  # noqa: PLC0415 - see above

            return Deals(profile, period)
    return Conversions(profile, period)


def convert(kinds: Sequence[Kind], block: Block, enough: Mapping[str, Collection[Code]]) -> Converted:
    """Turn a block into records of all kinds.

    Args:
        kinds: the kinds.
        block: the block.
        enough: by kind the issues of which no examples are looked for.
    """
    return Converted(
        records=block.records,
        read=len(block.rows) + len(block.bad),
        left_out=block.left_out,
        bad=block.bad,
        kinds={kind.name: kind.judge(block, enough[kind.name]) for kind in kinds},
    )
