"""The profile: the TOML file that says which columns of an export become which conversions."""

from csvexport.profile.loading import check_columns, load_profile
from csvexport.profile.model import (
    Condition,
    CurrencyColumn,
    ExportSettings,
    Format,
    Goal,
    IdentifierColumn,
    IdentifierType,
    JoinSettings,
    PriceColumn,
    Profile,
    SourceSettings,
    TimeColumn,
)
from csvexport.profile.period import Since, Until
from csvexport.profile.readers import currency_codes
from csvexport.profile.schema import profile_schema
from csvexport.profile.secrets import Secret

__all__ = [
    "Condition",
    "CurrencyColumn",
    "ExportSettings",
    "Format",
    "Goal",
    "IdentifierColumn",
    "IdentifierType",
    "JoinSettings",
    "PriceColumn",
    "Profile",
    "Secret",
    "Since",
    "SourceSettings",
    "TimeColumn",
    "Until",
    "check_columns",
    "currency_codes",
    "load_profile",
    "profile_schema",
]
