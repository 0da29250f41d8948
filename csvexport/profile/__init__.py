"""The profile: the TOML file that says which columns of an export become which records."""

from csvexport.profile.annotations import Format
from csvexport.profile.attributes import Attribute
from csvexport.profile.columns import CurrencyColumn, FlagColumn, PriceColumn, TimeColumn
from csvexport.profile.conditions import Condition
from csvexport.profile.crm import ContactSettings, DealSettings
from csvexport.profile.deliver import DeliverSettings
from csvexport.profile.events import CallSettings, Goal
from csvexport.profile.identifiers import IdentifierColumn, IdentifierType
from csvexport.profile.loading import check_columns, load_profile
from csvexport.profile.model import Profile
from csvexport.profile.orders import OrderSettings, UtmColumns
from csvexport.profile.period import Since, Until
from csvexport.profile.places import EVENTS
from csvexport.profile.readers import currency_codes
from csvexport.profile.schema import profile_schema
from csvexport.profile.secrets import Secret, private_file
from csvexport.profile.snapshots import OrderGoal
from csvexport.profile.sources import ExportSettings, JoinSettings, SourceSettings
from csvexport.profile.ssh import JumpSettings, Server, SftpAddress, SshLogin, sftp_address
from csvexport.profile.statuses import DealStatus

__all__ = [
    "EVENTS",
    "Attribute",
    "CallSettings",
    "Condition",
    "ContactSettings",
    "CurrencyColumn",
    "DealSettings",
    "DealStatus",
    "DeliverSettings",
    "ExportSettings",
    "FlagColumn",
    "Format",
    "Goal",
    "IdentifierColumn",
    "IdentifierType",
    "JoinSettings",
    "JumpSettings",
    "OrderGoal",
    "OrderSettings",
    "PriceColumn",
    "Profile",
    "Secret",
    "Server",
    "SftpAddress",
    "Since",
    "SourceSettings",
    "SshLogin",
    "TimeColumn",
    "Until",
    "UtmColumns",
    "check_columns",
    "currency_codes",
    "load_profile",
    "private_file",
    "profile_schema",
    "sftp_address",
]
