"""Which goal takes which row."""

import pytest

GOAL = """
timezone = "Europe/Moscow"
source.path = "deals.csv"
identifiers = {{ UserId = "who" }}
[[goals]]
target = "reached"
time = "at"
when = {when}
"""

TIME = "2024-05-30 12:00:00"


def taken(shop, condition, cells):
    """Give the cells of the rows that a goal with this condition takes."""
    names = [f"row{number}" for number in range(len(cells))]
    export = {"who": names, "at": [TIME] * len(cells), "cell": cells}
    built = shop(GOAL.format(when=f"{{ cell = {condition} }}"), export)
    assert built.issues.get("no-goal", 0) == len(cells) - len(built.column("UserId", "UserId"))
    return [cells[names.index(name)] for name in built.column("UserId", "UserId")]


TEXTS = ["paid", " PAID\t", "Paid ", "paid 2", "unpaid", "", "  ", "new"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('"paid"', ["paid", " PAID\t", "Paid "]),
        ('" PaId "', ["paid", " PAID\t", "Paid "]),
        ('["new", "paid 2"]', ["paid 2", "new"]),
        ('""', ["", "  "]),
        ('{ not = "paid" }', ["paid 2", "unpaid", "", "  ", "new"]),
        ('{ not = ["paid", "new", ""] }', ["paid 2", "unpaid"]),
        ("{ empty = true }", ["", "  "]),
        ("{ empty = false }", ["paid", " PAID\t", "Paid ", "paid 2", "unpaid", "new"]),
        ('{ matches = "paid" }', ["paid", "paid 2", "unpaid"]),
        ('{ matches = "^(?i:paid)$" }', ["paid", " PAID\t", "Paid "]),
        ('{ matches = "^$" }', ["", "  "]),
        ('{ matches = "[0-9]" }', ["paid 2"]),
    ],
)
def test_conditions_on_texts(condition, expected, shop):
    assert taken(shop, condition, TEXTS) == expected


def test_no_regular_expression_is_kept_busy_by_a_cell(shop):
    cells = ["a" * 100_000 + "!", "aaa", "ааа"]
    assert taken(shop, "{ matches = '^(\\w+)+$' }", cells) == cells[1:]


def test_a_regular_expression_looks_into_more_texts_than_are_remembered(shop):
    cells = [f"row {number}" for number in range(70_000)]
    assert taken(shop, "{ matches = '[ ]6999[89]$' }", cells) == ["row 69998", "row 69999"]


AMOUNTS = ["100", "99.99", "100,00", "1 000,50 ₽", "-5", "−150", "0", "", "сто", "1,234", "101 $"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("{ min = 100 }", ["100", "100,00", "1 000,50 ₽", "101 $"]),
        ("{ max = 99.99 }", ["99.99", "-5", "−150", "0"]),
        ("{ min = 100, max = 100 }", ["100", "100,00"]),
        ("{ min = -5, max = 0 }", ["-5", "0"]),
        ("{ min = -1000000 }", ["100", "99.99", "100,00", "1 000,50 ₽", "-5", "−150", "0", "101 $"]),
    ],
)
def test_conditions_on_amounts_take_no_row_without_a_certain_amount(condition, expected, shop):
    assert taken(shop, condition, AMOUNTS) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [("1", ["1"]), ("true", ["true", "TRUE"]), ("[1, 1.50]", ["1", "1.50"]), ("-1", ["-1"])],
)
def test_numbers_and_truths_are_compared_as_they_are_written(condition, expected, shop):
    assert taken(shop, condition, ["1", "1.0", "1.5", "1.50", "-1", "true", "TRUE", "01"]) == expected


def test_upper_and_lower_case_make_no_difference_in_any_alphabet(shop):
    assert taken(shop, '"оплачен"', ["ОПЛАЧЕН", "Оплачен", "оплачён", "STRASSE"]) == ["ОПЛАЧЕН", "Оплачен"]
    assert taken(shop, '"straße"', ["STRASSE", "straße", "strase"]) == ["STRASSE", "straße"]


def test_more_texts_than_are_remembered(shop):
    cells = [str(number) for number in range(70_000)]
    assert taken(shop, "{ min = 69998 }", cells) == ["69998", "69999"]


def test_all_conditions_of_a_goal_must_hold(shop):
    export = {
        "who": ["a", "b", "c", "d"],
        "at": [TIME] * 4,
        "status": ["paid", "paid", "new", "paid"],
        "funnel": ["Розница", "ОПТ", "Розница", "розница"],
        "sum": ["5", "5", "5", ""],
    }
    when = '{ status = "paid", funnel = { not = "Опт" }, sum = { min = 1 } }'
    built = shop(GOAL.format(when=when), export)
    assert built.column("UserId", "UserId") == ["a"]
    assert built.issues == {"no-goal": 3}
    assert (built.counts.rows, built.counts.matched) == (4, 1)


GOALS = """
timezone = "Europe/Moscow"
source.path = "deals.csv"
identifiers = { UserId = "who" }
[[goals]]
target = "created"
time = "created"
[[goals]]
target = "paid"
time = "paid"
price = "sum"
when = { paid = { empty = false } }
[[goals]]
target = "big"
time = "paid"
price = 10
when = { sum = { min = 1000 } }
"""


def test_every_goal_that_holds_makes_a_conversion_of_the_row(shop):
    export = {
        "who": ["a", "b", "c"],
        "created": [TIME] * 3,
        "paid": ["", "2024-05-31 12:00", "2024-05-31 13:00"],
        "sum": ["", "999", "1000"],
    }
    built = shop(GOALS, export)
    assert [cells[:4] for cells in built.files["UserId"]] == [
        ["a", "created", "1717059600", ""],
        ["b", "created", "1717059600", ""],
        ["b", "paid", "1717146000", "999.00"],
        ["c", "created", "1717059600", ""],
        ["c", "paid", "1717149600", "1000.00"],
        ["c", "big", "1717149600", "10.00"],
    ]
    assert (built.counts.rows, built.counts.matched, built.counts.accepted) == (3, 6, 6)
    assert built.issues == {}


def test_a_goal_that_fails_does_not_take_the_others_with_it(shop):
    export = {"who": ["a"], "created": [TIME], "paid": ["31.06.2024"], "sum": ["5"]}
    built = shop(GOALS, export)
    assert built.column("Target", "UserId") == ["created"]
    assert (built.counts.matched, built.counts.accepted, built.counts.rejected) == (2, 1, 1)
    assert [(row["code"], row["column"], row["value"]) for row in built.rejected] == [
        ("bad-time", "paid", "31.06.2024")
    ]


def test_one_target_from_two_goals_is_one_event(shop):
    profile = GOALS.replace('"created"\ntime = "created"', '"paid"\ntime = "paid"').replace('"big"', '"paid"')
    export = {"who": ["a", "b"], "created": [""] * 2, "paid": [TIME] * 2, "sum": ["10", "2000"]}
    built = shop(profile, export)
    # Of goals that make the same event of a row the last decides about the price.
    assert [cells[:4] for cells in built.files["UserId"]] == [
        ["a", "paid", "1717059600", "10.00"],
        ["b", "paid", "1717059600", "10.00"],
    ]
    assert built.issues == {"superseded": 3}
    assert (built.counts.matched, built.counts.accepted, built.counts.skipped) == (5, 2, 3)
