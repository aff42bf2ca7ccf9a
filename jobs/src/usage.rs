//! The job kind `usage`, and `auditlake usage`: what tenants used, of how much, and what it costs.
//!
//! ```text
//! read ── metered ── judged        a tenant's month, by tier
//!           evidence (kept, hashed) ── records (revisions) ── rows (usage_result.v1) ── statement (people)
//! ```
//!
//! Quantities and costs are exact decimals, and follow from the rows alone: in whatever order they came, the figures and their
//! hash are the same. Everything of a tenant is read by statements that name the tenant. The month that goes on is judged, too,
//! so that somebody is warned before it is over. Absent: invoices, and who owes them.

mod command;
mod evidence;
mod focus;
mod judged;
mod metered;
mod read;
mod records;
mod rows;
mod statement;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use engine::{LakeSession, encode_folder_value, input_files};
use schemas::{
    CivilZone, InputFile, Interval, PeriodLength, Quotas, SlaPeriod, UsageContract, UsageId, UsageProvenance,
    UsageSpec, UsageStatement, rfc3339,
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
use crate::world::World;

pub(crate) use command::command;
pub(crate) use focus::command as focus;

use judged::QuotaStatus;
use records::{Figures, Sequence, UsageHead, UsageResults};
use statement::Context;

/// Months are what tiers are priced by.
const PERIOD: PeriodLength = PeriodLength::Month;

/// How statements are written.
const RENDERINGS: Renderings<UsageStatement> = Renderings {
    html: exporters::usage_html,
    json: exporters::usage_json,
    xlsx: exporters::usage_xlsx,
    csv: exporters::usage_csv,
};

/// What a run of a contract came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageSummary {
    /// The contract.
    pub usage: String,
    /// Its months, the newest first.
    pub periods: Vec<UsagePeriodSummary>,
}

/// What a month came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsagePeriodSummary {
    /// Its name.
    pub period: String,
    /// Tenants that were judged.
    pub tenants: u64,
    /// Results that are new, as a first or a further revision.
    pub new: u64,
    /// Tenants whose result is not final.
    pub provisional: u64,
    /// Quotas of which a tenant is warned.
    pub warned: u64,
    /// Quotas of which more is used than there is.
    pub over: u64,
    /// Those of `warned` that the run before did not know.
    pub newly_warned: u64,
    /// Those of `over` that the run before did not know.
    pub newly_over: u64,
    /// Tenants with rows and without a tier.
    pub without_tier: Vec<String>,
}

/// Judges the month that goes on at the instant of the run, and those that ended last.
pub(crate) async fn execute(attempt: &Attempt<'_>, world: &World, spec: &UsageSpec) -> Result<Executed, JobError> {
    let lake = attempt.lake;
    let usage = usage_of(lake, &spec.usage)?;
    let session = lake.sessions.session(attempt.key.instant)?;
    let mut delivery =
        Delivery { front: &lake.front, fence: attempt.fence, retried: attempt.number > 1, outputs: Vec::new() };
    let (mut inputs, mut summaries): (Vec<InputFile>, Vec<UsagePeriodSummary>) = (Vec::new(), Vec::new());
    let mut next = PERIOD.of_day(CivilZone::from(usage.timezone).day_of(attempt.key.instant));
    for number in 0..=spec.periods {
        let Some(period) = next else { break };
        next = period.before();
        let Some(quotas) = quotas_of(usage, period, number <= 1)? else { break };
        let of = OfPeriod { attempt, session: &session, usage, quotas, period };
        let Some((summary, read)) = of.judge(world, spec, &mut delivery).await? else { continue };
        summaries.push(summary);
        inputs.extend(read);
    }
    inputs.sort_by(|a, b| (&a.dataset, &a.path).cmp(&(&b.dataset, &b.path)));
    inputs.dedup();
    let reads = usage.dataset.to_string();
    Ok(Executed {
        made: of_results(lake, (&attempt.key.job, &spec.into), std::slice::from_ref(&reads), !spec.outputs.is_empty()),
        inputs,
        reads: BTreeMap::from([(reads, Vec::new())]),
        outputs: delivery.outputs,
        summary: RunSummary {
            usage: Some(UsageSummary { usage: usage.id.to_string(), periods: summaries }),
            ..RunSummary::default()
        },
        plan_sha256: None,
    })
}

/// The contract of that name.
fn usage_of<'a>(lake: &'a OpenLake, id: &UsageId) -> Result<&'a UsageContract, JobError> {
    lake.definitions.usages.iter().find(|usage| usage.id == *id).ok_or_else(|| JobError::Unknown {
        what: "contract about usage",
        name: id.to_string(),
        remedy: format!("there are: {}", names(lake.definitions.usages.iter().map(|usage| &usage.id))),
    })
}

/// The quotas of a period; none of an earlier one that no version holds for.
fn quotas_of(usage: &UsageContract, period: SlaPeriod, is_needed: bool) -> Result<Option<&Quotas>, JobError> {
    match (usage.quotas_on(period.first()), usage.quotas.first()) {
        (Some(quotas), _) => Ok(Some(quotas)),
        (None, Some(first)) if is_needed => Err(JobError::Usage(format!(
            "usage \"{}\": no version of quotas \"{}\" holds for period {}, as the first one is effective from {}; write one \
             in slas/ that is effective earlier",
            usage.id,
            first.id,
            period.name(),
            first.effective
        ))),
        (None, _) => Ok(None),
    }
}

/// SHA-256 over everything of definitions that decides.
fn spec_sha256(usage: &UsageContract, quotas: &Quotas) -> String {
    use sha2::{Digest, Sha256};
    engine::hex(&Sha256::digest(format!("{}\n{}\n", usage.sha256, quotas.sha256)))
}

/// Where the figures of a run come from; what differs by tenant is filled in with each statement.
fn provenance(run: String, at: DateTime<Utc>, inputs: Vec<InputFile>) -> UsageProvenance {
    UsageProvenance {
        run,
        at,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        quotas: String::new(),
        spec_sha256: String::new(),
        evidence_sha256: String::new(),
        evidence: Vec::new(),
        inputs,
    }
}

/// One month of a run.
struct OfPeriod<'a> {
    attempt: &'a Attempt<'a>,
    session: &'a LakeSession,
    usage: &'a UsageContract,
    quotas: &'a Quotas,
    period: SlaPeriod,
}

impl OfPeriod<'_> {
    /// Judges every tenant, records what is new, and writes statements; none of a month that has not begun for anybody.
    async fn judge(
        &self,
        world: &World,
        spec: &UsageSpec,
        delivery: &mut Delivery<'_>,
    ) -> Result<Option<(UsagePeriodSummary, Vec<InputFile>)>, JobError> {
        let (attempt, lake) = (self.attempt, self.attempt.lake);
        let done = Arc::new(AtomicU64::new(0));
        let shown = attempt.progress.tenants(&done, self.usage.tenants.len());
        let (mut found, mut evidence) = (BTreeMap::new(), BTreeMap::new());
        let mut whole: Option<Interval> = None;
        for tenant in self.usage.tenants.keys() {
            let interval = self.interval_of(tenant)?;
            // A zone in which the month has not begun yet.
            if attempt.key.instant <= interval.start {
                continue;
            }
            whole = Some(whole.map_or(interval, |whole| Interval {
                start: whole.start.min(interval.start),
                end: whole.end.max(interval.end),
            }));
            let (one, path) = self.tenant(tenant, interval, delivery).await?;
            found.insert(tenant.clone(), one);
            evidence.insert(tenant.clone(), path);
            done.fetch_add(1, Ordering::Relaxed);
        }
        drop(shown);
        let Some(whole) = whole else { return Ok(None) };
        attempt.fence.check().await?;
        let inputs = input_files(self.session, self.usage.dataset.as_str(), read::read_interval(whole)).await?;
        let computed: Computed<'_, UsageResults> = Computed {
            definition: self.usage.id.as_str(),
            period: self.period.name(),
            head: UsageHead { usage: self.usage.id.clone(), period: self.period.name() },
            run: attempt.key.id(),
            at: attempt.key.instant,
            found,
        };
        let (sequence, new) = computed.keep((lake, world), &spec.into).await?;
        let provenance = provenance(attempt.key.id(), attempt.key.instant, inputs.clone());
        let context = Context {
            lake: lake.definitions.id.as_str(),
            usage: self.usage,
            period: self.period,
            sequence: &sequence,
            provenance: &provenance,
            evidence: &evidence,
        };
        let tenants = self.usage.tenants.keys();
        let of = (self.usage.id.as_str(), self.period.name());
        let statements = Statements { of, tenants, statement: |tenant: &str| context.of(tenant) };
        statements::write(attempt, &spec.outputs, statements, &RENDERINGS, delivery).await?;
        let without_tier = self.without_tier(whole).await?;
        Ok(Some((summary(self.period, (&sequence, &attempt.key.id()), new, without_tier), inputs)))
    }

    fn interval_of(&self, tenant: &str) -> Result<Interval, JobError> {
        let beyond = || JobError::Usage(format!("period {} lies outside of the calendar", self.period.name()));
        self.period.interval(CivilZone::from(self.usage.zone_of(tenant))).ok_or_else(beyond)
    }

    /// Judges a tenant, and writes what proves it; the path of that.
    async fn tenant(
        &self,
        tenant: &str,
        interval: Interval,
        delivery: &mut Delivery<'_>,
    ) -> Result<(Found<Figures>, String), JobError> {
        let (attempt, usage) = (self.attempt, self.usage);
        let rows = read::rows(self.session, (usage, self.quotas), (tenant, interval)).await?;
        let until = interval.end.min(attempt.key.instant);
        let judged = judged::judge((usage, self.quotas), (tenant, self.period), (interval, until), &rows)
            .map_err(|why| JobError::SlaData(format!("dataset \"{}\", tenant \"{tenant}\": {why}", usage.dataset)))?;
        let evidence_sha256 = evidence::hash(&usage.id, (tenant, interval), &judged, &rows);
        let folder = format!(
            "_auditlake/evidence/{}/{}/{}",
            attempt.key.job,
            schemas::compact(attempt.key.instant),
            attempt.number
        );
        let path = format!("{folder}/{}.{}.{}.rows.parquet", usage.id, self.period.name(), encode_folder_value(tenant));
        delivery.create_rows(path.clone(), OutputRole::Evidence, &evidence::table(tenant, &rows)?).await?;
        let settle = crate::schedule::seconds(usage.settle_seconds).unwrap_or_default();
        let figures = Figures {
            interval,
            until,
            judged,
            quotas_version: self.quotas.version,
            spec_sha256: spec_sha256(usage, self.quotas),
            evidence_sha256,
        };
        Ok((Found { figures, is_settled: interval.end + settle <= attempt.key.instant }, path))
    }

    /// Tenants of whom something was metered, and who have no tier.
    async fn without_tier(&self, interval: Interval) -> Result<Vec<String>, JobError> {
        let service = self.usage.service.as_ref().map(|service| format!(" AND service = {}", literal(service)));
        let sql = format!(
            "SELECT DISTINCT tenant_id FROM \"{}\" WHERE period_start >= TIMESTAMP '{}' AND period_start < TIMESTAMP '{}'{} \
             ORDER BY tenant_id",
            self.usage.dataset,
            rfc3339(interval.start),
            rfc3339(interval.end),
            service.unwrap_or_default()
        );
        let tenants = texts(&self.session.query(&sql).await?, "tenant_id").into_iter().flatten();
        Ok(tenants.filter(|tenant| !self.usage.tenants.contains_key(tenant)).collect())
    }
}

/// Where a tenant stands with a quota: its status, and the days with more than there is.
type Standing = (QuotaStatus, u32);

/// By tenant, first day of the part, and quota; of results that other runs than `except` recorded.
fn standings(sequence: &Sequence, except: Option<&str>) -> BTreeMap<(String, String, String), Standing> {
    let mut all = BTreeMap::new();
    for result in sequence.in_force_but(except).into_values() {
        for part in &result.figures.judged.parts {
            for quota in &part.quotas {
                let key = (result.tenant.clone(), part.first.to_string(), quota.quota.clone());
                all.insert(key, (quota.status, quota.days_over));
            }
        }
    }
    all
}

/// What a month came to. An attempt may have died after it had recorded results: what is new is what the run found, and not
/// what the attempt added.
fn summary(
    period: SlaPeriod,
    (sequence, run): (&Sequence, &str),
    new: u64,
    without_tier: Vec<String>,
) -> UsagePeriodSummary {
    let in_force = sequence.in_force();
    let is_provisional = |state: ResultState| state == ResultState::Provisional;
    let mut summary = UsagePeriodSummary {
        period: period.name(),
        tenants: in_force.len() as u64,
        new,
        provisional: in_force.values().filter(|one| is_provisional(one.state)).count() as u64,
        warned: 0,
        over: 0,
        newly_warned: 0,
        newly_over: 0,
        without_tier,
    };
    let known = standings(sequence, Some(run));
    for (key, (status, days_over)) in standings(sequence, None) {
        let before = known.get(&key);
        let was = |status: QuotaStatus| before.is_some_and(|(before, _)| *before == status);
        match status {
            QuotaStatus::Warn => {
                summary.warned += 1;
                summary.newly_warned += u64::from(!was(QuotaStatus::Warn) && !was(QuotaStatus::Over));
            }
            QuotaStatus::Over => {
                summary.over += 1;
                let is_known = was(QuotaStatus::Over) && before.is_some_and(|(_, days)| *days >= days_over);
                summary.newly_over += u64::from(!is_known);
            }
            QuotaStatus::Ok | QuotaStatus::Unlimited | QuotaStatus::NotEvaluated => {}
        }
    }
    summary
}
