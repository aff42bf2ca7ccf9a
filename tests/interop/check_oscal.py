"""Validates the OSCAL assessment results of a lake with programs that we did not write.

Usage: check_oscal.py BINARY LAKE SCHEMA.json.gz. Needs compliance-trestle (5.2 or later), jsonschema and regex. SCHEMA is
NIST's JSON schema of the model assessment-results 1.2.1, plain or compressed. BINARY checks the figures against the
lake's own tables; `-` leaves that out, and LAKE may then be one document. Fails with the first thing that is wrong.
"""

import datetime
import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jsonschema
import regex
from jsonschema import Draft7Validator, FormatChecker
from jsonschema.validators import extend

BINARY, LAKE, SCHEMA = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])


def pattern(validator, wanted, instance, schema):
    """JSON schema means patterns of ECMA 262, which know \\p{L}; Python's own do not."""
    if validator.is_type(instance, "string") and not regex.search(wanted, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {wanted!r}")


def schema_holds(document):
    opened = gzip.open if SCHEMA.suffix == ".gz" else open
    with opened(SCHEMA, "rt", encoding="utf-8") as file:
        schema = json.load(file)
    validator = extend(Draft7Validator, {"pattern": pattern})(schema, format_checker=FormatChecker())
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    assert error is None, f"{error.json_path}: {error.message}"
    print("JSON schema: valid")


def trestle_agrees(path):
    trestle = shutil.which("trestle", path=str(Path(sys.executable).parent)) or shutil.which("trestle")
    assert trestle, "trestle is not installed beside this Python"
    with tempfile.TemporaryDirectory() as workspace:

        def run(*words):
            done = subprocess.run([trestle, *words], cwd=workspace, capture_output=True, text=True)
            assert done.returncode == 0, f"trestle {' '.join(words)}: {done.stdout}{done.stderr}"
            return done.stdout + done.stderr

        run("init", "--local")
        run("import", "-f", str(path.resolve()), "-o", "report")
        said = run("validate", "-t", "assessment-results", "-n", "report")
        assert "VALID: Model" in said and "INVALID" not in said, said
        stored = Path(workspace, "assessment-results", "report", "assessment-results.json")
        theirs = json.loads(stored.read_text(encoding="utf-8"))
        ours = json.loads(path.read_text(encoding="utf-8"))
        assert_same(theirs, ours, "$")
    print("trestle: imported, valid, and written again without a loss")


def assert_same(theirs, ours, where):
    """Trestle writes instants in its own spelling, to the millisecond; everything else must come back as it was."""
    if isinstance(ours, dict):
        assert theirs.keys() == ours.keys(), f"{where}: {theirs.keys() ^ ours.keys()}"
        for key in ours:
            # The import is the document's last change.
            if key != "last-modified":
                assert_same(theirs[key], ours[key], f"{where}.{key}")
    elif isinstance(ours, list):
        assert len(theirs) == len(ours), where
        for number, (one, other) in enumerate(zip(theirs, ours)):
            assert_same(one, other, f"{where}[{number}]")
    elif where.rsplit(".", 1)[-1] in ("start", "end", "collected", "expires"):
        one, other = (datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (theirs, ours))
        assert abs(one - other) < datetime.timedelta(milliseconds=1), f"{where}: {theirs} and not {ours}"
    else:
        assert theirs == ours, f"{where}: {theirs!r} and not {ours!r}"


def references_resolve(document):
    defined, used = [], set()

    def walk(value):
        if isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, dict):
            for key, field in value.items():
                if key == "uuid":
                    defined.append(field)
                elif key.endswith("-uuid"):
                    used.add(field)
                elif key == "href" and field.startswith("#"):
                    used.add(field[1:])
                else:
                    walk(field)

    walk(document)
    assert len(defined) == len(set(defined)), "an id stands twice"
    assert used <= set(defined), f"references to nothing: {used - set(defined)}"
    resources = document["assessment-results"]["back-matter"]["resources"]
    unused = [one["uuid"] for one in resources if one["uuid"] not in used]
    assert not unused, f"resources that nothing refers to: {unused}"
    parts = {
        part["id"]
        for objective in document["assessment-results"].get("local-definitions", {}).get("objectives-and-methods", [])
        for part in objective["parts"]
    }
    findings = document["assessment-results"]["results"][0].get("findings", [])
    targets = {finding["target"]["target-id"] for finding in findings}
    assert targets <= parts, f"findings about nothing: {targets - parts}"
    print(f"ids: {len(defined)} defined once, {len(used)} referred to")


def figures_agree(document):
    """Against the lake's own table of results."""
    result = document["assessment-results"]["results"][0]
    job = next(prop["value"] for prop in result["props"] if prop["name"] == "job")
    sql = (
        "SELECT result_id, control_id, scope, status, violations FROM auditlake.control_results "
        f"WHERE run_job = '{job}' AND interval_end = TIMESTAMP '{result['end']}'"
    )
    command = [BINARY, "--lake", LAKE, "sql", sql, "--format", "json"]
    rows = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    figures = ("control_id", "scope", "status", "violations")
    expected = {row["result_id"]: [str(row[name]) for name in figures] for row in rows}
    told = {}
    for one in result["observations"]:
        props = {prop["name"]: prop["value"] for prop in one["props"]}
        told[one["uuid"]] = [props[name] for name in ("control", "tenant", "status", "violations")]
    assert told == expected, f"{len(told)} observations differ from {len(expected)} results"
    print(f"observations: {len(told)}, as in auditlake.control_results")


def evidence_agrees(document):
    """Each hash is that of the object in the store."""
    checked = 0
    for resource in document["assessment-results"]["back-matter"]["resources"]:
        for link in resource.get("rlinks", []):
            data = (LAKE / "data" / link["href"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == link["hashes"][0]["value"], f"{link['href']}: another hash"
            checked += 1
    print(f"evidence: {checked} objects have the hash that the document says")


def main():
    paths = [LAKE] if LAKE.is_file() else sorted((LAKE / "data" / "reports").glob("**/*.oscal.json"))
    assert paths, f"{LAKE} holds no OSCAL document; add format oscal to the outputs of a report"
    for path in paths:
        document = json.loads(path.read_text(encoding="utf-8"))
        print(f"{path.name}: {path.stat().st_size} bytes")
        schema_holds(document)
        references_resolve(document)
        trestle_agrees(path)
        if BINARY != "-":
            figures_agree(document)
            evidence_agrees(document)


main()
