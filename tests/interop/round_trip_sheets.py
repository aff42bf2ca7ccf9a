"""Workbooks as LibreOffice reads them, which has its own mind about types; skipped where it is not installed.

It converts a workbook to flat OpenDocument, whose cells are typed: numbers of 15 digits, times of a second at worst,
booleans that are 1 and 0, and no CR in front of LF, which is all that LibreOffice writes there. Control characters have no place in there, so they
are left out on both sides; what openpyxl reads says that they are there.
"""

import datetime
import math
import re
import shutil
import subprocess

import round_trip_expect as expect
import round_trip_tables as tables
from lxml import etree
from round_trip_check import attempt, rows_of, told
from round_trip_texts import DAY, json_text
from round_trip_values import is_nested, kind

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TIME = re.compile(r"PT(\d+)H(\d+)M([\d.]+)S")
LOST_MS = 1_000
PROGRAMS = ("soffice", "libreoffice")


def check_sheets(lake):
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        print("skipped: LibreOffice is not installed")
        return []
    faults = []
    made = {"everything": tables.everything(), "named": tables.named(), "lone": tables.lone()}
    made |= {f"seed{seed}": tables.Chance(seed).table() for seed in range(10)}
    for name, table in made.items():
        lake.add(name, table)
        rows, _ = rows_of(lake, ("--dataset", name), table)
        folder = lake.export("xlsx", ("--dataset", name))
        faults += [f"sheets: {name}: {fault}" for fault in check_workbook(program, folder, rows)]
    return faults


def check_workbook(program, folder, rows):
    profile = folder.parent / "profile"
    command = [
        program,
        f"-env:UserInstallation=file://{profile}",
        "--headless",
        "--convert-to",
        "fods",
        "--outdir",
        folder,
        folder / "part-00001.xlsx",
    ]
    subprocess.run(command, check=True, capture_output=True)
    if not (folder / "part-00001.fods").exists():
        return ["LibreOffice does not open it"]
    read = read_flat(folder / "part-00001.fods", len(rows.names))
    head, read = read[0], read[1 : rows.count + 1]
    read += [[None] * len(rows.names)] * (rows.count - len(read))
    faults = [] if head == list(map(visible, rows.names)) else [f"header {head}"]
    return faults + [
        fault for index in range(len(rows.names)) for fault in check_column(rows, index, [row[index] for row in read])
    ]


def check_column(rows, index, read):
    name, one, column = rows.names[index], rows.kinds[index], rows.columns[index]
    matches = flat_match(one)
    if kind(one) == "text":
        column = [None if cell is None else visible(expect.sheet_text(cell)) for cell in column]
    elif is_nested(one):
        shown = json_text(one)
        keep = [cell is None or visible(shown(cell)) == shown(cell) for cell in column]
        column, read = ([cell for cell, kept in zip(cells, keep) if kept] for cells in (column, read))
    pairs = enumerate(zip(column, read, strict=True))
    return told(
        "libreoffice",
        name,
        one,
        [(row, cell, value) for row, (cell, value) in pairs if not attempt(matches, cell, value)],
    )


def flat_match(one):
    """Whether LibreOffice's value is the cell, as closely as it writes values down."""
    exactly, of = expect.sheet(one), kind(one)
    if of == "bool":
        return lambda cell, read: read == cell
    if of == "float":
        return lambda cell, read: (
            exactly(cell, read) or math.isclose(cell, float(read), rel_tol=1e-14) or is_most(cell, read)
        )
    if of in ("time", "timestamp"):
        moment = expect.sheet_moment(one)
        return lambda cell, read: (
            exactly(cell, read) or abs(ms(moment(cell)) - ms(expect.read_moment(read, of))) <= LOST_MS
        )
    return exactly


def is_most(cell, read):
    """The largest double, rounded up to 15 digits, is none."""
    return abs(cell) > 1.7976931348623e308 and read == math.copysign(math.inf, cell)


def ms(moment):
    return moment[0] * DAY * 1_000 + moment[1]


def visible(text):
    """A text without what XML cannot hold, and with the line ends that it makes of all."""
    return expect.FORBIDDEN.sub("", text).replace("\r\n", "\n")


def read_flat(path, width):
    """The rows of the first sheet."""
    tree = etree.parse(path, etree.XMLParser(huge_tree=True))
    found = []
    for row in tree.find(f".//{TABLE}table").iter(f"{TABLE}table-row"):
        cells = []
        for cell in row:
            times = int(cell.get(f"{TABLE}number-columns-repeated", 1))
            cells.extend([flat_value(cell)] * min(times, width - len(cells)))
        times = int(row.get(f"{TABLE}number-rows-repeated", 1))
        found.extend(
            [cells + [None] * (width - len(cells))]
            * (times if any(value is not None for value in cells) else min(times, 1_000))
        )
    return found


def flat_value(cell):
    of = cell.get(f"{OFFICE}value-type")
    if of is None:
        return None
    if of in ("float", "percentage", "currency"):
        number = float(cell.get(f"{OFFICE}value"))
        return int(number) if number.is_integer() and abs(number) < 1e15 and str(number) != "-0.0" else number
    if of == "boolean":
        return cell.get(f"{OFFICE}boolean-value") == "true"
    if of == "date":
        return flat_moment(cell.get(f"{OFFICE}date-value"))
    if of == "time":
        return flat_time(cell.get(f"{OFFICE}time-value"))
    return "\n".join(flat_text(line) for line in cell.findall(f"{TEXT}p"))


def to_milliseconds(whole, seconds):
    return whole + datetime.timedelta(milliseconds=round(float(seconds) * 1_000))


def flat_moment(shown):
    day, _, time = shown.partition("T")
    moment = datetime.datetime.fromisoformat(day)
    if not time:
        return moment
    hours, minutes, seconds = time.split(":")
    return to_milliseconds(moment + datetime.timedelta(hours=int(hours), minutes=int(minutes)), seconds)


def flat_time(shown):
    hours, minutes, seconds = TIME.fullmatch(shown).groups()
    moment = to_milliseconds(
        datetime.datetime(1970, 1, 1) + datetime.timedelta(hours=int(hours), minutes=int(minutes)), seconds
    )
    # The end of the day, as openpyxl gives it.
    return moment.time() if moment.day == 1 else datetime.datetime(1900, 1, 1)


def flat_text(line):
    """A paragraph with the blanks that have elements of their own."""
    found = [line.text or ""]
    for part in line:
        if part.tag == f"{TEXT}s":
            found.append(" " * int(part.get(f"{TEXT}c", 1)))
        elif part.tag == f"{TEXT}tab":
            found.append("\t")
        elif part.tag == f"{TEXT}line-break":
            found.append("\n")
        else:
            found.append(flat_text(part))
        found.append(part.tail or "")
    return "".join(found)
