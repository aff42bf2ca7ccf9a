//! The run over all controls: prepare, count, judge, collect.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;

use super::bind::name;
use super::evidence::{self, EvidenceRows};
use super::fused::{self, ByScope, Scanned, Shared, texts};
use super::held::{self, Budget, Held};
use super::judge::{blocked, judge};
use super::prepare::{FooterCache, Obstacle, Prepared, prepare};
use super::rows::within;
use super::{ControlRun, Evaluated, EvaluationInput, ScopeResult};
use crate::error::EngineError;
use crate::lake_session::LakeSession;

/// Evaluates every control, in order.
///
/// What goes wrong with one control is its status and reason.
///
/// # Errors
/// When an object changed while it was read: the run starts again.
pub async fn evaluate(session: &LakeSession, input: &EvaluationInput<'_>) -> Result<Vec<Evaluated>, EngineError> {
    let mut footers = FooterCache::default();
    let mut ready = Vec::with_capacity(input.controls.len());
    for run in &input.controls {
        ready.push(prepare(session, input, run, &mut footers).await?);
    }
    let shared = fused::tallies(session, &ready).await?;
    let presence = Presence::of(session, input, &shared).await?;
    for prepared in &mut ready {
        prepared.obstacle = prepared.obstacle.take().or_else(|| presence.obstacle(prepared.run));
    }
    let mut budget = Budget::new(input.held_rows);
    let mut scanned = fused::counts(session, &ready, &shared, &mut budget).await?;
    held::share(session, &ready, &shared, &mut scanned, &mut budget).await?;
    held::trace(session, &ready, &mut scanned).await?;
    let mut all = Vec::with_capacity(ready.len());
    for (prepared, scanned) in ready.into_iter().zip(scanned) {
        all.push(finish(session, input, &presence, prepared, scanned).await?);
    }
    Ok(all)
}

async fn finish(
    session: &LakeSession,
    input: &EvaluationInput<'_>,
    presence: &Presence,
    prepared: Prepared<'_>,
    scanned: Result<Scanned, Obstacle>,
) -> Result<Evaluated, EngineError> {
    let mut scopes = presence.scopes(prepared.run, &input.known_tenants);
    let mut found = None;
    let results = match scanned {
        Err(obstacle) => blocked(scopes.keys(), &obstacle, &ByScope::new()),
        Ok(Scanned { counts, held }) => {
            for scope in counts.keys() {
                scopes.entry(scope.clone()).or_insert(false);
            }
            match proof(session, input, &prepared, &counts, held.as_ref()).await {
                Ok(evidence) => {
                    found = evidence;
                    judge(session, input, prepared.run, &scopes, &counts).await?
                }
                Err(error) => blocked(scopes.keys(), &Obstacle::of(error)?, &counts),
            }
        }
    };
    let results = with_kept(results, found.as_ref());
    let printed = prepared.sql.as_ref();
    Ok(Evaluated {
        control: prepared.run.control.id.clone(),
        counts_sql: printed.map(|sql| sql.counts.clone()).unwrap_or_default(),
        violations_sql: printed.map(|sql| sql.printed_violations()).unwrap_or_default(),
        plan_sha256: prepared.plan_sha256,
        scopes: results,
        evidence: found,
    })
}

/// The evidence, which must have as many rows as were counted.
async fn proof(
    session: &LakeSession,
    input: &EvaluationInput<'_>,
    prepared: &Prepared<'_>,
    counts: &ByScope,
    held: Option<&Held>,
) -> Result<Option<EvidenceRows>, EngineError> {
    if counts.values().all(|counts| counts.violations == 0) {
        return Ok(None);
    }
    let found = evidence::collect(session, prepared, held, input.pseudonym_key).await?;
    let kept = found.as_ref().map(EvidenceRows::by_scope).unwrap_or_default();
    let max_rows = prepared.run.control.evidence.max_rows;
    for (scope, counts) in counts {
        let expected = counts.violations.min(max_rows);
        let rows = kept.get(scope).copied().unwrap_or_default();
        if rows != expected {
            let control = &prepared.run.control.id;
            let what = format!("control {control} counted {expected} violations of \"{scope}\" and found {rows} rows");
            return Err(EngineError::Bug { what });
        }
    }
    Ok(found)
}

fn with_kept(mut results: Vec<ScopeResult>, evidence: Option<&EvidenceRows>) -> Vec<ScopeResult> {
    let kept = evidence.map(EvidenceRows::by_scope).unwrap_or_default();
    for result in &mut results {
        result.evidence_rows = kept.get(&result.scope).copied().unwrap_or_default();
    }
    if results.is_empty() {
        let obstacle = Obstacle::not_evaluated("no rows in the interval".to_owned());
        return blocked(std::iter::empty(), &obstacle, &ByScope::new());
    }
    results
}

/// Which tenants have rows in the interval, by dataset.
struct Presence {
    by_dataset: BTreeMap<String, Result<BTreeSet<String>, Obstacle>>,
}

impl Presence {
    async fn of(
        session: &LakeSession,
        input: &EvaluationInput<'_>,
        shared: &BTreeMap<String, Shared>,
    ) -> Result<Self, EngineError> {
        let read: BTreeSet<&str> = input.controls.iter().flat_map(|run| run.control.sql.reads()).collect();
        let mut by_dataset = BTreeMap::new();
        for table in read {
            // A scan that counted every row of the interval has met every tenant.
            if let Some(shared) = shared.get(table) {
                by_dataset.insert(table.to_owned(), Ok(shared.tenants()));
                continue;
            }
            let Some(dataset) = session.dataset(table) else { continue };
            let within = within(dataset.time.as_deref(), input.interval);
            let filter = within.map(|within| format!(" WHERE {within}")).unwrap_or_default();
            let tenant = name(&dataset.tenant);
            let sql = format!("SELECT {tenant} AS scope FROM {}{filter} GROUP BY {tenant}", name(table));
            let tenants = match tenants(session, &sql).await {
                Ok(tenants) => Ok(tenants),
                Err(error) => Err(Obstacle::of(error)?),
            };
            by_dataset.insert(table.to_owned(), tenants);
        }
        Ok(Self { by_dataset })
    }

    fn obstacle(&self, run: &ControlRun<'_>) -> Option<Obstacle> {
        let reads = run.control.sql.reads();
        reads.iter().find_map(|table| self.by_dataset.get(*table)?.as_ref().err().cloned())
    }

    /// Every tenant a control speaks of, and whether it has rows in any table read.
    fn scopes(&self, run: &ControlRun<'_>, known: &BTreeSet<String>) -> BTreeMap<String, bool> {
        let mut scopes: BTreeMap<String, bool> = known.iter().map(|scope| (scope.clone(), false)).collect();
        for table in run.control.sql.reads() {
            if let Some(Ok(tenants)) = self.by_dataset.get(table) {
                scopes.extend(tenants.iter().map(|scope| (scope.clone(), true)));
            }
        }
        scopes
    }
}

async fn tenants(session: &LakeSession, sql: &str) -> Result<BTreeSet<String>, EngineError> {
    let mut tenants = BTreeSet::new();
    for batch in session.query(sql).await? {
        let scopes = texts(&batch, 0)?;
        tenants.extend(scopes.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(tenants)
}
