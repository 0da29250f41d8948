import csv
import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvexport.formats import conversions
from csvexport.formats.conversions import file, lines
from csvexport.formats.lines import Labels

# The sample of Metrica's documentation ([oc]).
SAMPLE = b"""\
ClientId,Target,DateTime,Price,Currency
133591247640966458,GOAL1,1481718166,123.45,RUB
133591247640966458,GOAL2,1481718142,678.90,RUB
579124169844706072,GOAL3,1481718116,678.90,RUB
"""

TEXTS = st.text(st.characters(codec="utf-8"), max_size=10) | st.sampled_from(
    ['"', '""', ",", "\n", "\r", "\r\n", 'a"b,c\nd', " a ", ";", "\t", "'", "=1", "\ufeff", "\u2028", "\x00", "иван"]
)


def labels(*texts):
    distinct = list(dict.fromkeys(texts))
    return Labels(distinct, np.array([distinct.index(text) for text in texts], np.int16))


def written(identifiers, prices=None):
    count = len(identifiers)
    column = lines(
        identifiers,
        labels(*["paid"] * count),
        np.full(count, 1_717_200_000, np.int64),
        pa.array(prices or [""] * count, pa.string()),
        labels(*["RUB"] * count),
    )
    assert column.type == pa.string()
    assert column.null_count == 0
    return column.to_pylist()


def read(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def test_the_official_sample_is_reproduced():
    column = lines(
        pa.array(["133591247640966458", "133591247640966458", "579124169844706072"]),
        labels("GOAL1", "GOAL2", "GOAL3"),
        np.array([1481718166, 1481718142, 1481718116]),
        pa.array(["123.45", "678.90", "678.90"]),
        labels("RUB", "RUB", "RUB"),
    )
    assert file("ClientId").header + "".join(column.to_pylist()).encode() == SAMPLE


@pytest.mark.parametrize("identifier", conversions.IDENTIFIERS)
def test_the_header_names_the_id_type_first(identifier):
    assert file(identifier).header == f"{identifier},Target,DateTime,Price,Currency\n".encode()


def test_files_are_numbered_from_the_second_on():
    assert [file("Yclid").name(part) for part in (1, 2, 10)] == [
        "conversions-Yclid.csv",
        "conversions-Yclid-2.csv",
        "conversions-Yclid-10.csv",
    ]


def test_a_conversion_without_a_price_leaves_it_empty():
    assert written(pa.array(["1", "2"]), ["", "5.00"]) == [
        "1,paid,1717200000,,RUB\n",
        "2,paid,1717200000,5.00,RUB\n",
    ]


@given(st.lists(TEXTS.filter(bool), max_size=8))
def test_any_identifier_comes_back_to_the_letter(texts):
    found = read("".join(written(pa.array(texts, pa.string()))))
    assert found == [[text, "paid", "1717200000", "", "RUB"] for text in texts]


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain text;with=others'", "plain text;with=others'"),
        ("a,b", '"a,b"'),
        ('a "b"', '"a ""b"""'),
        ("a\nb", '"a\nb"'),
        ("a\rb", '"a\rb"'),
    ],
)
def test_quotes_stand_where_they_must_and_nowhere_else(text, quoted):
    assert written(pa.array([text, "x"])) == [f"{quoted},paid,1717200000,,RUB\n", "x,paid,1717200000,,RUB\n"]


def test_no_records_are_no_lines():
    assert written(pa.array([], pa.string())) == []


def test_columns_may_be_slices():
    assert [line.partition(",")[0] for line in written(pa.array(["0", "1", "2", "3"])[1:3])] == ["1", "2"]


def test_each_row_has_its_own_labels():
    column = lines(
        pa.array(["1", "2", "3"]),
        Labels(["lead", "paid"], np.array([1, 0, 1], np.int16)),
        np.array([0, 1, 2**40]),
        pa.array(["1.00", "", "3.00"]),
        Labels(["RUB", "USD", "EUR"], np.array([2, 0, 1], np.int16)),
    )
    assert column.to_pylist() == ["1,paid,0,1.00,EUR\n", "2,lead,1,,RUB\n", "3,paid,1099511627776,3.00,USD\n"]
