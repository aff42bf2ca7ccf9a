"""Opens the workbook of a compliance report with a reader that we did not write, and compares it with the JSON report.

Usage: check_report_xlsx.py LAKE [JOB]. Needs openpyxl. The job (compliance, if not given) must have written xlsx and
json into one folder. Fails with the first thing that differs.
"""

import datetime
import json
import re
import sys
import zipfile
from pathlib import Path

import openpyxl

LAKE, JOB = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "compliance"

HEADERS = {
    "Summary": ["Part", "Figure", "Value", "Note"],
    "Scorecards": ["Framework", "Name", "Edition", "Score", "Judged", "Requirements", "Partial"],
    "Requirements": [
        "Framework", "Requirement", "Title", "Status", "Failing tenants", "Controls", "Why there is no verdict",
    ],
    "Controls": [
        "Control", "Version", "Title", "Severity", "Status", "Findings", "Of these decided", "Requirements",
        "Parameters", "What to do",
    ],
    "Results": [
        "Control", "Tenant", "Status", "Population", "Violations", "Of these decided", "Close to it",
        "Violation unknown", "Membership unknown", "Evidence rows", "Reason", "Result id", "Last intervals",
    ],
    "Findings": [
        "Control", "Tenant", "Time (UTC)", "What", "Why", "Evidence", "First seen (UTC)", "State", "Decision",
        "Decided by", "Reason of the decision", "Decided until", "Decided at (UTC)", "Finding id",
    ],
    "Changes": [
        "Kind", "Control", "Before", "In this report", "Redefined", "Partial", "New", "No longer found",
        "Older than the interval", "Not looked for", "Change", "Tenant", "Time (UTC)", "What", "Why", "Finding id",
    ],
    "Trends": [
        "Kind", "Id", "Interval start (UTC)", "Interval end (UTC)", "Run", "Intervals missing before", "Redefined",
        "Status", "Violations", "Version", "Score", "Judged", "Requirements",
    ],
    "Evidence": ["Control", "Path", "SHA-256", "Bytes", "Rows kept", "Violations", "Kept for"],
    "Not looked at": ["What", "Framework", "Control", "Tenant", "Dataset", "Count", "Why"],
    "Provenance": ["Kind", "Name", "Value", "ETag", "Bytes", "Rows"],
}

CHANGES = {
    "new": "new", "gone": "no longer found", "left": "older than the interval", "not_looked_for": "not looked for",
}


def same(what, theirs, expected):
    if len(theirs) == len(expected):
        for number, (one, other) in enumerate(zip(theirs, expected), 1):
            assert one == other, f"{what}, row {number}:\n{one}\nand not\n{other}"
    assert theirs == expected, f"{what}: {len(theirs)} rows and not {len(expected)}"
    print(f"{what}: {len(theirs)} rows as in the JSON report")


def instant(text):
    """As a cell holds it: UTC without a zone, to the millisecond, half up."""
    if text is None:
        return None
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=None)
    return at.replace(microsecond=0) + datetime.timedelta(milliseconds=(at.microsecond + 500) // 1000)


def word(status):
    return status and status.replace("_", " ")


def shown(value):
    """What does not print is an escape, such as \\u{1b}."""
    if not isinstance(value, str):
        return value
    return re.sub(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff]",
        lambda found: f"\\u{{{ord(found[0]):x}}}",
        value,
    )


def some(text):
    """An empty text is an empty cell."""
    return text or None


def share(permille):
    return None if permille is None else permille / 1000


def requirements(report):
    for card in report["scorecards"]:
        for row in card["requirements"]:
            why = None
            if row["never_looked_at"]:
                why = f"audit events can never show it: {row['never_looked_at']}"
            elif row["status"] is None:
                why = "no control of this report speaks to it"
            yield [
                card["framework"], row["id"], row["title"], word(row["status"]), row["failing_tenants"],
                some(", ".join(row["controls"])), why,
            ]


def controls(report):
    for one in report["controls"]:
        speaks_to = "\n".join(f"{key}: {', '.join(ids)}" for key, ids in one["frameworks"].items())
        params = []
        for param in one["params"]:
            default = "" if param["value"] == param["default"] else f" (default {param['default']})"
            params.append(f"{param['name']} = {param['value']}{default}")
        yield [
            one["id"], one["version"], one["title"], one["severity"], word(one["status"]), one["findings"],
            one["decided"], some(speaks_to), some("\n".join(params)), some(one["remediation"]),
        ]


def results(report):
    for one in report["controls"]:
        for row in one["results"]:
            points = []
            for point in row["history"]:
                again = ", redefined" if point["redefined"] else ""
                version = f"(version {point['control_version']}{again})"
                points.append(f"{point['interval_end']} {point['status']} {point['violations']} {version}")
            yield [
                one["id"], row["scope"], word(row["status"]), row["population"], row["violations"], row["decided"],
                row["warnings"], row["undecided_violation"], row["undecided_population"], row["evidence_rows"],
                row["reason"], row["result_id"], some("; ".join(points)),
            ]


def findings(report):
    shown = {None: "(null)", "": "(empty text)"}
    for one in report["controls"]:
        for row in one["rows"] + one["decided_rows"]:
            values = [f"{name}: {shown.get(value, value)}" for name, value in zip(one["columns"], row["values"])]
            decision = row["decision"] or {}
            until = decision.get("until")
            yield [
                one["id"], row["scope"], instant(row["time"]), some(row["resource"]), some(row["reason"]),
                some("\n".join(values)), instant(row["first_seen_at"]), word(row["state"]),
                word(decision.get("state")), decision.get("by"), decision.get("reason"),
                until and instant(f"{until}T00:00:00Z"), instant(decision.get("at")), row["finding_id"],
            ]


def changes(report):
    change = report["change"] or {"controls": [], "rows": []}
    for one in change["controls"]:
        counts = [one["findings"][name] for name in ("new", "gone", "left", "not_looked_for")]
        yield ["control", one["control"], word(one["before"]), word(one["after"]), one["redefined"], one["partial"],
               *counts, *[None] * 6]
    for row in change["rows"]:
        yield ["finding", row["control"], *[None] * 8, CHANGES[row["change"]], row["scope"], instant(row["time"]),
               some(row["resource"]), some(row["reason"]), row["finding_id"]]


def trends(report):
    for one in report["trend"]["intervals"]:
        end = one["interval"]["end"]
        place = [instant(one["interval"]["start"]), instant(end), one["run"], one["missing_before"]]
        for control in report["controls"]:
            for point in control["trend"]:
                if point["interval_end"] == end:
                    figures = [word(point["status"]), point["violations"], point["control_version"]]
                    yield ["control", control["id"], *place, point["redefined"], *figures, None, None, None]
        for card in report["scorecards"]:
            for point in card["trend"]:
                if point["interval_end"] == end:
                    figures = [share(point["score_permille"]), point["covered"], point["requirements_total"]]
                    yield ["framework", card["framework"], *place, point["redefined"], None, None, None, *figures]


def gaps(report):
    gap = report["not_looked_at"]
    for row in gap["requirements"]:
        for what, name in [
            ("requirements that audit events can never show", "never"),
            ("requirements that no control speaks to", "without_control"),
            ("requirements that could not be judged", "not_judged"),
        ]:
            yield [what, row["framework"], None, None, None, row[name], None]
    for row in gap["controls"]:
        yield ["control not evaluated", None, row["control"], row["scope"], None, None, row["reason"]]
    for tenant in gap["silent_tenants"]:
        yield ["tenant without events in the interval", None, None, tenant, None, None, None]
    for row in gap["rejected"]:
        yield ["records refused at ingest", None, None, None, row["dataset"], row["rows"], None]


def provenance(report):
    run, summary = report["run"], report["summary"]
    yield ["run", "run id", run["id"]]
    yield ["run", "instant", run["instant"]]
    yield ["run", "interval start", report["interval"]["start"]]
    yield ["run", "interval end", report["interval"]["end"]]
    yield ["run", "SHA-256 of the definitions", run["definitions_sha256"]]
    yield ["version", "auditlake", run["version"]]
    for name, version in report["provenance"]["versions"]:
        yield ["version", name, version]
    for one in report["controls"]:
        if one["plan_sha256"]:
            yield ["SHA-256 of a plan", one["id"], one["plan_sha256"]]
        yield ["SQL of the counts", one["id"], some(one["counts_sql"])]
        yield ["SQL of the violations", one["id"], some(one["violations_sql"])]
    yield ["SQL of a count", "events", summary["rows_sql"]]
    yield ["SQL of a count", "decided findings", summary["decided_sql"]]
    yield ["SQL of a count", "trends", report["trend"]["sql"]]
    if report["change"]:
        yield ["SQL of a count", "new findings", report["change"]["new_sql"]]
        yield ["SQL of a count", "findings no longer there", report["change"]["gone_sql"]]
    for row in report["not_looked_at"]["rejected"]:
        yield ["SQL of refused records", row["dataset"], row["sql"]]
    for file in report["provenance"]["inputs"]:
        yield ["file read", some(file["dataset"]), file["path"], file["etag"], file["bytes"], file["rows"]]


def expected(report):
    return {
        "Scorecards": [
            [card["framework"], card["name"], card["edition"], share(card["score_permille"]), card["covered"],
             card["requirements_total"], card["partial"]]
            for card in report["scorecards"]
        ],
        "Requirements": list(requirements(report)),
        "Controls": list(controls(report)),
        "Results": list(results(report)),
        "Findings": list(findings(report)),
        "Changes": list(changes(report)),
        "Trends": list(trends(report)),
        "Evidence": [
            [one["control"], one["path"], one["sha256"], one["bytes"], one["rows"], one["violations"], one["keep"]]
            for one in report["evidence"]
        ],
        "Not looked at": list(gaps(report)),
        "Provenance": [row + [None] * (6 - len(row)) for row in provenance(report)],
    }


def cover_holds(sheet, report):
    rows = {(part, figure): (value, note) for part, figure, value, note in sheet.iter_rows(min_row=2, values_only=True)}
    run, summary = report["run"], report["summary"]
    about = "Compliance report"
    figures = {
        (about, "Lake"): report["lake"],
        (about, "Review"): "not reviewed",
        (about, "Job"): run["job"],
        (about, "Run"): run["id"],
        (about, "Interval start (UTC)"): instant(report["interval"]["start"]),
        (about, "Interval end (UTC), not part of it"): instant(report["interval"]["end"]),
        (about, "Generated (UTC)"): instant(run["instant"]),
        ("Events", "In the interval"): summary["rows"],
        ("Events", "Tenants looked at"): summary["tenants"],
        ("Findings", "In the interval"): summary["findings"],
        ("Findings", "Of these decided"): summary["decided"],
        ("Findings", "Decisions that have run out"): summary["expired"],
    }
    figures.update({("Controls", word(status)): count for status, count in summary["controls"].items()})
    for card in report["scorecards"]:
        permille = card["score_permille"]
        score = "no score" if permille is None else f"{permille // 10}.{permille % 10} %"
        figures["Scores", card["name"]] = f"{score} on {card['covered']} of {card['requirements_total']} requirements"
    for key, value in figures.items():
        assert rows[key][0] == shown(value), f"Summary, {key}: {rows[key][0]!r} and not {value!r}"
    assert [figure for part, figure in rows if part == "Worst controls"] == summary["worst"]
    assert rows["Not looked at", "In one sentence"][1] == summary["not_looked_at"]
    print(f"Summary: {len(figures)} figures as in the JSON report")


def looks_right(sheet):
    header = HEADERS[sheet.title]
    assert [cell.value for cell in sheet[1]] == header, f"{sheet.title}: header {[cell.value for cell in sheet[1]]}"
    assert all(cell.font.bold for cell in sheet[1]), f"{sheet.title}: a header that is not bold"
    assert sheet.freeze_panes == "A2", f"{sheet.title}: frozen at {sheet.freeze_panes}"
    assert sheet.auto_filter.ref == sheet.dimensions, f"{sheet.title}: filter over {sheet.auto_filter.ref}"
    for row in sheet.iter_rows():
        for cell in row:
            assert cell.data_type in ("s", "n", "b", "d"), f"{sheet.title}!{cell.coordinate} is {cell.data_type}"
            assert cell.hyperlink is None, f"{sheet.title}!{cell.coordinate} is a link"


def no_formula(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            if name.endswith(".xml"):
                found = re.search(rb"<f[ >/]", archive.read(name))
                assert not found, f"{name}: a formula"
        assert not any("vba" in name or "external" in name for name in archive.namelist())


def main():
    (path,) = (LAKE / "data" / "reports" / JOB).glob(f"*/{JOB}.xlsx")
    report = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    no_formula(path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == list(HEADERS), f"sheets {book.sheetnames}"
    made = book.properties.created
    assert made == instant(report["run"]["instant"]).replace(microsecond=0), f"made at {made}"
    for sheet in book:
        looks_right(sheet)
    cover_holds(book["Summary"], report)
    for name, rows in expected(report).items():
        theirs = [list(row) for row in book[name].iter_rows(min_row=2, values_only=True)]
        same(name, theirs, [[shown(value) for value in row] for row in rows])


main()
