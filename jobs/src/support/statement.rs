//! A result as a statement for people.

use std::collections::BTreeMap;

use schemas::{
    Interval, ResultRevision, SlaPeriod, SupportAgreement, SupportClock, SupportGroup, SupportPause, SupportPromise,
    SupportProvenance, SupportStatement, SupportTicket, TicketMetric, percent_of,
};

use super::judged::{ClockStatus, JudgedPause, JudgedTicket, JudgedTickets, Kept, TicketClock};
use super::records::{Sequence, TenantResult};
use crate::sla::{SlaStatus, files_of_tenant};

/// Decimals of percentages.
const DECIMALS: u32 = 4;

/// What a statement needs beside its result.
pub(super) struct Context<'a> {
    pub(super) lake: &'a str,
    pub(super) support: &'a SupportAgreement,
    pub(super) period: SlaPeriod,
    pub(super) interval: Interval,
    pub(super) sequence: &'a Sequence,
    pub(super) provenance: &'a SupportProvenance,
    /// Objects with what proves results of this run, by tenant; of results of other runs, their figures name it.
    pub(super) evidence: &'a BTreeMap<String, Vec<String>>,
}

impl Context<'_> {
    /// The statement of a tenant's result in force; none of a tenant without one.
    pub(super) fn of(&self, tenant: &str) -> Option<SupportStatement> {
        let revisions: Vec<&TenantResult> = self.sequence.of_tenant(tenant).collect();
        let result = *revisions.last()?;
        let (support, figures) = (self.support, &result.figures);
        let calendar = support.calendar_of(tenant).first()?;
        let of_run = self.evidence.get(tenant).filter(|_| result.run == self.provenance.run);
        Some(SupportStatement {
            lake: self.lake.to_owned(),
            support: support.id.to_string(),
            tenant: tenant.to_owned(),
            tier: figures.tier.clone(),
            period: self.period.name(),
            interval: self.interval,
            judged_at: figures.judged_at,
            timezone: support.timezone.to_string(),
            calendar: calendar.name.clone(),
            calendar_zone: calendar.timezone.to_string(),
            pause_reasons: support.pauses.iter().cloned().collect(),
            warn_percent: support.warn.to_string(),
            state: result.state.as_str().to_owned(),
            revision: result.revision,
            promises: figures.judged.promises.iter().map(promise).collect(),
            groups: groups(&figures.judged),
            tickets: figures.judged.tickets.iter().map(ticket).collect(),
            revisions: revisions.iter().map(|one| revision(one)).collect(),
            provenance: SupportProvenance {
                defined: format!(
                    "{}, version {} of its limits; calendar {}",
                    support.id, figures.limits_version, figures.calendar
                ),
                spec_sha256: figures.spec_sha256.clone(),
                evidence_sha256: figures.evidence_sha256.clone(),
                evidence: of_run.unwrap_or(&figures.evidence).clone(),
                inputs: files_of_tenant(&self.provenance.inputs, tenant),
                ..self.provenance.clone()
            },
        })
    }
}

fn promise(kept: &Kept) -> SupportPromise {
    let what = match kept.metric {
        TicketMetric::Response => "answered",
        TicketMetric::Resolution => "resolved",
    };
    SupportPromise {
        metric: kept.metric.as_str().to_owned(),
        promise: format!("at least {} % of tickets are {what} within their limit", kept.target),
        good: kept.good,
        valid: kept.valid,
        percent: (kept.valid > 0).then(|| percent_of(kept.good, kept.valid, DECIMALS)),
        running: kept.running,
        warned: kept.warned,
        not_judged: kept.not_judged,
        status: kept.status.as_str().to_owned(),
        why: kept.why.clone(),
        budget_left: kept.budget_left,
    }
}

/// Tickets by tier, priority and promise. All of a group have one limit.
fn groups(judged: &JudgedTickets) -> Vec<SupportGroup> {
    let mut groups: BTreeMap<(&str, i64, TicketMetric), SupportGroup> = BTreeMap::new();
    for ticket in &judged.tickets {
        for (metric, clock) in &ticket.clocks {
            let group = groups.entry((&ticket.tier, ticket.priority, *metric)).or_insert_with(|| SupportGroup {
                tier: ticket.tier.clone(),
                priority: ticket.priority,
                metric: metric.as_str().to_owned(),
                limit: length(clock.limit_seconds),
                limit_seconds: clock.limit_seconds,
                tickets: 0,
                kept: 0,
                missed: 0,
                running: 0,
                warned: 0,
            });
            group.tickets += 1;
            match clock.status {
                ClockStatus::Kept => group.kept += 1,
                ClockStatus::Missed => group.missed += 1,
                ClockStatus::Running => group.running += 1,
                ClockStatus::Warned => group.warned += 1,
            }
        }
    }
    groups.into_values().collect()
}

fn ticket(judged: &JudgedTicket) -> SupportTicket {
    SupportTicket {
        id: judged.id.clone(),
        revision: judged.revision,
        tier: judged.tier.clone(),
        priority: judged.priority,
        opened_at: judged.opened_at,
        state: judged.state.clone(),
        reopened: judged.reopened,
        response: judged.clocks.get(&TicketMetric::Response).map(clock),
        resolution: judged.clocks.get(&TicketMetric::Resolution).map(clock),
        pauses: judged.pauses.iter().map(pause).collect(),
        not_judged: judged.not_judged.clone(),
    }
}

fn clock(clock: &TicketClock) -> SupportClock {
    SupportClock {
        status: clock.status.as_str().to_owned(),
        ended_at: clock.ended_at,
        counted: length(clock.counted_us / 1_000_000),
        counted_us: clock.counted_us,
        limit: length(clock.limit_seconds),
        limit_seconds: clock.limit_seconds,
    }
}

fn pause(pause: &JudgedPause) -> SupportPause {
    SupportPause {
        from: pause.from,
        to: pause.to,
        reason: pause.reason.clone().unwrap_or_default(),
        ignored: pause.ignored.clone(),
    }
}

fn revision(result: &TenantResult) -> ResultRevision {
    ResultRevision {
        revision: result.revision,
        state: result.state.as_str().to_owned(),
        at: result.at,
        run: result.run.clone(),
        figures: in_a_line(&result.figures.judged),
        cause: result.cause.clone(),
    }
}

/// Seconds as hours, minutes and seconds: `5:30:00`.
fn length(seconds: u64) -> String {
    format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// `response 100.0000 % kept, resolution 50.0000 % missed, 1 running`.
pub(super) fn in_a_line(judged: &JudgedTickets) -> String {
    let promises = judged.promises.iter().map(|kept| {
        let metric = kept.metric.as_str();
        let mut line = match kept.status {
            SlaStatus::Ok if kept.valid == 0 => format!("{metric} kept"),
            SlaStatus::Ok => format!("{metric} {} % kept", percent_of(kept.good, kept.valid, DECIMALS)),
            SlaStatus::Missed => format!("{metric} {} % missed", percent_of(kept.good, kept.valid, DECIMALS)),
            SlaStatus::NotApplicable => format!("{metric} not applicable"),
            SlaStatus::NotEvaluated => format!("{metric} not evaluated"),
        };
        for (count, word) in [(kept.running, "running"), (kept.warned, "warned of")] {
            if count > 0 {
                line.push_str(&format!(", {count} {word}"));
            }
        }
        line
    });
    let mut line = promises.collect::<Vec<_>>().join("; ");
    let not_judged = judged.tickets.iter().filter(|ticket| ticket.not_judged.is_some()).count();
    if not_judged > 0 {
        line.push_str(&format!("; {not_judged} not judged"));
    }
    line
}
