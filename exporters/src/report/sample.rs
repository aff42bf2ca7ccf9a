//! Reports for tests: one as a lake would make it, and the same with hostile text in every field.

use std::collections::BTreeMap;

use schemas::{
    Change, ChangedFinding, ControlChange, ControlPoint, ControlReport, Decision, EvidenceObject, FindingChange,
    FindingChanges, FindingRow, FindingState, InputFile, Interval, NotEvaluated, NotLookedAt, ParamRow, Provenance,
    RejectedCount, Report, RequirementRow, ResultRow, RunInfo, ScorePoint, Scorecard, Severity, Status, StatusCounts,
    Summary, Trend, TrendInterval, UncoveredRequirements, derived_id, parse_day, parse_rfc3339,
};
use serde_json::Value;

/// An instant, without naming its type, which is chrono's and no dependency of this crate.
macro_rules! at {
    ($text:expr) => {
        parse_rfc3339($text).expect("is an instant")
    };
}

/// Put around every text of [`hostile`].
const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{1b}[2J\0\u{85}\u{202e}\u{2028}\r\n";

/// Keys whose texts are no texts of the data.
const TYPED: [&str; 14] = [
    "before",
    "after",
    "change",
    "status",
    "severity",
    "instant",
    "start",
    "end",
    "time",
    "first_seen_at",
    "interval_end",
    "state",
    "until",
    "at",
];

/// A month of three tenants.
pub(crate) fn sample() -> Report {
    let controls = controls();
    let mut counts = StatusCounts::default();
    controls.iter().for_each(|control| counts.add(control.status));
    Report {
        lake: "Meridian Payments".into(),
        run: RunInfo {
            job: "soc2-monthly".into(),
            id: "soc2-monthly@20260401T040000Z".into(),
            instant: at!("2026-04-01T04:00:00.000250Z"),
            timezone: "Europe/Berlin".into(),
            version: "0.1.0".into(),
            definitions_sha256: hash("definitions"),
            approval_required: false,
        },
        interval: Interval { start: at!("2026-02-28T23:00:00Z"), end: at!("2026-03-31T22:00:00Z") },
        summary: Summary {
            rows: 18_204_611,
            rows_sql: "SELECT count(*) AS rows\nFROM audit\nWHERE time < TIMESTAMP '2026-03-31T22:00:00Z'".into(),
            tenants: 3,
            controls: counts,
            findings: 48_288,
            decided: 3,
            expired: 1,
            decided_sql: "SELECT count(*) AS decided\nFROM auditlake.findings\nWHERE state <> 'open'".into(),
            worst: vec!["ac-mfa".into(), "ac-leaver".into(), "log-gap".into(), "ac-review".into()],
            not_looked_at: "33 requirements have no control, 1 control could not be evaluated for tenant globex, and \
                            1,204 records were refused at ingest."
                .into(),
        },
        change: Some(change()),
        trend: trend(),
        scorecards: vec![soc2(), gdpr(), empty_framework()],
        evidence: vec![evidence("ac-mfa", 10_000, 48_211), evidence("ac-leaver", 77, 77)],
        controls,
        not_looked_at: NotLookedAt {
            requirements: vec![
                UncoveredRequirements { framework: "soc2".into(), never: 21, without_control: 12, not_judged: 1 },
                UncoveredRequirements { framework: "gdpr".into(), never: 58, without_control: 34, not_judged: 0 },
            ],
            controls: vec![NotEvaluated {
                control: "log-gap".into(),
                scope: "globex".into(),
                reason: "table heartbeat has no column received_at".into(),
            }],
            silent_tenants: vec!["initech".into()],
            rejected: vec![RejectedCount {
                dataset: "audit".into(),
                rows: 1_204,
                sql: "SELECT count(*) AS rows FROM audit_rejected".into(),
            }],
        },
        provenance: Provenance {
            inputs: (1..=31).map(input).collect(),
            versions: vec![
                ("datafusion".into(), "55.2.0".into()),
                ("soc2".into(), "2017, points of focus 2022".into()),
            ],
        },
    }
}

/// The sample with markup, formulas, control characters and quotes in every text, names of columns included.
pub(crate) fn hostile() -> Report {
    let mut value = serde_json::to_value(sample()).expect("encodes");
    poison(&mut value, "");
    serde_json::from_value(value).expect("reads")
}

/// The first report of a job that looked at nothing.
pub(crate) fn empty() -> Report {
    let report = sample();
    Report {
        summary: Summary {
            rows: 0,
            tenants: 0,
            controls: StatusCounts::default(),
            findings: 0,
            decided: 0,
            expired: 0,
            worst: Vec::new(),
            ..report.summary
        },
        change: None,
        trend: Trend { intervals: Vec::new(), ..report.trend },
        scorecards: Vec::new(),
        controls: Vec::new(),
        evidence: Vec::new(),
        not_looked_at: NotLookedAt {
            requirements: Vec::new(),
            controls: Vec::new(),
            silent_tenants: Vec::new(),
            rejected: Vec::new(),
        },
        provenance: Provenance { inputs: Vec::new(), versions: Vec::new() },
        ..report
    }
}

/// Every leaf of a model, with the key it stands under.
pub(crate) fn leaves<'v>(value: &'v Value, key: &'v str, found: &mut Vec<(&'v str, &'v Value)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, key, found)),
        Value::Object(fields) => fields.iter().for_each(|(key, field)| leaves(field, key, found)),
        leaf => found.push((key, leaf)),
    }
}

fn poison(value: &mut Value, key: &str) {
    match value {
        Value::String(text) if !TYPED.contains(&key) => *text = format!("=cmd|' /C calc'!A0{text}{HOSTILE}"),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, key)),
        Value::Object(fields) => fields.iter_mut().for_each(|(key, field)| poison(field, key)),
        _ => {}
    }
}

fn hash(of: &str) -> String {
    let id = derived_id(&[of]).replace('-', "");
    format!("{id}{id}")
}

fn input(day: u64) -> InputFile {
    InputFile {
        dataset: if day.is_multiple_of(5) { "identity".into() } else { "audit".into() },
        path: format!("data/audit/tenant=acme/date=2026-03-{day:02}/part-{:08}.parquet", day * 7_919),
        etag: format!("\"{}\"", &hash(&day.to_string())[..32]),
        bytes: 48_120_331 + day * 1_013,
        rows: 587_245 + day * 17,
        via: None,
    }
}

fn evidence(control: &str, rows: u64, violations: u64) -> EvidenceObject {
    EvidenceObject {
        control: control.into(),
        path: format!("_auditlake/evidence/{control}/2026-03/part-0.parquet"),
        sha256: hash(control),
        bytes: rows * 61 + 4_096,
        rows,
        violations,
        keep: "7y".into(),
    }
}

fn requirement(
    id: &str,
    title: &str,
    status: Option<Status>,
    failing_tenants: u64,
    controls: &[&str],
) -> RequirementRow {
    RequirementRow {
        id: id.into(),
        title: title.into(),
        status,
        failing_tenants,
        controls: controls.iter().map(|id| (*id).to_owned()).collect(),
        never_looked_at: None,
    }
}

fn never(id: &str, title: &str, why: &str) -> RequirementRow {
    RequirementRow { never_looked_at: Some(why.into()), ..requirement(id, title, None, 0, &[]) }
}

fn soc2() -> Scorecard {
    Scorecard {
        framework: "soc2".into(),
        name: "SOC 2 Trust Services Criteria".into(),
        edition: "2017, points of focus 2022".into(),
        score_permille: Some(914),
        covered: 31,
        requirements_total: 64,
        partial: true,
        trend: scores(&[Some(402), Some(640), Some(701), None, Some(880), Some(914)], 31, 64),
        requirements: vec![
            never("CC1.1", "Integrity and ethical values", "needs interviews"),
            requirement(
                "CC6.1",
                "Logical access to information assets",
                Some(Status::Fail),
                2,
                &["ac-mfa", "ac-review"],
            ),
            requirement("CC6.2", "Registering and removing users", Some(Status::Fail), 1, &["ac-leaver"]),
            requirement("CC7.2", "Monitoring for anomalies", Some(Status::NotEvaluated), 0, &["log-gap"]),
            requirement("CC6.6", "Protection from outside the boundary", None, 0, &[]),
            requirement("CC8.1", "Changes are authorised and tested", Some(Status::Pass), 0, &["ch-approved"]),
        ],
    }
}

fn gdpr() -> Scorecard {
    Scorecard {
        framework: "gdpr".into(),
        name: "GDPR".into(),
        edition: "Regulation (EU) 2016/679".into(),
        score_permille: Some(775),
        covered: 57,
        requirements_total: 99,
        partial: false,
        trend: scores(&[Some(512), Some(700), Some(770), Some(770), Some(1_000), Some(775)], 57, 99),
        requirements: vec![
            requirement(
                "Art. 32(1)(b)",
                "Ongoing confidentiality and integrity",
                Some(Status::Warn),
                0,
                &["ac-review"],
            ),
            never("Art. 35", "Data protection impact assessment", "is a document, no event"),
        ],
    }
}

fn empty_framework() -> Scorecard {
    Scorecard {
        framework: "aiact".into(),
        name: "EU AI Act".into(),
        edition: "Regulation (EU) 2024/1689".into(),
        score_permille: None,
        covered: 0,
        requirements_total: 113,
        partial: true,
        trend: Vec::new(),
        requirements: vec![requirement("Art. 12", "Record-keeping", None, 0, &[])],
    }
}

fn controls() -> Vec<ControlReport> {
    vec![
        mfa(),
        control("ac-leaver", "Accounts of leavers are closed within a day", Severity::High, Status::Fail, 77),
        control("ac-review", "Access rights are reviewed every quarter", Severity::Medium, Status::Warn, 0),
        control("ch-approved", "Every change names its approval", Severity::High, Status::Pass, 0),
        ControlReport {
            plan_sha256: None,
            ..control("log-gap", "No tenant's log is silent for an hour", Severity::Medium, Status::NotEvaluated, 0)
        },
        control("crypto-keys", "Keys are rotated every year", Severity::Info, Status::NotApplicable, 0),
    ]
}

fn mfa() -> ControlReport {
    let values = [Some("203.0.113.7".to_owned()), None, Some(String::new())];
    let rows = (0..13).map(|index| FindingRow {
        finding_id: derived_id(&["finding", &index.to_string()]),
        scope: if index < 7 { "acme".into() } else { "umbrella".into() },
        time: (index != 3).then(|| at!(&format!("2026-03-{:02}T08:14:09.{:06}Z", index + 2, index * 91_733))),
        resource: format!("user:u-{:05}", 40_012 + index * 37),
        reason: "interactive login of an administrator without a second factor".into(),
        first_seen_at: at!("2026-03-03T04:00:00Z"),
        values: values.to_vec(),
        state: FindingState::Open,
        // The first was accepted for a time that is over.
        decision: (index == 0).then(|| decision(FindingState::Accepted, Some("2026-03-15"))),
    });
    let mut rows: Vec<FindingRow> = rows.collect();
    let states = [
        (FindingState::Accepted, Some("2026-06-30")),
        (FindingState::FalsePositive, Some("2027-03-31")),
        (FindingState::Remediated, None),
    ];
    let decided = states.into_iter().zip(rows.split_off(10)).map(|((state, until), row)| FindingRow {
        state,
        decision: Some(decision(state, until)),
        ..row
    });
    let results = vec![
        result("ac-mfa", "acme", Status::Fail, 1_204_331, 48_000, &[410, 380, 395, 6_002, 12_030]),
        result("ac-mfa", "globex", Status::Pass, 88_120, 0, &[3, 1, 0, 0, 0]),
        result("ac-mfa", "umbrella", Status::Fail, 19_077, 211, &[120]),
    ];
    ControlReport {
        decided: 3,
        decided_rows: decided.collect(),
        params: vec![
            ParamRow { name: "max_share_ppm".into(), default: "0".into(), value: "500".into() },
            ParamRow { name: "exempt".into(), default: "[]".into(), value: "[break-glass-1]".into() },
        ],
        columns: vec!["source_ip".into(), "auth_method".into(), "device".into()],
        rows,
        trend: points(&results),
        results,
        ..control("ac-mfa", "Administrators log in with a second factor", Severity::Critical, Status::Fail, 48_211)
    }
}

fn decision(state: FindingState, until: Option<&str>) -> Decision {
    Decision {
        state,
        by: "head of platform".into(),
        reason: "break-glass account, locked away; ticket SEC-4711".into(),
        until: until.map(|day| parse_day(day).expect("is a day")),
        at: at!("2026-03-10T09:12:00Z"),
    }
}

fn control(id: &str, title: &str, severity: Severity, status: Status, findings: u64) -> ControlReport {
    let results = vec![ResultRow {
        reason: (status == Status::NotEvaluated).then(|| "table heartbeat has no column received_at".into()),
        ..result(id, "acme", status, 5_120, findings, &[9, 4])
    }];
    ControlReport {
        id: id.into(),
        version: 3,
        title: title.into(),
        severity,
        status,
        params: vec![ParamRow { name: "max_days".into(), default: "90".into(), value: "90".into() }],
        frameworks: BTreeMap::from([
            ("soc2".into(), vec!["CC6.1".into(), "CC6.2".into()]),
            ("gdpr".into(), vec!["Art. 32(1)(b)".into()]),
        ]),
        trend: points(&results),
        results,
        counts_sql: "SELECT tenant AS scope, count(*) AS n, count(*) FILTER (WHERE violation) AS v\nFROM population\nWHERE n <> 0 AND kind < 'b'\nGROUP BY tenant".into(),
        violations_sql: "SELECT tenant AS scope, event_id, time, resource, reason\nFROM population\nWHERE violation".into(),
        plan_sha256: Some(hash(id)),
        columns: Vec::new(),
        rows: Vec::new(),
        decided_rows: Vec::new(),
        findings,
        decided: 0,
        remediation: "Turn on the second factor for every administrator, then revoke the sessions listed here.".into(),
    }
}

/// Ends of monthly intervals, January 2026 left out.
const ENDS: [&str; 6] = [
    "2025-09-30T22:00:00Z",
    "2025-10-31T23:00:00Z",
    "2025-11-30T23:00:00Z",
    "2025-12-31T23:00:00Z",
    "2026-02-28T23:00:00Z",
    "2026-03-31T22:00:00Z",
];

/// Controls had version 2 before the third interval.
fn version(index: usize) -> u32 {
    if index < 2 { 2 } else { 3 }
}

fn trend() -> Trend {
    let starts = ["2025-08-31T22:00:00Z", ENDS[0], ENDS[1], ENDS[2], "2026-01-31T23:00:00Z", ENDS[4]];
    let intervals = starts.iter().zip(ENDS).map(|(start, end)| TrendInterval {
        run: format!("soc2-monthly@{}", schemas::compact(at!(end))),
        interval: Interval { start: at!(start), end: at!(end) },
        missing_before: u64::from(end == ENDS[4]),
    });
    let sql = "SELECT interval_end, control_id, scope, status, violations\nFROM auditlake.control_results".into();
    Trend { intervals: intervals.collect(), sql }
}

fn scores(permille: &[Option<u64>], covered: u64, requirements_total: u64) -> Vec<ScorePoint> {
    let points = ENDS.iter().zip(permille).enumerate().map(|(index, (end, score))| ScorePoint {
        interval_end: at!(end),
        redefined: index == 2,
        score_permille: *score,
        covered: if score.is_some() { covered } else { 0 },
        requirements_total,
    });
    points.collect()
}

/// The sum over tenants.
fn points(results: &[ResultRow]) -> Vec<ControlPoint> {
    let of = |end: &str| {
        let end = at!(end);
        results.iter().flat_map(move |row| row.history.iter().filter(move |point| point.interval_end == end))
    };
    let points = ENDS.iter().enumerate().filter_map(|(index, end)| {
        Some(ControlPoint {
            interval_end: at!(end),
            control_version: version(index),
            redefined: index == 2,
            status: Status::worst(of(end).map(|point| point.status))?,
            violations: of(end).map(|point| point.violations).sum(),
        })
    });
    points.collect()
}

fn change() -> Change {
    let row = |change, number: u32| ChangedFinding {
        control: "ac-leaver".into(),
        scope: "acme".into(),
        finding_id: derived_id(&["changed", &number.to_string()]),
        change,
        time: (number != 2).then(|| at!(&format!("2026-03-{number:02}T10:00:00Z"))),
        resource: format!("user:u-{number:05}"),
        reason: "account of a leaver was open for more than a day".into(),
    };
    let of = |control: &str, before, after, findings: [u64; 4]| {
        let [new, gone, left, not_looked_for] = findings;
        ControlChange {
            control: control.into(),
            before,
            after,
            redefined: control == "ac-leaver",
            partial: control == "ac-mfa",
            findings: FindingChanges { new, gone, left, not_looked_for },
        }
    };
    Change {
        run: trend().intervals[4].run.clone(),
        interval: trend().intervals[4].interval,
        findings: FindingChanges { new: 9_971, gone: 3, left: 12_001, not_looked_for: 4 },
        controls: vec![
            of("ac-leaver", Some(Status::Pass), Some(Status::Fail), [77, 3, 0, 0]),
            of("ac-mfa", Some(Status::Fail), Some(Status::Fail), [9_894, 0, 12_001, 0]),
            of("log-gap", Some(Status::Fail), Some(Status::NotEvaluated), [0, 0, 0, 4]),
            of("old-one", Some(Status::Warn), None, [0, 0, 0, 0]),
        ],
        rows: vec![
            row(FindingChange::New, 1),
            row(FindingChange::Gone, 2),
            row(FindingChange::NotLookedFor, 3),
            row(FindingChange::Left, 4),
        ],
        new_sql: "SELECT control_id, count(*) AS new\nFROM auditlake.findings\nGROUP BY control_id".into(),
        gone_sql: "SELECT control_id, count(*) AS gone\nFROM auditlake.findings\nGROUP BY control_id".into(),
    }
}

/// `history` are the violations of earlier months.
fn result(control: &str, scope: &str, status: Status, population: u64, violations: u64, history: &[u64]) -> ResultRow {
    let earlier = history.iter().map(|count| (*count, if *count > 0 { Status::Fail } else { Status::Pass }));
    let ends = ENDS.iter().enumerate().take(history.len()).chain([(5, &ENDS[5])]);
    let history =
        ends.zip(earlier.chain([(violations, status)])).map(|((index, end), (violations, status))| ControlPoint {
            interval_end: at!(end),
            control_version: version(index),
            redefined: index == 2 || (index == 5 && history.len() < 2),
            status,
            violations,
        });
    ResultRow {
        result_id: derived_id(&[control, scope]),
        scope: scope.into(),
        status,
        population,
        violations,
        decided: if scope == "acme" && control == "ac-mfa" { 3 } else { 0 },
        undecided_violation: population / 40_000,
        undecided_population: population / 300_000,
        warnings: (status == Status::Warn).then_some(population / 60_000),
        reason: None,
        evidence_rows: violations.min(10_000),
        history: history.collect(),
    }
}
