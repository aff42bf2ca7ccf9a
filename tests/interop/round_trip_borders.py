"""Workbooks with as many rows as a sheet holds, one more, and as many as two sheets hold."""

import openpyxl
import pyarrow as pa

SHEET_ROWS = 1_048_575


def check_borders(lake):
    faults = []
    for rows in (SHEET_ROWS, SHEET_ROWS + 1, 2 * SHEET_ROWS + 1):
        name = f"rows{rows}"
        lake.add(name, pa.table({"number": pa.array(range(rows), pa.int32())}))
        folder = lake.export("xlsx", ("--dataset", name))
        faults += [f"borders: {rows} rows: {fault}" for fault in check_numbers(folder / "part-00001.xlsx", rows)]
    return faults


def check_numbers(part, rows):
    """Whether the sheets, one behind the other, count from nought, each below a header."""
    book = openpyxl.load_workbook(part, read_only=True)
    sheets = [sheet for sheet in book.worksheets if sheet.title.startswith("data")]
    names = ["data"] + [f"data ({number})" for number in range(2, -(-rows // SHEET_ROWS) + 1)]
    if [sheet.title for sheet in sheets] != names:
        return [f"sheets {[sheet.title for sheet in sheets]} and not {names}"]
    expected, faults = 0, []
    for sheet in sheets:
        cells = sheet.iter_rows(values_only=True)
        if next(cells) != ("number",):
            faults.append(f"{sheet.title}: no header")
        for (cell,) in cells:
            if cell != expected:
                return [*faults, f"{sheet.title}: {cell} and not {expected}"]
            expected += 1
    return faults if expected == rows else [*faults, f"{expected} rows"]
