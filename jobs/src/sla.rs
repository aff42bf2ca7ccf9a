//! The job kind `sla`, and `auditlake sla`: what tenants were promised, how it was kept, and what is owed.
//!
//! ```text
//! measure ── slices ── excluded ── attained ── credit ── judged        a tenant's period
//!    fees ─┘   probes ─┘                          │
//!                 evidence (kept, hashed) ── records (revisions) ── rows (sla_result.v1) ── statement (people)
//! ```
//!
//! Everything that decides is whole numbers and fractions, and follows from the rows in force alone: in whatever order they
//! came, the figures and their hash are the same. Statements of one tenant are made by statements that name the tenant.
//! `burn` says when budgets are used up too fast, which `anomalies` tells. Absent: tickets of support, which `support` judges for
//! jobs of this kind.

mod attained;
mod burn;
mod command;
mod credit;
mod evidence;
mod excluded;
mod fees;
mod judged;
mod measure;
mod probes;
mod records;
mod rows;
mod slices;
mod statement;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use engine::{LakeSession, input_files};
use schemas::{
    CivilZone, HISTORY_ENDING, InputFile, Interval, Measured, Sla, SlaId, SlaPeriod, SlaSpec, SlaStatement,
    StatementProvenance, SupportAgreement, Tiers, UnboundSlo, rfc3339,
};
use serde::{Deserialize, Serialize};

use crate::deliver::Delivery;
use crate::error::JobError;
use crate::lake::{OpenLake, names};
use crate::ledger::{OutputRole, RunSummary};
use crate::lineage::of_results;
use crate::revisions::{Computed, Found, ResultState};
use crate::row_columns::{literal, texts};
use crate::runner::{Attempt, Executed};
use crate::statements::{self, Renderings, Statements};
use crate::support::{self, TicketCounts};
use crate::world::World;

pub(crate) use attained::SlaStatus;
pub(crate) use burn::{Burn, PromiseBurns, Watched};
pub(crate) use command::command;
pub(crate) use credit::in_currency;
pub(crate) use statement::files_of_tenant;

use evidence::{Evidence, hashes};
use records::{Figures, Sequence, SlaHead, SlaResults};
use statement::Context;

/// How statements are written.
const RENDERINGS: Renderings<SlaStatement> = Renderings {
    html: exporters::statement_html,
    json: exporters::statement_json,
    xlsx: exporters::statement_xlsx,
    csv: exporters::statement_csv,
};

/// What a run of an SLA came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlaSummary {
    /// The SLA.
    pub sla: String,
    /// Its periods, the last one first.
    pub periods: Vec<PeriodSummary>,
    /// Why nothing was judged: the SLA is of OpenSLO, and nothing is bound to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_evaluated: Option<String>,
}

/// What a period came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodSummary {
    /// Its name.
    pub period: String,
    /// Tenants that were judged.
    pub tenants: u64,
    /// Results that are new, as a first or a further revision.
    pub new: u64,
    /// Tenants whose result is not final.
    pub provisional: u64,
    /// Promises that were missed.
    pub missed: u64,
    /// Promises of which too little is known.
    pub not_evaluated: u64,
    /// What is paid, in 1/10000 of the currency, by currency.
    pub credits: BTreeMap<String, i64>,
    /// Tenants with rows and without a tier.
    pub without_tier: Vec<String>,
    /// What became of tickets; of a support agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tickets: Option<TicketCounts>,
}

/// A period that was judged.
struct Period {
    period: SlaPeriod,
    interval: Interval,
    figures: BTreeMap<String, Figures>,
    evidence: Vec<Evidence>,
    inputs: Vec<InputFile>,
    without_tier: Vec<String>,
}

/// Judges the periods that have ended by the instant of the run, the last one first.
pub(crate) async fn execute(attempt: &Attempt<'_>, world: &World, spec: &SlaSpec) -> Result<Executed, JobError> {
    let lake = attempt.lake;
    if let Some(support) = support_of(lake, &spec.sla) {
        return support::execute(attempt, world, (spec, support)).await;
    }
    if let Some(unbound) = unbound(lake, &spec.sla) {
        let (sla, not_evaluated) = (unbound.id.to_string(), Some(unbound.why.clone()));
        return Ok(executed(attempt, spec, SlaSummary { sla, periods: Vec::new(), not_evaluated }));
    }
    let sla = sla_of(lake, &spec.sla)?;
    let session = lake.sessions.session(attempt.key.instant)?;
    let mut delivery =
        Delivery { front: &lake.front, fence: attempt.fence, retried: attempt.number > 1, outputs: Vec::new() };
    let mut inputs: Vec<InputFile> = Vec::new();
    let mut summaries = Vec::new();
    let mut next = sla.period.ended_by(attempt.key.instant, CivilZone::from(sla.timezone));
    for number in 0..spec.periods {
        let Some(period) = next else { break };
        let Some(tiers) = tiers_of(sla, period, number == 0)? else { break };
        let judged = judged(attempt, &session, (sla, tiers), period).await?;
        let paths = write_evidence(attempt, sla, &judged, &mut delivery).await?;
        attempt.fence.check().await?;
        let settle = crate::schedule::seconds(sla.settle_seconds).unwrap_or_default();
        let is_settled = judged.interval.end + settle <= attempt.key.instant;
        let found = |figures: &Figures| Found { figures: figures.clone(), is_settled };
        let computed: Computed<'_, SlaResults> = Computed {
            definition: sla.id.as_str(),
            period: period.name(),
            head: SlaHead {
                sla: sla.id.clone(),
                service: sla.service.clone(),
                period: period.name(),
                interval: judged.interval,
            },
            run: attempt.key.id(),
            at: attempt.key.instant,
            found: judged.figures.iter().map(|(tenant, figures)| (tenant.clone(), found(figures))).collect(),
        };
        let (sequence, new) = computed.keep((lake, world), &spec.into).await?;
        let provenance = provenance(attempt.key.id(), attempt.key.instant, (paths, judged.inputs.clone()));
        let context = Context {
            lake: lake.definitions.id.as_str(),
            sla,
            period,
            interval: judged.interval,
            sequence: &sequence,
            provenance: &provenance,
        };
        let tenants = sla.tenants.keys();
        let of = (sla.id.as_str(), period.name());
        let statements = Statements { of, tenants, statement: |tenant: &str| context.of(tenant) };
        statements::write(attempt, &spec.outputs, statements, &RENDERINGS, &mut delivery).await?;
        summaries.push(summary(period, &sequence, new, judged.without_tier));
        inputs.extend(judged.inputs);
        next = period.before();
    }
    inputs.sort_by(|a, b| (&a.dataset, &a.path).cmp(&(&b.dataset, &b.path)));
    inputs.dedup();
    let reads: Vec<String> = reads(sla).into_iter().collect();
    let summary = SlaSummary { sla: sla.id.to_string(), periods: summaries, not_evaluated: None };
    Ok(Executed {
        made: of_results(lake, (&attempt.key.job, &spec.into), &reads, true),
        inputs,
        reads: reads.into_iter().map(|table| (table, Vec::new())).collect(),
        outputs: delivery.outputs,
        ..executed(attempt, spec, summary)
    })
}

/// A run that read nothing and wrote nothing.
fn executed(attempt: &Attempt<'_>, spec: &SlaSpec, summary: SlaSummary) -> Executed {
    Executed {
        made: of_results(attempt.lake, (&attempt.key.job, &spec.into), &[], true),
        inputs: Vec::new(),
        reads: BTreeMap::new(),
        outputs: Vec::new(),
        summary: RunSummary { sla: Some(summary), ..RunSummary::default() },
        plan_sha256: None,
    }
}

/// The objective of OpenSLO of that name that nothing is bound to.
pub(crate) fn unbound<'a>(lake: &'a OpenLake, id: &SlaId) -> Option<&'a UnboundSlo> {
    lake.definitions.unbound.iter().find(|unbound| unbound.id == *id)
}

/// The support agreement of that name.
fn support_of<'a>(lake: &'a OpenLake, id: &SlaId) -> Option<&'a SupportAgreement> {
    lake.definitions.supports.iter().find(|support| support.id == *id)
}

/// The SLA of that name.
pub(crate) fn sla_of<'a>(lake: &'a OpenLake, id: &SlaId) -> Result<&'a Sla, JobError> {
    if let Some(unbound) = unbound(lake, id) {
        return Err(JobError::Usage(format!("sla \"{id}\" is not evaluated: {}", unbound.why)));
    }
    let slas = &lake.definitions.slas;
    let ids = slas.iter().map(|sla| &sla.id).chain(lake.definitions.supports.iter().map(|support| &support.id));
    slas.iter().find(|sla| sla.id == *id).ok_or_else(|| JobError::Unknown {
        what: "sla",
        name: id.to_string(),
        remedy: format!("there are: {}", names(ids)),
    })
}

/// The tiers of a period; none of an earlier one that no version holds for.
fn tiers_of(sla: &Sla, period: SlaPeriod, is_needed: bool) -> Result<Option<&Tiers>, JobError> {
    match (sla.tiers_on(period.first()), sla.tiers.first()) {
        (Some(tiers), _) => Ok(Some(tiers)),
        (None, Some(first)) if is_needed => Err(JobError::Usage(format!(
            "sla \"{}\": no version of tiers \"{}\" holds for period {}, as the first one is effective from {}; write one in \
             slas/ that is effective earlier, or in OpenSLO an earlier startTime",
            sla.id,
            first.id,
            period.name(),
            first.effective
        ))),
        (None, _) => Ok(None),
    }
}

/// Datasets that an SLA reads.
pub(crate) fn reads(sla: &Sla) -> BTreeSet<String> {
    let exclusions = sla.exclusions.as_ref().map(|rule| &rule.dataset);
    let fees = sla.fees.as_ref().map(|rule| &rule.dataset);
    let all = std::iter::once(sla.measured.dataset()).chain(exclusions).chain(fees);
    all.map(ToString::to_string).collect()
}

/// Measures and judges every tenant of a period.
async fn judged(
    attempt: &Attempt<'_>,
    session: &LakeSession,
    (sla, tiers): (&Sla, &Tiers),
    period: SlaPeriod,
) -> Result<Period, JobError> {
    let beyond = || JobError::Usage(format!("period {} lies outside of the calendar", period.name()));
    let interval = period.interval(CivilZone::from(sla.timezone)).ok_or_else(beyond)?;
    let measured = measure::measured_slices(session, sla, interval).await?;
    let done = Arc::new(AtomicU64::new(0));
    let shown = attempt.progress.tenants(&done, sla.tenants.len());
    let (mut figures, mut all) = (BTreeMap::new(), Vec::new());
    for tenant in sla.tenants.keys() {
        let measurements = measure::measurements(session, (sla, &measured), (tenant, interval)).await?;
        let judgement = judged::judge((sla, tiers), (tenant, period), &measurements).ok_or_else(beyond)?;
        let counted = (measurements.minutes.as_slice(), &measurements.slices);
        let (days, percentiles) = evidence::days(sla.measured.dataset(), counted, &judgement)?;
        let judged = judgement.period;
        let fees = measurements.fees.unwrap_or_default();
        let evidence = Evidence { tenant: tenant.clone(), slices: judgement.slices, days, fees };
        let (evidence_sha256, exclusions_sha256) = hashes(&sla.id, interval, &judged, &evidence);
        let of = Figures {
            judged,
            percentiles,
            tiers_version: tiers.version,
            spec_sha256: spec_sha256(sla, tiers),
            evidence_sha256,
            exclusions_sha256,
        };
        figures.insert(tenant.clone(), of);
        all.push(evidence);
        done.fetch_add(1, Ordering::Relaxed);
    }
    drop(shown);
    let mut inputs = Vec::new();
    for dataset in reads(sla) {
        inputs.extend(input_files(session, &dataset, measure::read_interval(sla, interval)).await?);
    }
    let without_tier = without_tier(session, sla, interval).await?;
    Ok(Period { period, interval, figures, evidence: all, inputs, without_tier })
}

/// SHA-256 over everything of definitions that decides.
fn spec_sha256(sla: &Sla, tiers: &Tiers) -> String {
    use sha2::{Digest, Sha256};
    engine::hex(&Sha256::digest(format!("{}\n{}\n", sla.sha256, tiers.sha256)))
}

/// Tenants of whom something of the service was measured, and whom the SLA promises nothing.
async fn without_tier(session: &LakeSession, sla: &Sla, interval: Interval) -> Result<Vec<String>, JobError> {
    let (column, ending, is_of_all) = match &sla.measured {
        Measured::Requests { .. } => ("minute", HISTORY_ENDING, false),
        Measured::Probes { tenant, .. } => ("time", "", tenant.is_some()),
    };
    if is_of_all {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT DISTINCT tenant_id FROM \"{}{ending}\" WHERE service = {} AND {column} >= TIMESTAMP '{}' AND {column} < TIMESTAMP '{}' \
         ORDER BY tenant_id",
        sla.measured.dataset(),
        literal(&sla.service),
        rfc3339(interval.start),
        rfc3339(interval.end)
    );
    let tenants = texts(&session.query(&sql).await?, "tenant_id").into_iter().flatten();
    Ok(tenants.filter(|tenant| !sla.tenants.contains_key(tenant)).collect())
}

/// Writes what proves the results; the paths.
async fn write_evidence(
    attempt: &Attempt<'_>,
    sla: &Sla,
    period: &Period,
    delivery: &mut Delivery<'_>,
) -> Result<Vec<String>, JobError> {
    let (run, instant) = (attempt.key, schemas::compact(attempt.key.instant));
    let folder = format!("_auditlake/evidence/{}/{instant}/{}", run.job, attempt.number);
    let mut paths = Vec::new();
    for table in evidence::tables(&period.evidence)? {
        let path = format!("{folder}/{}.{}.{}.parquet", sla.id, period.period.name(), table.name);
        delivery.create_rows(path.clone(), OutputRole::Evidence, &table.rows).await?;
        paths.push(path);
    }
    Ok(paths)
}

/// Where the figures of a run come from; what differs by tenant is filled in with each statement.
fn provenance(
    run: String,
    at: DateTime<Utc>,
    (evidence, inputs): (Vec<String>, Vec<InputFile>),
) -> StatementProvenance {
    StatementProvenance {
        run,
        at,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        tiers: String::new(),
        spec_sha256: String::new(),
        evidence_sha256: String::new(),
        evidence,
        inputs,
    }
}

fn summary(period: SlaPeriod, sequence: &Sequence, new: u64, without_tier: Vec<String>) -> PeriodSummary {
    let mut summary = PeriodSummary {
        period: period.name(),
        tenants: 0,
        new,
        provisional: 0,
        missed: 0,
        not_evaluated: 0,
        credits: BTreeMap::new(),
        without_tier,
        tickets: None,
    };
    for result in sequence.in_force().into_values() {
        summary.tenants += 1;
        summary.provisional += u64::from(result.state == ResultState::Provisional);
        let judged = &result.figures.judged;
        for one in judged.parts.iter().flat_map(|part| &part.attained) {
            summary.missed += u64::from(one.status == SlaStatus::Missed);
            summary.not_evaluated += u64::from(one.status == SlaStatus::NotEvaluated);
        }
        if let Some(credit) = judged.credit.as_ref().filter(|credit| credit.amount != 0) {
            let sum = summary.credits.entry(credit.currency.clone()).or_default();
            *sum = sum.saturating_add(credit.amount);
        }
    }
    summary
}
