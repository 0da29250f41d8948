"""The profile: the TOML file that says which columns of an export become which records."""

from csvexport.profile.annotations import Format
from csvexport.profile.attributes import Attribute
from csvexport.profile.columns import CurrencyColumn, FlagColumn, PriceColumn, TimeColumn
from csvexport.profile.conditions import Condition
from csvexport.profile.crm import ContactSettings, DealSettings
from csvexport.profile.events import CallSettings, Goal
from csvexport.profile.identifiers import IdentifierColumn, IdentifierType
from csvexport.profile.loading import check_columns, load_profile
from csvexport.profile.model import Profile
from csvexport.profile.orders import OrderSettings, UtmColumns
from csvexport.profile.period import Since, Until
from csvexport.profile.readers import currency_codes
from csvexport.profile.schema import profile_schema
from csvexport.profile.secrets import Secret
from csvexport.profile.snapshots import OrderGoal
from csvexport.profile.sources import ExportSettings, JoinSettings, SourceSettings
from csvexport.profile.statuses import DealStatus

__all__ = [
    "Attribute",
    "CallSettings",
    "Condition",
    "ContactSettings",
    "CurrencyColumn",
    "DealSettings",
    "DealStatus",
    "ExportSettings",
    "FlagColumn",
    "Format",
    "Goal",
    "IdentifierColumn",
    "IdentifierType",
    "JoinSettings",
    "OrderGoal",
    "OrderSettings",
    "PriceColumn",
    "Profile",
    "Secret",
    "Since",
    "SourceSettings",
    "TimeColumn",
    "Until",
    "UtmColumns",
    "check_columns",
    "currency_codes",
    "load_profile",
    "profile_schema",
]
