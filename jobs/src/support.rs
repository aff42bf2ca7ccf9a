//! Support agreements, judged by the job kind `sla`: how soon tickets were answered and resolved.
//!
//! ```text
//! tickets ── clock ── judged        a tenant's period, as of the instant of the run
//!              evidence (kept, hashed) ── records (revisions) ── rows (sla_result.v1) ── statement (people)
//! ```
//!
//! Time is whole microseconds and shares are fractions, and all of it follows from the rows in force and that instant: in whatever
//! order rows came, the figures and their hash are the same. Everything of a tenant is read by statements that name the tenant.
//! Absent: money; nothing is owed for a ticket that took too long.

mod clock;
mod command;
mod evidence;
mod judged;
mod records;
mod rows;
mod statement;
mod tickets;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use engine::{LakeSession, encode_folder_value, input_files};
use schemas::{
    Calendar, CivilZone, InputFile, Interval, SlaPeriod, SlaSpec, SupportAgreement, SupportLimits, SupportProvenance,
    SupportStatement, open_spans, rfc3339,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::deliver::Delivery;
use crate::error::JobError;
use crate::ledger::{OutputRole, RunSummary};
use crate::lineage::of_results;
use crate::revisions::{Computed, Found, ResultState};
use crate::row_columns::texts;
use crate::runner::{Attempt, Executed};
use crate::sla::{PeriodSummary, SlaStatus, SlaSummary};
use crate::statements::{self, Renderings, Statements};
use crate::world::World;

pub(crate) use command::{explain, list};

use evidence::Evidence;
use judged::{Rules, judge};
use records::{Figures, Sequence, SupportHead, SupportResults};
use statement::Context;

/// How statements are written.
const RENDERINGS: Renderings<SupportStatement> = Renderings {
    html: exporters::support_html,
    json: exporters::support_json,
    xlsx: exporters::support_xlsx,
    csv: exporters::support_csv,
};

/// What became of the tickets of a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketCounts {
    /// All of them.
    pub tickets: u64,
    /// Limits that are exceeded.
    pub missed: u64,
    /// Clocks that run.
    pub running: u64,
    /// Clocks that run and are near their limit.
    pub warned: u64,
    /// Tickets that cannot be judged.
    pub not_judged: u64,
}

/// Judges the periods that have ended by the instant of the run, the last one first.
pub(crate) async fn execute(
    attempt: &Attempt<'_>,
    world: &World,
    (spec, support): (&SlaSpec, &SupportAgreement),
) -> Result<Executed, JobError> {
    let lake = attempt.lake;
    let session = lake.sessions.session(attempt.key.instant)?;
    let mut delivery =
        Delivery { front: &lake.front, fence: attempt.fence, retried: attempt.number > 1, outputs: Vec::new() };
    let (mut inputs, mut summaries): (Vec<InputFile>, Vec<PeriodSummary>) = (Vec::new(), Vec::new());
    let mut next = support.period.ended_by(attempt.key.instant, CivilZone::from(support.timezone));
    for number in 0..spec.periods {
        let Some(period) = next else { break };
        let Some(limits) = limits_of(support, period, number == 0)? else { break };
        let beyond = || JobError::Usage(format!("period {} lies outside of the calendar", period.name()));
        let interval = period.interval(CivilZone::from(support.timezone)).ok_or_else(beyond)?;
        let of = OfPeriod { attempt, session: &session, support, limits, period, interval };
        let (summary, read) = of.judge(world, spec, &mut delivery).await?;
        summaries.push(summary);
        inputs.extend(read);
        next = period.before();
    }
    inputs.sort_by(|a, b| (&a.dataset, &a.path).cmp(&(&b.dataset, &b.path)));
    inputs.dedup();
    let reads = support.dataset.to_string();
    let summary = SlaSummary { sla: support.id.to_string(), periods: summaries, not_evaluated: None };
    Ok(Executed {
        made: of_results(lake, (&attempt.key.job, &spec.into), std::slice::from_ref(&reads), true),
        inputs,
        reads: BTreeMap::from([(reads, Vec::new())]),
        outputs: delivery.outputs,
        summary: RunSummary { sla: Some(summary), ..RunSummary::default() },
        plan_sha256: None,
    })
}

/// The limits of a period; none of an earlier one that no version holds for.
fn limits_of(
    support: &SupportAgreement,
    period: SlaPeriod,
    is_needed: bool,
) -> Result<Option<&SupportLimits>, JobError> {
    match (support.limits_on(period.first()), support.limits.first()) {
        (Some(limits), _) => Ok(Some(limits)),
        (None, Some(first)) if is_needed => Err(JobError::Usage(format!(
            "support \"{}\": no version of its limits holds for period {}, as the first one is effective from {}; write one that \
             is effective earlier",
            support.id,
            period.name(),
            first.effective
        ))),
        (None, _) => Ok(None),
    }
}

/// SHA-256 over everything of definitions that decides a tenant's figures.
fn spec_sha256(support: &SupportAgreement, calendar: &[Calendar]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{}\n", support.sha256));
    calendar.iter().for_each(|version| hash.update(format!("{}\n{}\n", version.name, version.sha256)));
    engine::hex(&hash.finalize())
}

/// A calendar with its versions that are in force by an instant: `berlin, version 1`.
fn calendar_told(calendar: &[Calendar], at: DateTime<Utc>) -> String {
    let Some(first) = calendar.first() else { return String::new() };
    let day = CivilZone::from(first.timezone).day_of(at);
    let in_force = calendar.iter().filter(|one| one.effective <= day || one.version == first.version);
    let versions: Vec<String> = in_force.map(|one| one.version.to_string()).collect();
    let noun = if versions.len() == 1 { "version" } else { "versions" };
    format!("{}, {noun} {}", first.name, versions.join(", "))
}

/// Where the figures of a run come from; what differs by tenant is filled in with each statement.
fn provenance(run: String, at: DateTime<Utc>, inputs: Vec<InputFile>) -> SupportProvenance {
    SupportProvenance {
        run,
        at,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        defined: String::new(),
        spec_sha256: String::new(),
        evidence_sha256: String::new(),
        evidence: Vec::new(),
        inputs,
    }
}

/// One period of a run.
struct OfPeriod<'a> {
    attempt: &'a Attempt<'a>,
    session: &'a LakeSession,
    support: &'a SupportAgreement,
    limits: &'a SupportLimits,
    period: SlaPeriod,
    interval: Interval,
}

impl OfPeriod<'_> {
    /// Judges every tenant, records what is new, and writes statements.
    async fn judge(
        &self,
        world: &World,
        spec: &SlaSpec,
        delivery: &mut Delivery<'_>,
    ) -> Result<(PeriodSummary, Vec<InputFile>), JobError> {
        let (attempt, lake, support) = (self.attempt, self.attempt.lake, self.support);
        let done = Arc::new(AtomicU64::new(0));
        let shown = attempt.progress.tenants(&done, support.tenants.len());
        let (mut found, mut evidence) = (BTreeMap::new(), BTreeMap::new());
        let settle = crate::schedule::seconds(support.settle_seconds).unwrap_or_default();
        let is_settled = self.interval.end + settle <= attempt.key.instant;
        for (tenant, tier) in &support.tenants {
            let (figures, paths) = self.tenant((tenant, tier), delivery).await?;
            found.insert(tenant.clone(), Found { figures, is_settled });
            evidence.insert(tenant.clone(), paths);
            done.fetch_add(1, Ordering::Relaxed);
        }
        drop(shown);
        attempt.fence.check().await?;
        let inputs = input_files(self.session, support.dataset.as_str(), self.interval).await?;
        let computed: Computed<'_, SupportResults> = Computed {
            definition: support.id.as_str(),
            period: self.period.name(),
            head: SupportHead { support: support.id.clone(), period: self.period.name(), interval: self.interval },
            run: attempt.key.id(),
            at: attempt.key.instant,
            found,
        };
        let (sequence, new) = computed.keep((lake, world), &spec.into).await?;
        let provenance = provenance(attempt.key.id(), attempt.key.instant, inputs.clone());
        let context = Context {
            lake: lake.definitions.id.as_str(),
            support,
            period: self.period,
            interval: self.interval,
            sequence: &sequence,
            provenance: &provenance,
            evidence: &evidence,
        };
        let tenants = support.tenants.keys();
        let of = (support.id.as_str(), self.period.name());
        let statements = Statements { of, tenants, statement: |tenant: &str| context.of(tenant) };
        statements::write(attempt, &spec.outputs, statements, &RENDERINGS, delivery).await?;
        let without_tier = self.without_tier().await?;
        Ok((summary(self.period, &sequence, new, without_tier), inputs))
    }

    /// Judges a tenant, and writes what proves it; the paths of that.
    async fn tenant(
        &self,
        (tenant, tier): (&str, &str),
        delivery: &mut Delivery<'_>,
    ) -> Result<(Figures, Vec<String>), JobError> {
        let (attempt, support, at) = (self.attempt, self.support, self.attempt.key.instant);
        let rows = tickets::read(self.session, &support.dataset, (tenant, self.interval)).await?;
        let calendar = support.calendar_of(tenant);
        let open = open_spans(calendar, Interval { start: self.interval.start, end: at });
        let judged = judge(&Rules { support, limits: self.limits, open: &open, at }, &rows);
        let of = Evidence {
            support: &support.id,
            tenant,
            interval: self.interval,
            at,
            calendar: calendar.first().map_or("", |calendar| calendar.name.as_str()),
            rows: &rows,
            judged: &judged,
        };
        let folder = format!("_auditlake/evidence/{}/{}/{}", attempt.key.job, schemas::compact(at), attempt.number);
        let stem = format!("{folder}/{}.{}.{}", support.id, self.period.name(), encode_folder_value(tenant));
        let mut paths = Vec::new();
        for table in of.tables()? {
            let path = format!("{stem}.{}.parquet", table.name);
            delivery.create_rows(path.clone(), OutputRole::Evidence, &table.rows).await?;
            paths.push(path);
        }
        let (evidence_sha256, rows_sha256) = of.hashes();
        let figures = Figures {
            judged_at: at,
            judged,
            tier: tier.to_owned(),
            limits_version: self.limits.version,
            calendar: calendar_told(calendar, at),
            spec_sha256: spec_sha256(support, calendar),
            rows_sha256,
            evidence_sha256,
            evidence: paths.clone(),
        };
        Ok((figures, paths))
    }

    /// Tenants with tickets, to whom nothing is promised.
    async fn without_tier(&self) -> Result<Vec<String>, JobError> {
        let sql = format!(
            "SELECT DISTINCT tenant_id FROM \"{}\" WHERE opened_at >= TIMESTAMP '{}' AND opened_at < TIMESTAMP '{}' ORDER BY \
             tenant_id",
            self.support.dataset,
            rfc3339(self.interval.start),
            rfc3339(self.interval.end)
        );
        let tenants = texts(&self.session.query(&sql).await?, "tenant_id").into_iter().flatten();
        Ok(tenants.filter(|tenant| !self.support.tenants.contains_key(tenant)).collect())
    }
}

fn summary(period: SlaPeriod, sequence: &Sequence, new: u64, without_tier: Vec<String>) -> PeriodSummary {
    let mut counts = TicketCounts::default();
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
        counts.tickets += judged.tickets.len() as u64;
        counts.not_judged += judged.tickets.iter().filter(|ticket| ticket.not_judged.is_some()).count() as u64;
        for kept in &judged.promises {
            summary.missed += u64::from(kept.status == SlaStatus::Missed);
            summary.not_evaluated += u64::from(kept.status == SlaStatus::NotEvaluated);
            counts.missed += kept.valid - kept.good;
            counts.running += kept.running;
            counts.warned += kept.warned;
        }
    }
    summary.tickets = Some(counts);
    summary
}
