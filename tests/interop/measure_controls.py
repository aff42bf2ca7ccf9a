"""Measures the shipped controls over many events: seconds and peak memory of a whole report run.

Usage: measure_controls.py BINARY MULTIPLY FOLDER COPIES. MULTIPLY is the binary of `cargo build -p benches --bin multiply`;
50 copies of the demo are 10 million events. Ingests them, runs the controls of form 1 and then all of them, and checks
that every control had a verdict and found what was planted, as many times as there are copies.
"""

import argparse
import json
import re
import subprocess
from pathlib import Path

from measuring import measured

AT = "2026-03-02T00:00:00Z"
JOB = """\
job: {name}
kind: compliance_report
window: 60d
frameworks: [soc2, gdpr, hipaa, pci, iso, ccpa, sox, aiact]
controls: [{controls}]
outputs:
  - {{format: json, to: "reports/{name}/{{interval.end:%Y-%m-%d}}/"}}
"""


def controls():
    """Ids of the controls that ship, by form."""
    folder = Path(__file__).parent.parent.parent / "schemas" / "controls"
    forms = {1: [], 2: []}
    for path in sorted(folder.glob("*/*.yaml")):
        text = path.read_text(encoding="utf-8")
        forms[1 if re.search("^rows:", text, re.MULTILINE) else 2].append(path.stem)
    return forms


def lake(binary, multiply, folder, copies):
    """The demo's lake with every record many times."""
    demo = folder / "demo"
    subprocess.run([binary, "demo", demo], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    big = folder / "big"
    subprocess.run([binary, "init", big], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([multiply, demo / "drop", folder / "drop", str(copies)], check=True)
    for part, at in (("identity", AT), ("consent", AT), ("dsr", AT), ("audit", "2026-03-01T00:00:00Z"), ("audit", AT)):
        source = folder / "drop" / part
        last = source / "2026-03-01.ndjson"
        early = part == "audit" and at != AT
        if early:
            last.rename(folder / last.name)
        elif part == "audit":
            (folder / last.name).rename(last)
        command = [binary, "--lake", big, "--output", "json", "--at", at, "ingest", "ndjson", source, "--into", part]
        seconds, mib, answer = measured(command)
        rows = json.loads(answer)["rows"]
        print(f"ingest into {part}: {rows} rows, {seconds:.1f} s, {rows / seconds:.0f} rows/s, peak {mib:.0f} MiB", flush=True)
    return demo, big


def statuses(binary, folder, job):
    sql = f"""SELECT control_id, sum(violations) AS violations, bool_or(status NOT IN ('not_evaluated', 'error')) AS judged
              FROM auditlake.control_results WHERE run_job = '{job}' GROUP BY control_id"""
    _, _, answer = measured([binary, "--lake", folder, "--output", "json", "sql", sql])
    return {row["control_id"]: (row["violations"], row["judged"]) for row in json.loads(answer)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("multiply", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("copies", type=int)
    args = parser.parse_args()
    binary = args.binary.absolute()
    demo, big = lake(binary, args.multiply.absolute(), args.folder, args.copies)
    forms = controls()
    jobs = {"form-1": forms[1], "all": forms[1] + forms[2]}
    for name, ids in jobs.items():
        for folder in (demo, big):
            text = JOB.format(name=name, controls=", ".join(ids))
            (folder / "jobs" / f"{name}.yaml").write_text(text, encoding="utf-8")
        seconds, mib, _ = measured([binary, "--lake", big, "--output", "json", "run", name, "--at", AT])
        print(f"{name}: {len(ids)} controls, {seconds:.1f} s, peak {mib:.0f} MiB", flush=True)
    measured([binary, "--lake", demo, "--output", "json", "run", "all", "--at", AT])
    once, many = statuses(binary, demo, "all"), statuses(binary, big, "all")
    silent = [control for control, (_, judged) in many.items() if not judged]
    assert not silent, f"no verdict of {silent}"
    for control, (violations, _) in once.items():
        found = many[control][0]
        print(f"{control}: {violations} planted, {found} of {violations * args.copies} found in the copies", flush=True)


main()
