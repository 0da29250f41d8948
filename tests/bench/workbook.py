"""Turns an export of `generate.py` into a workbook as a CRM writes it: `workbook.py EXPORT XLSX`.

Order numbers are numbers and times that can be read are dates; everything else is text, since the identifiers have more
digits than a spreadsheet keeps.
"""

import csv
import sys
from datetime import datetime
from pathlib import Path

import job
import xlsxwriter

WHEN = job.COLUMNS.index(job.TIME)


def main() -> None:
    """Write the workbook that the command line asks for."""
    export, target = map(Path, sys.argv[1:])
    with (
        xlsxwriter.Workbook(target, {"constant_memory": True}) as book,
        export.open(encoding="utf-8", newline="") as file,
    ):
        sheet, dates = book.add_worksheet("Сделки"), book.add_format({"num_format": "dd.mm.yyyy hh:mm:ss"})
        sheet.write_row(0, 0, job.COLUMNS)
        for number, (order, *cells) in enumerate(list(csv.reader(file))[1:], 1):
            sheet.write_number(number, 0, int(order))
            for column, cell in enumerate(cells, 1):
                sheet.write_string(number, column, cell)
            try:
                sheet.write_datetime(number, WHEN, datetime.strptime(cells[WHEN - 1], job.TIME_FORMAT), dates)  # noqa: DTZ007 - a workbook knows no zones
            except ValueError:
                continue


if __name__ == "__main__":
    main()
