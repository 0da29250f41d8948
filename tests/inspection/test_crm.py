"""The presets: what is known of CRMs, and which export comes from which."""

import pytest

from csvexport.inspection.crm import UNKNOWN, presets, recognised
from csvexport.inspection.looking import look
from csvexport.progress import no_progress


def test_the_presets_are_there():
    assert [preset.title for preset in presets()] == [
        *("1C (CommerceML)", "amoCRM", "Bitrix24", "Calltouch", "RetailCRM", "Roistat", "UIS (CoMagic)"),
    ]


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.title)
def test_an_export_with_the_headers_of_a_crm_comes_from_it(preset):
    for mark in preset.marks:
        assert recognised([*mark, "Комментарий"]) is preset
        assert recognised(sorted(mark)[1:]) is UNKNOWN


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.title)
def test_a_preset_says_where_the_client_id_comes_from(preset):
    assert preset.hint.startswith(preset.title.partition(" ")[0])
    assert preset.hint.endswith(".")


@pytest.mark.parametrize(
    ("sample", "title", "status", "paid"),
    [
        ("amocrm/leads.csv", "amoCRM", "Этап сделки", ["Успешно реализовано"]),
        ("bitrix24/deals.csv", "Bitrix24", "Стадия сделки", ["Оплачен"]),
        ("calltracking/calls.csv", None, "Статус", []),
        ("broken/export.csv", None, "status", ["paid"]),
    ],
)
def test_samples_are_recognised(sample, title, status, paid, samples):
    findings = look(str(samples / sample), no_progress)
    assert (findings.crm.title if findings.crm else None) == title
    assert findings.status == status
    assert [found.text for found in findings.statuses if found.is_paid] == paid


def test_what_the_crm_means_by_a_column_comes_before_what_its_name_promises(look_at):
    header = ["ID", "Статус оплаты", "STAGE_ID", "OPPORTUNITY", "CLOSEDATE"]
    findings = look_at(header, ["1", "paid", "C12:WON", "100", "31.05.2024"], ["2", "new", "NEW", "1", "30.05.2024"])
    assert [column.role for column in findings.columns] == ["order id", "status", "status", "amount", "paid time"]
    assert findings.columns[2].reason == "by Bitrix24 and its values"
    assert [(status.text, status.is_paid) for status in findings.statuses] == [("C12:WON", True), ("NEW", False)]


def test_the_crm_settles_the_order_of_dates_that_nothing_contradicts(look_at):
    header = ["callId", "date", "callerNumber"]
    rows = [["1", "05/06/2024 9:45:10", "79000000001"], ["2", "06/06/2024 19:45:10", "79000000002"]]
    assert look_at(header, *rows).columns[1].format == "%d/%m/%Y %H:%M:%S"
    rows.append(["3", "05/31/2024 19:45:10", "79000000003"])
    assert look_at(header, *rows).columns[1].format == "%m/%d/%Y %H:%M:%S"


def test_of_several_columns_of_statuses_the_one_that_says_who_paid_is_taken(look_at):
    findings = look_at(["Статус звонка", "Статус"], ["Принят", "Новая"], ["Принят", "Оплачен"])
    assert findings.status == "Статус"
