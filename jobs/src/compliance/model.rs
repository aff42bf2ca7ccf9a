//! The report as data, from what the controls found.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use engine::{Evaluated, LAKE_SCOPE};
use schemas::{
    Control, ControlReport, FindingRow, Judged, NotEvaluated, NotLookedAt, ParamRow, Provenance, RejectedCount, Report,
    ResultRow, RunInfo, Scorecard, Status, Summary, rfc3339, scorecard, uncovered,
};

use super::change::change;
use super::trend::Trends;
use super::{Material, findings_sql, status_counts};
use crate::error::JobError;
use crate::evidence::{Finding, result_id};

/// Open findings that a report shows of each control.
const ROWS_SHOWN: usize = 10;
/// Findings that were decided about and that a report shows of each control: each says who bears what.
const DECIDED_SHOWN: usize = 100;

/// Builds the report.
pub(super) async fn report(material: &Material<'_>) -> Result<Report, JobError> {
    let trends = Trends::read(material).await?;
    let controls: Vec<ControlReport> = material
        .controls
        .iter()
        .zip(&material.evaluated)
        .zip(&material.findings)
        .map(|((control, one), (_, found))| control_report(material, control, one, found, &trends))
        .collect();
    let scorecards = scorecards(material, &trends);
    let not_looked_at = not_looked_at(material, &scorecards).await?;
    let lake = &material.attempt.lake.definitions;
    let key = material.attempt.key;
    Ok(Report {
        lake: lake.id.to_string(),
        run: RunInfo {
            job: key.job.to_string(),
            id: key.id(),
            instant: key.instant,
            timezone: lake.timezone.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            definitions_sha256: lake.sha256.clone(),
            approval_required: material.spec.approval_required,
        },
        interval: material.attempt.interval,
        summary: summary(material, &controls, &not_looked_at).await?,
        change: change(material, &trends).await?,
        trend: trends.trend,
        scorecards,
        controls,
        evidence: material.evidence.clone(),
        not_looked_at,
        provenance: provenance(material),
    })
}

fn worst(one: &Evaluated) -> Status {
    Status::worst(one.scopes.iter().map(|scope| scope.status)).unwrap_or(Status::NotEvaluated)
}

fn control_report(
    material: &Material<'_>,
    control: &Control,
    one: &Evaluated,
    found: &[Finding],
    trends: &Trends,
) -> ControlReport {
    let used = material.spec.params_of(control);
    let params = control.params.iter().map(|(name, default)| ParamRow {
        name: name.clone(),
        default: default.display(),
        value: used.get(name).unwrap_or(default).display(),
    });
    let results = one.scopes.iter().map(|scope| ResultRow {
        result_id: result_id(control, &scope.scope, material.attempt.interval),
        scope: scope.scope.clone(),
        status: scope.status,
        population: scope.population,
        violations: scope.violations,
        decided: count_of(found, |finding| finding.row.scope == scope.scope && finding.decided().is_some()),
        undecided_violation: scope.undecided_violation,
        undecided_population: scope.undecided_population,
        warnings: scope.warnings,
        reason: scope.reason.clone(),
        evidence_rows: scope.evidence_rows,
        history: trends.history(control.id.as_str(), &scope.scope),
    });
    ControlReport {
        id: control.id.to_string(),
        version: control.version,
        title: control.title.clone(),
        severity: control.severity,
        status: worst(one),
        params: params.collect(),
        frameworks: control.frameworks.clone(),
        trend: trends.points(control.id.as_str()),
        results: results.collect(),
        counts_sql: one.counts_sql.clone(),
        violations_sql: one.violations_sql.clone(),
        plan_sha256: one.plan_sha256.map(|hash| engine::hex(&hash)),
        columns: control.evidence.columns.clone(),
        rows: shown(found, ROWS_SHOWN, [Finding::expired, |finding| finding.row.decision.is_none()]),
        decided_rows: shown(found, DECIDED_SHOWN, [|finding| finding.decided().is_some()]),
        findings: one.scopes.iter().map(|scope| scope.violations).sum(),
        decided: count_of(found, |finding| finding.decided().is_some()),
        remediation: control.remediation.clone(),
    }
}

/// The first of the findings that are of the first kind, then of the second, and so on.
fn shown<const N: usize>(found: &[Finding], most: usize, kinds: [fn(&Finding) -> bool; N]) -> Vec<FindingRow> {
    let of_kind = kinds.into_iter().flat_map(|kind| found.iter().filter(move |finding| kind(finding)));
    of_kind.take(most).map(|finding| finding.row.clone()).collect()
}

fn count_of(found: &[Finding], wanted: impl Fn(&Finding) -> bool) -> u64 {
    found.iter().filter(|finding| wanted(finding)).count() as u64
}

fn scorecards(material: &Material<'_>, trends: &Trends) -> Vec<Scorecard> {
    let statuses: Vec<Vec<(String, Status)>> = material
        .evaluated
        .iter()
        .map(|one| one.scopes.iter().map(|scope| (scope.scope.clone(), scope.status)).collect())
        .collect();
    let judged: Vec<Judged<'_>> =
        material.controls.iter().zip(&statuses).map(|(control, results)| Judged { control, results }).collect();
    let lake = &material.attempt.lake.definitions;
    let frameworks = material.spec.frameworks.iter().filter_map(|key| lake.framework(key));
    let scored =
        frameworks.map(|one| Scorecard { trend: trends.scores(one, &material.controls), ..scorecard(one, &judged) });
    scored.collect()
}

async fn summary(
    material: &Material<'_>,
    controls: &[ControlReport],
    not_looked_at: &NotLookedAt,
) -> Result<Summary, JobError> {
    let mut worst_first: Vec<&ControlReport> =
        controls.iter().filter(|control| !matches!(control.status, Status::Pass | Status::NotApplicable)).collect();
    worst_first.sort_by(|a, b| {
        let key = |control: &ControlReport| (control.status.rank(), std::cmp::Reverse(control.severity.level()));
        key(a).cmp(&key(b)).then_with(|| b.findings.cmp(&a.findings)).then_with(|| a.id.cmp(&b.id))
    });
    let tenants: BTreeSet<&String> = material
        .evaluated
        .iter()
        .flat_map(|one| one.scopes.iter().map(|scope| &scope.scope))
        .filter(|scope| *scope != LAKE_SCOPE)
        .collect();
    let rows_sql = rows_sql(material);
    Ok(Summary {
        rows: count(material, &rows_sql).await?,
        rows_sql,
        tenants: tenants.len() as u64,
        controls: status_counts(controls.iter().map(|control| control.status)),
        findings: controls.iter().map(|control| control.findings).sum(),
        decided: controls.iter().map(|control| control.decided).sum(),
        expired: material.findings.iter().map(|(_, found)| count_of(found, Finding::expired)).sum(),
        decided_sql: findings_sql::decided(material.attempt.key),
        worst: worst_first.iter().take(5).map(|control| control.id.clone()).collect(),
        not_looked_at: sentence(not_looked_at),
    })
}

fn sentence(not: &NotLookedAt) -> String {
    let counted = |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let requirements: u64 = not.requirements.iter().map(|one| one.never + one.without_control + one.not_judged).sum();
    let rejected: u64 = not.rejected.iter().map(|one| one.rows).sum();
    format!(
        "Not looked at: {} over {}, {} that could not be evaluated, {}, {}.",
        counted(requirements, "requirement", "requirements"),
        counted(not.requirements.len() as u64, "framework", "frameworks"),
        counted(not.controls.len() as u64, "result of a control", "results of controls"),
        counted(not.silent_tenants.len() as u64, "silent tenant", "silent tenants"),
        counted(rejected, "rejected record", "rejected records"),
    )
}

/// Counts the events of the interval over all tables that the controls read.
fn rows_sql(material: &Material<'_>) -> String {
    let interval = material.attempt.interval;
    let (start, end) = (rfc3339(interval.start), rfc3339(interval.end));
    let counts = tables(material).into_iter().filter_map(|table| {
        let within = match &material.session.dataset(table)?.time {
            Some(time) => format!(" WHERE \"{time}\" >= TIMESTAMP '{start}' AND \"{time}\" < TIMESTAMP '{end}'"),
            None => String::new(),
        };
        Some(format!("(SELECT count(*) FROM \"{table}\"{within})"))
    });
    let counts: Vec<String> = counts.collect();
    format!("SELECT {} AS rows", if counts.is_empty() { "0".to_owned() } else { counts.join("\n     + ") })
}

fn tables<'a>(material: &Material<'a>) -> BTreeSet<&'a str> {
    material.controls.iter().flat_map(|control| control.sql.reads()).collect()
}

async fn count(material: &Material<'_>, sql: &str) -> Result<u64, JobError> {
    let batches = material.session.query(sql).await?;
    let count = batches.first().map(|batch| batch.column(0).as_primitive::<Int64Type>().value(0));
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
}

async fn not_looked_at(material: &Material<'_>, scorecards: &[Scorecard]) -> Result<NotLookedAt, JobError> {
    let mut controls = Vec::new();
    let mut silent = BTreeSet::new();
    for (control, one) in material.controls.iter().zip(&material.evaluated) {
        for scope in &one.scopes {
            if matches!(scope.status, Status::NotEvaluated | Status::Error) {
                controls.push(NotEvaluated {
                    control: control.id.to_string(),
                    scope: scope.scope.clone(),
                    reason: scope.reason.clone().unwrap_or_else(|| "no reason was recorded".to_owned()),
                });
            }
        }
    }
    for scope in material.evaluated.iter().flat_map(|one| &one.scopes).map(|scope| &scope.scope) {
        let everywhere = material.evaluated.iter().all(|one| {
            let result = one.scopes.iter().find(|result| result.scope == *scope);
            result.is_none_or(|result| result.status == Status::NotEvaluated && result.population == 0)
        });
        if everywhere && scope != LAKE_SCOPE {
            silent.insert(scope.clone());
        }
    }
    let mut rejected = Vec::new();
    for table in tables(material) {
        let name = format!("{table}_rejected");
        if material.session.dataset(&name).is_some() {
            let sql = format!("SELECT count(*) AS rows FROM \"{name}\"");
            rejected.push(RejectedCount { dataset: table.to_owned(), rows: count(material, &sql).await?, sql });
        }
    }
    Ok(NotLookedAt {
        requirements: scorecards.iter().map(uncovered).collect(),
        controls,
        silent_tenants: silent.into_iter().collect(),
        rejected,
    })
}

fn provenance(material: &Material<'_>) -> Provenance {
    let mut versions = vec![("auditlake".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    let lake = &material.attempt.lake.definitions;
    for framework in material.spec.frameworks.iter().filter_map(|key| lake.framework(key)) {
        versions.push((format!("framework {}", framework.key), framework.edition.clone()));
    }
    for control in &material.controls {
        versions.push((format!("control {}", control.id), control.version.to_string()));
    }
    Provenance { inputs: material.inputs.clone(), versions }
}
