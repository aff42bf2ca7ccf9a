//! A result as a statement for people.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use engine::encode_folder_value;
use schemas::{
    CivilZone, InputFile, Interval, Measured, Sla, SlaMethod, SlaPeriod, SlaStatement, StatementCredit, StatementDay,
    StatementExclusion, StatementPart, StatementProvenance, StatementResult, StatementRevision, StatementRun, Tier,
    percent_of,
};

use super::attained::{Attained, Metric, SlaStatus};
use super::credit::in_currency;
use super::excluded::Applied;
use super::judged::{JudgedPart, JudgedPeriod, Run};
use super::records::{Sequence, TenantResult};
use super::slices::count;

/// Decimals of percentages.
const DECIMALS: u32 = 4;

/// What a statement needs beside its result.
pub(super) struct Context<'a> {
    pub(super) lake: &'a str,
    pub(super) sla: &'a Sla,
    pub(super) period: SlaPeriod,
    pub(super) interval: Interval,
    pub(super) sequence: &'a Sequence,
    pub(super) provenance: &'a StatementProvenance,
}

impl Context<'_> {
    /// The statement of a tenant's result in force; none of a tenant without one.
    pub(super) fn of(&self, tenant: &str) -> Option<SlaStatement> {
        let revisions: Vec<&TenantResult> = self.sequence.of_tenant(tenant).collect();
        let result = *revisions.last()?;
        let (sla, judged) = (self.sla, &result.figures.judged);
        let tiers = sla.tiers_on(self.period.first())?;
        let parts = judged.parts.iter().enumerate().map(|(at, part)| {
            let percentiles = result.figures.percentiles.get(at).copied().unwrap_or_default();
            statement_part(sla, part, tiers.tiers.get(&part.tier), percentiles)
        });
        Some(SlaStatement {
            lake: self.lake.to_owned(),
            sla: sla.id.to_string(),
            service: sla.service.clone(),
            tenant: tenant.to_owned(),
            period: self.period.name(),
            interval: self.interval,
            timezone: sla.timezone.to_string(),
            state: result.state.as_str().to_owned(),
            revision: result.revision,
            measured_by: match sla.measured {
                Measured::Requests { .. } => "requests",
                Measured::Probes { .. } => "probes",
            }
            .to_owned(),
            slice_minutes: sla.slices.minutes,
            slices: count(self.interval, sla.slices) as u64,
            parts: parts.collect(),
            credit: statement_credit(sla, judged, self.period),
            no_credit: judged.no_credit.clone(),
            days: days(sla, self.interval, &judged.runs),
            runs: judged.runs.iter().map(statement_run).collect(),
            exclusions: judged.exclusions.iter().map(exclusion).collect(),
            revisions: revisions.iter().map(|one| revision(sla, one)).collect(),
            provenance: StatementProvenance {
                tiers: format!("{}, version {}", tiers.id, result.figures.tiers_version),
                spec_sha256: result.figures.spec_sha256.clone(),
                evidence_sha256: result.figures.evidence_sha256.clone(),
                inputs: files_of_tenant(&self.provenance.inputs, tenant),
                ..self.provenance.clone()
            },
        })
    }
}

/// Files that what a tenant reads may name: not those in folders of other tenants.
pub(crate) fn files_of_tenant(inputs: &[InputFile], tenant: &str) -> Vec<InputFile> {
    let own = format!("/tenant={}/", encode_folder_value(tenant));
    let is_shown = |input: &&InputFile| !input.path.contains("/tenant=") || input.path.contains(&own);
    inputs.iter().filter(is_shown).cloned().collect()
}

fn statement_part(
    sla: &Sla,
    part: &JudgedPart,
    tier: Option<&Tier>,
    [p50_us, p95_us, p99_us]: [Option<i64>; 3],
) -> StatementPart {
    let results = part.attained.iter().map(|one| StatementResult {
        metric: one.metric.to_string(),
        promise: promise(sla, one, tier),
        method: one.method.clone(),
        good: one.good,
        valid: one.valid,
        percent: (one.valid > 0).then(|| percent_of(one.good, one.valid, DECIMALS)),
        excluded: one.excluded,
        unknown: one.unknown,
        status: one.status.as_str().to_owned(),
        why: one.why.clone(),
        budget_left: one.budget_left,
        credit_percent: one.credit.to_string(),
        band: one.band.clone(),
        is_owed: part.owed_for == Some(one.metric),
    });
    StatementPart {
        tier: part.tier.clone(),
        from: part.first,
        days: part.days,
        total: part.sums.total,
        failed: part.sums.failed,
        results: results.collect(),
        p50_us,
        p95_us,
        p99_us,
    }
}

fn promise(sla: &Sla, one: &Attained, tier: Option<&Tier>) -> String {
    let of_what = match (&sla.measured, sla.method) {
        (_, SlaMethod::Timeslices) => "slices are good",
        (Measured::Requests { .. }, SlaMethod::Occurrences) => "requests are good",
        (Measured::Probes { .. }, SlaMethod::Occurrences) => "checks are good",
        (_, SlaMethod::RatioTimeslices) => "each slice is good, on average",
    };
    match one.metric {
        Metric::Uptime => format!("at least {} % of {of_what}", one.target),
        Metric::Errors => format!("at most {} % of requests fail", one.target.rest()),
        Metric::Latency => {
            let within = tier.and_then(|tier| tier.p95_us).unwrap_or(0);
            format!("95 of 100 requests take at most {} ms", within / 1_000)
        }
    }
}

fn statement_credit(sla: &Sla, judged: &JudgedPeriod, period: SlaPeriod) -> Option<StatementCredit> {
    let (credit, rule) = (judged.credit.as_ref()?, sla.fees.as_ref()?);
    let shown = |amount: i64| in_currency(amount, rule.decimals);
    let fee = shown(credit.fee);
    let formula = judged.parts.iter().zip(&credit.parts).map(|(part, amount)| {
        let owed = part.attained.iter().find(|one| part.owed_for == Some(one.metric));
        let for_what = owed.map_or("nothing was missed".to_owned(), |one| format!("{} missed", one.metric));
        let percent = owed.map_or("0".to_owned(), |one| one.credit.to_string());
        let share = match judged.parts.len() {
            1 => String::new(),
            _ => format!(" × {}/{} days", part.days, period.days()),
        };
        format!("{fee} × {percent} %{share} = {} ({for_what}, tier {})", shown(*amount), part.tier)
    });
    Some(StatementCredit {
        formula: formula.collect(),
        fee,
        currency: credit.currency.clone(),
        amount: shown(credit.amount),
        note: credit.note.clone(),
    })
}

/// Slices by the day on which they begin, in the contract's zone.
fn days(sla: &Sla, interval: Interval, runs: &[Run]) -> Vec<StatementDay> {
    let zone = CivilZone::from(sla.timezone);
    let length = chrono::TimeDelta::minutes(i64::from(sla.slices.minutes));
    let mut days: BTreeMap<NaiveDate, StatementDay> = BTreeMap::new();
    let of = |day: NaiveDate| StatementDay { day, slices: 0, bad: 0, excluded: 0, unknown: 0 };
    let mut at = interval.start;
    while at < interval.end {
        let day = zone.day_of(at);
        days.entry(day).or_insert_with(|| of(day)).slices += 1;
        at += length;
    }
    for run in runs {
        let mut at = run.interval.start;
        while at < run.interval.end {
            let day = zone.day_of(at);
            let day = days.entry(day).or_insert_with(|| of(day));
            match run.what.as_str() {
                "bad" => day.bad += 1,
                "excluded" => day.excluded += 1,
                _ => day.unknown += 1,
            }
            at += length;
        }
    }
    days.into_values().collect()
}

fn statement_run(run: &Run) -> StatementRun {
    StatementRun {
        what: run.what.clone(),
        interval: run.interval,
        slices: run.slices,
        total: run.total,
        failed: run.failed,
        exclusion: run.exclusion.clone(),
    }
}

fn exclusion(applied: &Applied) -> StatementExclusion {
    let window = &applied.window;
    StatementExclusion {
        id: window.id.clone(),
        kind: window.kind.clone(),
        interval: Interval { start: window.starts_at, end: window.ends_at },
        announced_at: window.announced_at,
        approved_by: window.approved_by.clone(),
        ticket: window.ticket_ref.clone(),
        reason: window.reason.clone(),
        slices: applied.slices,
        ignored: applied.ignored.clone(),
    }
}

fn revision(sla: &Sla, result: &TenantResult) -> StatementRevision {
    let judged = &result.figures.judged;
    let decimals = sla.fees.as_ref().map_or(2, |rule| rule.decimals);
    StatementRevision {
        revision: result.revision,
        state: result.state.as_str().to_owned(),
        at: result.at,
        run: result.run.clone(),
        figures: in_a_line(judged),
        amount: judged.credit.as_ref().map(|credit| in_currency(credit.amount, decimals)),
        cause: result.cause.clone(),
    }
}

/// `uptime 99.8981 % missed, errors 0.1 % ok`, by part where there are several.
pub(super) fn in_a_line(judged: &JudgedPeriod) -> String {
    let parts = judged.parts.iter().map(|part| {
        let results = part.attained.iter().map(|one| match one.status {
            SlaStatus::Ok | SlaStatus::Missed => {
                let word = if one.status == SlaStatus::Ok { "kept" } else { "missed" };
                format!("{} {} % {word}", one.metric, percent_of(one.good, one.valid, DECIMALS))
            }
            SlaStatus::NotApplicable => format!("{} not applicable", one.metric),
            SlaStatus::NotEvaluated => format!("{} not evaluated", one.metric),
        });
        let results: Vec<String> = results.collect();
        if judged.parts.len() == 1 { results.join(", ") } else { format!("{} {}", part.tier, results.join(", ")) }
    });
    parts.collect::<Vec<_>>().join("; ")
}
