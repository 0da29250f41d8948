"""The second job of the benchmark, orders with hashed contacts, described once for all who do it.

Of an export of orders keep the rows whose status has a name at Metrica, but for those older than 113 days. Of each keep
the id, the moment of creation (local Moscow time), the client, the identifiers, the MD5 of the normalised e-mail and
phone, and the amounts (two decimals). What is no identifier (up to 20 digits), no e-mail or no phone is left out, since
no hash of it is anybody's. A row of which then nothing identifies the client, with a date that cannot be read or with a
negative amount goes to a second file: the reason, then the row's own cells. Of the rows of one order that are left the
one changed last goes, of several the last in the export. The lines stand in the order of the export.
"""

import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import job

ORDER, CLIENT, STATUS, CREATED, UPDATED = "order_id", "client_id", "status", "created", "updated"
REVENUE, COST, PHONE, EMAIL, CLIENT_ID = "revenue", "cost", "phone", "email", "client_id_metrica"
COLUMNS = (ORDER, CLIENT, STATUS, CREATED, UPDATED, REVENUE, COST, PHONE, EMAIL, CLIENT_ID)

STATUSES = {
    "Новая": "IN_PROGRESS",
    "В работе": "IN_PROGRESS",
    "Оплачен": "PAID",
    "Отказ": "CANCELLED",
    "Спам": "SPAM",
}
UNMAPPED = "Черновик"
WINDOW = timedelta(days=113)

# The moment of the build as clocks in Moscow show it; the zone has had one offset since 2014.
LOCAL_NOW = datetime.fromisoformat(job.NOW).astimezone(ZoneInfo(job.ZONE)).replace(tzinfo=None)

ORDERS_NAME, REJECTED_NAME = "orders.csv", job.REJECTED_NAME


def profile(export: Path) -> str:
    """Return the job as a csvexport profile (TOML) that reads `export`."""
    statuses = "".join(f"{_toml(status)} = {_toml(name)}\n" for status, name in STATUSES.items())
    return f"""timezone = {_toml(job.ZONE)}

[source]
path = {_toml(export.as_posix())}

[orders]
id = {_toml(ORDER)}
created = {_toml(CREATED)}
updated = {_toml(UPDATED)}
client = {_toml(CLIENT)}
client_ids = {_toml(CLIENT_ID)}
phones = {_toml(PHONE)}
emails = {_toml(EMAIL)}
revenue = {_toml(REVENUE)}
cost = {_toml(COST)}
status = {_toml(STATUS)}

[orders.statuses]
{statuses}"""


def _toml(text: str) -> str:
    """Write a text as TOML, where it is spelled as in JSON."""
    return json.dumps(text, ensure_ascii=False)
