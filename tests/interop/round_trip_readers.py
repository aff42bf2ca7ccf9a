"""Readers nobody here wrote, each as a function from one part to its columns.

`READERS[format]` lists name and function; a function takes the path of a plain part and the `Shape` of its table. It
gives a list of columns of cells, or an Arrow table. A reader that takes null and the empty text for the same is in
`NULL_BLIND`.
"""

import base64
import csv
import json
import os
import re
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

# Offsets are zones to Arrow and none to Polars, which ends the process for it unless told otherwise.
os.environ["POLARS_IGNORE_TIMEZONE_PARSE_ERROR"] = "1"

import duckdb
import openpyxl
import pandas
import polars
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import ruamel.yaml
import yaml
from lxml import etree

from round_trip_expect import NAMESPACE

NULL_BLIND = {"csv", "pandas"}
LONE_NULL = "\\N"
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
XSD = "{http://www.w3.org/2001/XMLSchema}"


@dataclass
class Shape:
    """What a reader must know of a table beforehand."""

    names: list
    rows: int
    schema: Path | None = None
    # Those that the reader takes.
    readable: list | None = None

    @property
    def null(self):
        """How a CSV file of this table says null."""
        return LONE_NULL if len(self.names) == 1 else ""


def turned(rows, width):
    """Columns of rows."""
    columns = [list(column) for column in zip(*rows)]
    return columns or [[] for _ in range(width)]


def head_is(found, shape):
    assert list(found) == shape.names, f"columns {list(found)} and not {shape.names}"


# CSV.


def csv_python(part, shape):
    with open(part, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, strict=True))
    head_is(rows[0], shape)
    assert {len(row) for row in rows} == {len(shape.names)}, "rows of other lengths"
    return turned(rows[1:], len(shape.names))


def csv_duckdb(part, shape):
    names = [f"c{number}" for number in range(len(shape.names))]
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    query = f"""SELECT * FROM read_csv(?, auto_detect = false, header = false, delim = ',', quote = '"', escape = '"',
        nullstr = '{shape.null}', allow_quoted_nulls = false, columns = {{{columns}}},
        strict_mode = false, parallel = false)"""
    with duckdb.connect() as connection:
        rows = connection.execute(query, [str(part)]).fetchall()
    head_is(rows[0], shape)
    return turned(rows[1:], len(names))


def csv_pandas(part, shape):
    frame = pandas.read_csv(
        part,
        dtype=str,
        keep_default_na=False,
        na_values=[],
        skip_blank_lines=False,
        encoding="utf-8",
        header=None,
        skiprows=0,
        index_col=False,
        quotechar='"',
        doublequote=True,
        engine="c",
    )
    head_is(frame.iloc[0], shape)
    return [frame[column].tolist()[1:] for column in frame.columns]


def csv_pyarrow(part, shape):
    names = [f"c{number}" for number in range(len(shape.names))]
    convert = pyarrow.csv.ConvertOptions(
        column_types={name: pa.string() for name in names},
        null_values=[shape.null],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    table = pyarrow.csv.read_csv(
        part,
        pyarrow.csv.ReadOptions(column_names=names, skip_rows_after_names=1, block_size=64 << 20),
        pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert,
    )
    return [column.to_pylist() for column in table.columns]


def csv_polars(part, shape):
    names = [f"c{number}" for number in range(len(shape.names))]
    frame = polars.read_csv(
        part, has_header=False, new_columns=names, infer_schema=False, null_values=[LONE_NULL] if shape.null else None
    )
    head = frame.row(0)
    head_is(head, shape)
    return [column.to_list()[1:] for column in frame.get_columns()]


# JSON.


def no_twice(pairs):
    found = dict(pairs)
    assert len(found) == len(pairs), f"a key twice: {[key for key, _ in pairs]}"
    return found


def of_objects(rows, shape):
    for row in rows:
        head_is(row, shape)
    return turned([row.values() for row in rows], len(shape.names))


def refuse(word):
    raise AssertionError(f"{word} is no JSON")


def json_python(part, shape):
    return of_objects(json.loads(part.read_bytes(), object_pairs_hook=no_twice, parse_constant=refuse), shape)


def ndjson_python(part, shape):
    lines = part.read_bytes().split(b"\n")
    assert lines.pop() == b"", "the last line has no end"
    return of_objects([json.loads(line, object_pairs_hook=no_twice, parse_constant=refuse) for line in lines], shape)


def jq_agrees(part, is_lines):
    """Whether jq reads what Python reads, with its numbers, which are doubles."""
    read = subprocess.run(["jq", "-c", "." if is_lines else ".[]", str(part)], check=True, capture_output=True).stdout
    text = part.read_bytes()
    theirs = [json.loads(line, parse_int=float) for line in read.split(b"\n") if line]
    ours = (
        [json.loads(line, parse_int=float) for line in text.split(b"\n") if line]
        if is_lines
        else json.loads(text, parse_int=float)
    )
    assert repr(theirs) == repr(ours), "jq reads something else than Python"


# Workbooks.


def unescaped(cell):
    """Control characters of a workbook; LibreOffice and Excel read them so, openpyxl leaves it to who asks."""
    return ESCAPED.sub(lambda match: chr(int(match[1], 16)), cell) if isinstance(cell, str) else cell


def xlsx_openpyxl(part, shape):
    book = openpyxl.load_workbook(part, read_only=True, data_only=False)
    sheets = [sheet for sheet in book.worksheets if sheet.title == "data" or sheet.title.startswith("data (")]
    found = []
    for sheet in sheets:
        rows = sheet.iter_rows(max_col=len(shape.names), values_only=True)
        head_is([unescaped(name) for name in next(rows)], shape)
        found.extend([unescaped(cell) for cell in row] for row in rows)
    # Rows of nulls at the end have no cell that would say so.
    found.extend([None] * len(shape.names) for _ in range(shape.rows - len(found)))
    assert len(found) == shape.rows, f"{len(found)} rows and not {shape.rows}"
    book.close()
    no_formulas(part)
    return turned(found, len(shape.names))


def no_formulas(part):
    with zipfile.ZipFile(part) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            if name.startswith("xl/worksheets/sheet"):
                text = archive.read(name)
                assert b"<f>" not in text and b't="str"' not in text, f"{name}: a formula"


# XML.


def xml_lxml(part, shape):
    schema = etree.XMLSchema(etree.parse(shape.schema))
    tree = etree.parse(part, etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True))
    if not schema.validate(tree):
        raise AssertionError(f"not valid: {schema.error_log.last_error}")
    assert tree.docinfo.doctype == "" and tree.getroot().tag == f"{NAMESPACE}export"
    head_is(true_names(shape.schema), shape)
    rows = list(tree.getroot())
    assert all(row.tag == f"{NAMESPACE}row" and len(row) == len(shape.names) for row in rows)
    return turned(rows, len(shape.names))


def true_names(schema):
    """Column names, as the schema beside the parts says them."""
    row = etree.parse(schema).find(f".//{XSD}element[@name='row']")
    infos = [
        element.find(f"{XSD}annotation/{XSD}appinfo")
        for element in row.findall(f"{XSD}complexType/{XSD}sequence/{XSD}element")
    ]
    return [base64.b64decode(info.text).decode() if info.get("source") == "base64" else info.text for info in infos]


# YAML.


def yaml_pyyaml(part, shape):
    return of_objects(yaml.load(part.read_bytes(), yaml.CSafeLoader), shape)


def yaml_ruamel(part, shape):
    """YAML 1.2, in Python alone: the C parser is the other reader's."""
    reader = ruamel.yaml.YAML(typ="safe", pure=True)
    reader.allow_duplicate_keys = False
    return of_objects(reader.load(part.read_bytes()), shape)


# Parquet and Arrow.


def named(table, names):
    assert table.column_names == names, f"columns {table.column_names} and not {names}"
    return table


def from_duckdb(source, shape, arguments=(), tables=()):
    with duckdb.connect() as connection:
        connection.execute("SET timezone = 'UTC'")
        for name, table in tables:
            connection.register(name, table)
        found = connection.execute(f"SELECT * FROM {source}", arguments).to_arrow_table()
    # DuckDB has its own mind about names, and tells no case apart.
    return found.rename_columns(shape.readable)


def parquet_pyarrow(part, shape):
    return named(pq.ParquetFile(part).read(), shape.names)


def parquet_duckdb(part, shape):
    return from_duckdb("read_parquet(?)", shape, [str(part)])


def parquet_polars(part, shape):
    return named(polars.read_parquet(part, columns=shape.readable).to_arrow(), shape.readable)


def arrow_pyarrow(part, shape):
    with pa.OSFile(str(part)) as file:
        return named(pa.ipc.open_file(file).read_all(), shape.names)


def arrow_duckdb(part, shape):
    """What DuckDB makes of the arrays; its reader of Arrow files is an extension that has to be fetched."""
    table = arrow_pyarrow(part, shape).select(shape.readable)
    given = table.rename_columns([f"c{number}" for number in range(table.num_columns)])
    return from_duckdb("given", shape, tables=[("given", given)])


def arrow_polars(part, shape):
    return named(polars.read_ipc(part, columns=shape.readable).to_arrow(), shape.readable)


READERS = {
    "csv": {
        "csv": csv_python,
        "duckdb": csv_duckdb,
        "pandas": csv_pandas,
        "pyarrow": csv_pyarrow,
        "polars": csv_polars,
    },
    "json": {"json": json_python},
    "ndjson": {"json": ndjson_python},
    "xlsx": {"openpyxl": xlsx_openpyxl},
    "parquet": {"pyarrow": parquet_pyarrow, "duckdb": parquet_duckdb, "polars": parquet_polars},
    "xml": {"lxml": xml_lxml},
    "yaml": {"pyyaml": yaml_pyyaml, "ruamel": yaml_ruamel},
    "arrow": {"pyarrow": arrow_pyarrow, "duckdb": arrow_duckdb, "polars": arrow_polars},
}
