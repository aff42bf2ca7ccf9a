//! From figures to statuses. The rules are SQL, and SQL evaluates them: one statement for all tenants.
//!
//! Absent: an expression language of our own.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use schemas::{Control, Status};

use super::bind::{Binder, Refused};
use super::fused::{ByScope, Counts};
use super::prepare::Obstacle;
use super::{EvaluationInput, ScopeResult};
use crate::error::EngineError;
use crate::lake_session::LakeSession;

/// Tenants judged by one statement: keeps its text small.
const SCOPES_AT_A_TIME: usize = 500;

const NO_ROWS: &str = "no rows of this tenant in the interval";

/// The results of one control for the tenants of `scopes`; the flag says whether a tenant has rows.
///
/// # Errors
/// When an object changed under the run.
pub(crate) async fn judge(
    session: &LakeSession,
    input: &EvaluationInput<'_>,
    run: &super::ControlRun<'_>,
    scopes: &BTreeMap<String, bool>,
    counts: &ByScope,
) -> Result<Vec<ScopeResult>, EngineError> {
    let ruled = match rules(session, input, run, counts).await {
        Ok(ruled) => ruled,
        Err(Unruled::Refused(refused)) => return Ok(blocked(scopes.keys(), &Obstacle::error(&refused), counts)),
        Err(Unruled::Engine(error)) => return Ok(blocked(scopes.keys(), &Obstacle::of(error)?, counts)),
    };
    let judged = scopes.iter().map(|(scope, present)| {
        let figures = counts.get(scope).copied().unwrap_or_default();
        let anything = figures != Counts::default();
        let (status, reason) = if *present || anything {
            let by_rule = ruled.get(scope).copied().unwrap_or(Status::Error);
            decide(run.control, &figures, by_rule)
        } else {
            (Status::NotEvaluated, Some(NO_ROWS.to_owned()))
        };
        result(scope, status, reason, &figures)
    });
    Ok(judged.collect())
}

/// One and the same result for every tenant.
pub(crate) fn blocked<'a>(
    scopes: impl Iterator<Item = &'a String>,
    obstacle: &Obstacle,
    counts: &ByScope,
) -> Vec<ScopeResult> {
    let of = |scope: &str| {
        let figures = counts.get(scope).copied().unwrap_or_default();
        result(scope, obstacle.status, Some(obstacle.reason.clone()), &figures)
    };
    let results: Vec<ScopeResult> = scopes.map(|scope| of(scope)).collect();
    if results.is_empty() { vec![of(super::LAKE_SCOPE)] } else { results }
}

fn result(scope: &str, status: Status, reason: Option<String>, figures: &Counts) -> ScopeResult {
    ScopeResult {
        scope: scope.to_owned(),
        status,
        population: figures.population,
        violations: figures.violations,
        undecided_violation: figures.undecided_violation,
        undecided_population: figures.undecided_population,
        warnings: figures.warnings,
        reason,
        evidence_rows: 0,
    }
}

/// Undecided rows take a pass away, never a fail.
fn decide(control: &Control, figures: &Counts, by_rule: Status) -> (Status, Option<String>) {
    let (n, v, u) = (figures.population, figures.violations, figures.undecided());
    if n == 0 && v > 0 {
        let reason = format!("{v} violations in a population of no rows; the control's two statements disagree");
        return (Status::Error, Some(reason));
    }
    if let Some(w) = figures.warnings
        && w > n
    {
        let reason = format!("{w} rows near a violation in a population of {n}; the control's statement counts wrong");
        return (Status::Error, Some(reason));
    }
    if n == 0 && u == 0 {
        return (Status::NotApplicable, None);
    }
    let allowed = u128::from(control.max_undecided_ppm) * u128::from(n);
    let too_many = u128::from(u) * 1_000_000 > allowed;
    if too_many && (n == 0 || matches!(by_rule, Status::Pass | Status::Warn)) {
        return (Status::NotEvaluated, Some(undecided(figures)));
    }
    (by_rule, None)
}

fn undecided(figures: &Counts) -> String {
    let mut parts = Vec::new();
    if figures.undecided_violation > 0 {
        let (u, n) = (figures.undecided_violation, figures.population);
        parts.push(format!("whether {u} of {n} rows violate is not known"));
    }
    if figures.undecided_population > 0 {
        let u = figures.undecided_population;
        parts.push(format!("whether {u} more rows belong to the population is not known"));
    }
    parts.join("; ")
}

enum Unruled {
    Refused(Refused),
    Engine(EngineError),
}

/// What the first rule that holds says, by tenant.
async fn rules(
    session: &LakeSession,
    input: &EvaluationInput<'_>,
    run: &super::ControlRun<'_>,
    counts: &ByScope,
) -> Result<BTreeMap<String, Status>, Unruled> {
    let binder = Binder::new(&run.params, input.interval, &input.timezone, std::collections::BTreeSet::new());
    let mut cases = String::new();
    for (at, rule) in run.control.status.iter().enumerate() {
        let when = match &rule.when {
            Some(when) => binder.expression("a status rule", when).map_err(Unruled::Refused)?,
            None => "true".to_owned(),
        };
        cases.push_str(&format!(" WHEN ({when}) THEN {at}"));
    }
    let mut ruled = BTreeMap::new();
    let all: Vec<(&String, &Counts)> = counts.iter().collect();
    // A rule over w means something only where w is counted; elsewhere it is an unknown column.
    let warns = all.iter().any(|(_, counts)| counts.warnings.is_some());
    let names = if warns { "i, n, v, u, w" } else { "i, n, v, u" };
    for some in all.chunks(SCOPES_AT_A_TIME) {
        let rows: Vec<String> = some
            .iter()
            .enumerate()
            .map(|(row, (_, counts))| {
                let warnings = if warns { format!(", {}", counts.warnings.unwrap_or(0)) } else { String::new() };
                format!("({row}, {}, {}, {}{warnings})", counts.population, counts.violations, counts.undecided())
            })
            .collect();
        let sql = format!(
            "SELECT given.i, CASE{cases} END AS rule FROM (VALUES {}) AS given ({names}) ORDER BY given.i",
            rows.join(", "),
        );
        let chosen = chosen(session, &sql).await.map_err(Unruled::Engine)?;
        for ((scope, _), rule) in some.iter().zip(chosen) {
            let status = rule.and_then(|at| run.control.status.get(at)).map_or(Status::Error, |rule| rule.is);
            ruled.insert((*scope).clone(), status);
        }
    }
    // A tenant with rows that the statement did not count has nothing of anything.
    Ok(ruled)
}

async fn chosen(session: &LakeSession, sql: &str) -> Result<Vec<Option<usize>>, EngineError> {
    let mut chosen = Vec::new();
    for batch in session.query(sql).await? {
        let column = cast(batch.column(1), &DataType::Int64).map_err(|error| EngineError::sql("run", error.into()))?;
        chosen.extend(column.as_primitive::<Int64Type>().iter().map(|at| at.and_then(|at| usize::try_from(at).ok())));
    }
    Ok(chosen)
}
