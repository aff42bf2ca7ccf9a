"""One export, looked at from all sides: its manifest, the bytes of its parts, each cell by each reader, each count."""

import functools
import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from polars.exceptions import PanicException

import round_trip_columns as columns
import round_trip_expect as expect
from round_trip_losses import losses
from round_trip_readers import LONE_NULL, NULL_BLIND, READERS, Shape, jq_agrees
from round_trip_texts import json_text, plain
from round_trip_values import cells, converted, is_nested, kind

FORMATS = ("csv", "json", "ndjson", "xlsx", "parquet", "xml", "yaml", "arrow")
TEXTS = ("csv", "json", "ndjson", "xml", "yaml")
ENDINGS = {"gzip": ".gz", "zstd": ".zst"}
POSITIONS = 100
SHOWN = 3
AT = "2026-03-29T02:30:00Z"


@dataclass
class Rows:
    """What goes into an export: cells by column, and the type that each column has in the lake."""

    names: list
    kinds: list
    columns: list

    @property
    def count(self):
        return len(self.columns[0]) if self.columns else 0


@dataclass
class Lake:
    """A lake of datasets in a folder, and the program that exports them."""

    binary: Path
    folder: Path
    exports: int = field(default=0)

    def __post_init__(self):
        subprocess.run([self.binary, "init", self.folder], check=True, stdout=subprocess.DEVNULL)

    def add(self, name, table, **written):
        files = self.folder.parent / f"{self.folder.name}-files" / name
        files.mkdir(parents=True)
        pq.write_table(table, files / "rows.parquet", **written)
        definition = f"dataset: {name}\nlocation: file:{files}/\n"
        (self.folder / "datasets" / f"{name}.yaml").write_text(definition, encoding="utf-8")

    def run(self, *arguments):
        command = [self.binary, "--lake", self.folder, "--output", "json", "--at", AT, *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    def export(self, form, what, *options):
        """The folder of an export that must succeed."""
        self.exports += 1
        folder = self.folder.parent / f"{self.folder.name}-exports" / f"{self.exports}-{form}"
        done = self.run("export", *what, "--format", form, "--to", f"{folder}/", *options)
        if done.returncode != 0:
            raise AssertionError(f"exit code {done.returncode}: {done.stderr.strip()[-600:]}")
        return folder

    def verify(self, folder):
        return self.run("export", "verify", str(folder / "manifest.json")).returncode


def rows_of(lake, what, table):
    """The rows of a table as the lake has them, and what differs."""
    comparable = [list(map(converted(column.type), cells(column))) for column in table.columns]
    rows, faults = rows_as(lake, what, table.column_names, comparable)
    for name, one, column in zip(rows.names, rows.kinds, table.columns):
        if kind(column.type) != kind(one):
            faults.append(f"column {name!r}: {column.type} came out as {one}")
    return rows, faults


def rows_as(lake, what, names, comparable):
    """Rows by an Arrow export, whose cells must be those that are expected, and what differs."""
    folder = lake.export("arrow", what)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    read = pa.concat_tables(pa.ipc.open_file(str(folder / part["path"])).read_all() for part in manifest["parts"])
    rows = Rows(read.column_names, [one.type for one in read.schema], [cells(column) for column in read.columns])
    faults = [] if rows.names == names else [f"columns {rows.names} and not {names}"]
    for name, one, column, wanted in zip(rows.names, rows.kinds, rows.columns, comparable):
        pairs = enumerate(zip(wanted, map(converted(one), column), strict=True))
        faults += told("arrow", name, one, [(row, cell, got) for row, (cell, got) in pairs if cell != got])
    return rows, faults


# The manifest and the bytes.


def check_manifest(folder, form, rows, compression, split_rows, guard):
    """Faults of a manifest and of the bytes it speaks of; and the manifest."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    faults, parts = [], manifest["parts"]

    def same(what, given, wanted):
        if given != wanted:
            faults.append(f"manifest: {what} is {given} and not {wanted}")

    same("rows", manifest["rows"], rows.count)
    same("sum of rows", sum(part["rows"] for part in parts), rows.count)
    same("bytes", manifest["bytes"], sum(part["bytes"] for part in parts))
    same("complete", manifest["complete"], True)
    used = {"name": form, "compression": compression, "guard": guard, "strict": False}
    same("format", {key: manifest["format"].get(key) for key in used}, used)
    same("columns", [column["name"] for column in manifest["schema"]], rows.names)
    step = split_rows or max(rows.count, 1)
    same(
        "rows of parts",
        [part["rows"] for part in parts],
        [min(step, rows.count - start) for start in range(0, rows.count, step)] or [0],
    )
    same(
        "names of parts",
        [part["path"] for part in parts],
        [f"part-{number:05}.{form}{ENDINGS.get(compression, '')}" for number in range(1, len(parts) + 1)],
    )
    beside = manifest.get("beside")
    same(
        "files",
        sorted(path.name for path in folder.iterdir()),
        sorted([part["path"] for part in parts] + ["manifest.json"] + ([beside["path"]] if beside else [])),
    )
    for part in parts + ([beside] if beside else []):
        stored = (folder / part["path"]).read_bytes()
        same(f"bytes of {part['path']}", part["bytes"], len(stored))
        same(f"sha256 of {part['path']}", part["sha256"], hashlib.sha256(stored).hexdigest())
        if "content_sha256" in part:
            same(
                f"content_sha256 of {part['path']}",
                part["content_sha256"],
                hashlib.sha256(unpacked(stored, compression)).hexdigest(),
            )
    return manifest, faults


def unpacked(stored, compression):
    if compression == "gzip":
        return gzip.decompress(stored)
    if compression == "zstd":
        return pa.CompressedInputStream(pa.BufferReader(stored), "zstd").read() if stored else b""
    return stored


def check_verify(lake, folder):
    """The program's own check, of an export as it is and with one byte turned."""
    faults = [] if lake.verify(folder) == 0 else ["verify: does not exit with 0"]
    part = next(
        path for path in sorted(folder.iterdir()) if path.name.startswith("part-00001") and path.suffix != ".xsd"
    )
    whole = part.read_bytes()
    if whole:
        turned = bytearray(whole)
        turned[len(turned) // 2] ^= 1
        part.write_bytes(turned)
        if lake.verify(folder) != 1:
            faults.append("verify: does not exit with 1 after one byte was turned")
        part.write_bytes(whole)
    return faults


# Cells.


def matcher(form, reader, one, is_lone):
    """Whether a reader of a format got a cell of a type."""
    if form == "csv":
        return csv_matcher(reader, one, is_lone)
    if form in ("parquet", "arrow"):
        return None
    return {
        "json": expect.json,
        "ndjson": expect.json,
        "xlsx": expect.sheet,
        "xml": expect.element,
        "yaml": functools.partial(expect.json, yaml=True),
    }[form](one)


def csv_matcher(reader, one, is_lone):
    text = expect.text(one)
    if reader in NULL_BLIND:
        blank = LONE_NULL if is_lone else ""
        return lambda cell, read: read == blank if cell is None else text(cell, read)
    if reader == "polars" and is_lone:
        # It takes the word for null also in quotes.
        return lambda cell, read: read is None if cell in (None, LONE_NULL) else text(cell, read)
    return text


@functools.cache
def cached_matcher(form, reader, one, is_lone):
    return matcher(form, reader, one, is_lone)


def unguarded(column, got):
    """Takes the guard's mark away where there must be one."""
    needs = losses("csv", pa.string(), guard=True)
    return [
        read[1:]
        if cell is not None and needs(cell) and read[:1] == "'"
        else f"no mark: {read}"
        if cell is not None and needs(cell)
        else read
        for cell, read in zip(column, got)
    ]


def check_reader(form, reader, read, parts, rows, schema, guard):
    """Faults of what one reader gets from the plain parts."""
    faults, start = [], 0
    readable = columns.readable(reader, form, rows.names, rows.kinds)
    if not readable:
        return []
    for part, count in parts:
        names = [guarded_name(name) if guard else name for name in rows.names]
        try:
            got = read(part, Shape(names, count, schema, readable))
        except BaseException as error:
            # It panics on nested types of which pyarrow and DuckDB read every value from the same file.
            if (form, reader, type(error).__name__) != ("arrow", "polars", "PanicException"):
                raise
            print(f"skipped: {reader} panicked at an {form} file", file=sys.stderr)
            return faults
        piece = [column[start : start + count] for column in rows.columns]
        check = check_table if form in ("parquet", "arrow") else check_cells
        faults += check(form, reader, got, Rows(rows.names, rows.kinds, piece), guard)
        start += count
    return faults


def guarded_name(name):
    return f"'{name}" if losses("csv", pa.string(), guard=True)(name) else name


def check_cells(form, reader, got, rows, guard):
    faults = []
    for name, one, column, read in zip(rows.names, rows.kinds, rows.columns, got):
        if guard and kind(one) == "text":
            read = unguarded(column, read)
        matches = cached_matcher(form, reader, one, len(rows.names) == 1)
        if len(read) != len(column):
            faults.append(f"{reader}: column {name!r} has {len(read)} cells and not {len(column)}")
        bad = [
            (row, cell, value)
            for row, (cell, value) in enumerate(zip(column, read))
            if not attempt(matches, cell, value)
        ]
        faults += told(reader, name, one, bad)
    return faults


def attempt(matches, cell, read):
    """A cell of another kind than the matcher expects is no match either."""
    try:
        return matches(cell, read)
    except (AssertionError, ArithmeticError, AttributeError, TypeError, ValueError):
        return False


def check_table(form, reader, got, rows, _guard):
    faults = []
    for name in got.column_names:
        index = rows.names.index(name)
        one, column = rows.kinds[index], rows.columns[index]
        wanted = columns.in_parquet_type(one) if form == "parquet" else one
        read = got[name]
        if reader == "pyarrow" and not columns.same_type(read.type, wanted):
            faults.append(f"{reader}: column {name!r} is {read.type} and not {wanted}")
        pairs = zip(column, map(columns.stored(form, one), column), map(converted(read.type), cells(read)), strict=True)
        faults += told(
            reader,
            name,
            one,
            [(row, cell, value) for row, (cell, stored, value) in enumerate(pairs) if stored != value],
        )
    return faults


def told(reader, name, one, bad):
    faults = [
        f"{reader}: column {name!r} ({one}), row {row + 1}: {short(cell)} was read as {short(read)}"
        for row, cell, read in bad[:SHOWN]
    ]
    return faults + ([f"{reader}: column {name!r}: {len(bad)} cells differ"] if len(bad) > SHOWN else [])


def short(value):
    from lxml import etree

    shown = repr(etree.tostring(value, encoding="unicode") if isinstance(value, etree._Element) else value)
    return shown if len(shown) <= 160 else f"{shown[:110]}…{shown[-40:]}"


# Counts.


def check_counts(form, manifest, rows, guard):
    """What a manifest counts, and where it says that texts were cut."""
    given = dict(manifest["cells"])
    positions = given.pop("positions", [])
    wanted = {}
    for name, one, column in zip(rows.names, rows.kinds, rows.columns):
        count = losses(form, one, guard)
        for cell in column:
            for loss in count(cell):
                wanted.setdefault(loss, {}).setdefault(name, 0)
                wanted[loss][name] += 1
    faults = []
    for loss in sorted(given.keys() | wanted.keys()):
        one, other = given.get(loss, {}), wanted.get(loss, {})
        for name in sorted(one.keys() | other.keys()):
            if one.get(name) != other.get(name):
                faults.append(
                    f"manifest: counts {one.get(name)} cells {loss} in {name!r}, and there are {other.get(name)}"
                )
    if form == "xlsx" and positions != cut_positions(rows):
        faults.append(f"manifest: cut cells at {short(positions)} and not at {short(cut_positions(rows))}")
    return faults


def cut_positions(rows):
    """The first cells that are too long, row by row."""
    found = []
    for name, one, column in zip(rows.names, rows.kinds, rows.columns):
        if kind(one) == "text" or is_nested(one) or kind(one) == "binary":
            shown = json_text(one) if is_nested(one) else plain(one)
            sizes = ((row, expect.utf16_units(shown(cell))) for row, cell in enumerate(column) if cell is not None)
            found += [(row, rows.names.index(name), name, units) for row, units in sizes if units > expect.CELL_UNITS]
    return [{"column": name, "row": row + 1, "units": units} for row, _, name, units in sorted(found)[:POSITIONS]]


# All of it.


def check_folder(folder, form, rows, compression=None, split_rows=None, guard=False):
    """Faults of an export that lies in a folder, and the paths and rows of its plain parts."""
    manifest, faults = check_manifest(folder, form, rows, compression, split_rows, guard)
    faults += check_counts(form, manifest, rows, guard)
    schema = folder / manifest["beside"]["path"] if "beside" in manifest else None
    parts = []
    for part in manifest["parts"]:
        path = folder / part["path"]
        if compression:
            stored, path = path.read_bytes(), folder.parent / f"{folder.name}-plain-{path.stem}"
            path.write_bytes(unpacked(stored, compression))
        parts.append((path, part["rows"]))
    for reader, read in READERS[form].items():
        try:
            faults += check_reader(form, reader, read, parts, rows, schema, guard)
        except (Exception, PanicException) as error:
            faults.append(f"{reader}: {type(error).__name__}: {short(str(error))}")
    return faults, parts


def check_export(lake, rows, what, form, compression=None, split_rows=None, guard=False, verify=False, jq=False):
    """Exports, and gives every fault."""
    options = (
        (["--compress", compression] if compression else [])
        + (["--split-rows", str(split_rows)] if split_rows else [])
        + (["--guard"] if guard else [])
    )
    title = " ".join([form, *options])
    try:
        folder = lake.export(form, what, *options)
    except AssertionError as error:
        return [f"{title}: {error}"]
    faults, parts = check_folder(folder, form, rows, compression, split_rows, guard)
    if jq and form in ("json", "ndjson"):
        for path, _ in parts:
            jq_agrees(path, form == "ndjson")
    if verify:
        faults += check_verify(lake, folder)
    if not faults:
        shutil.rmtree(folder)
        for path in folder.parent.glob(f"{folder.name}-plain-*"):
            path.unlink()
    return [f"{title}: {fault}" for fault in faults]
