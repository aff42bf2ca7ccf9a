//! Tickets judged: which pauses count, how long each clock ran, and how each promise was kept.
//!
//! It is pure, and knows what was true at one instant: what a row says of a later one has not happened yet. Absent: what tickets
//! say, and money.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemas::{Interval, OpenSpan, Share, SupportAgreement, SupportLimits, TicketLimits, TicketMetric};
use serde::{Deserialize, Serialize};

use super::clock::{counted, merged, micros};
use super::tickets::{Pause, Ticket};
use crate::sla::SlaStatus;

/// What decides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) support: &'a SupportAgreement,
    pub(super) limits: &'a SupportLimits,
    /// Open time of the tenant's calendar, from the beginning of the period on.
    pub(super) open: &'a [OpenSpan],
    /// The instant as of which it is judged.
    pub(super) at: DateTime<Utc>,
}

/// What a tenant's period came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JudgedTickets {
    /// Response, then resolution.
    pub(super) promises: Vec<Kept>,
    /// By their ids.
    pub(super) tickets: Vec<JudgedTicket>,
}

/// How one promise was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) metric: TicketMetric,
    pub(super) target: Share,
    /// Tickets of which it is decided.
    pub(super) valid: u64,
    /// Those of them within their limit.
    pub(super) good: u64,
    pub(super) running: u64,
    pub(super) warned: u64,
    /// Tickets that cannot be judged.
    pub(super) not_judged: u64,
    pub(super) status: SlaStatus,
    pub(super) why: Option<String>,
    pub(super) budget_left: Option<i64>,
}

/// A ticket, and what became of its clocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JudgedTicket {
    pub(super) id: String,
    pub(super) revision: i64,
    pub(super) tier: String,
    pub(super) priority: i64,
    pub(super) opened_at: DateTime<Utc>,
    pub(super) state: String,
    pub(super) reopened: i64,
    /// Of each limit that there is.
    pub(super) clocks: BTreeMap<TicketMetric, TicketClock>,
    pub(super) pauses: Vec<JudgedPause>,
    /// Why it is not judged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) not_judged: Option<String>,
}

/// A clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TicketClock {
    pub(super) status: ClockStatus,
    /// None while it runs.
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) counted_us: u64,
    pub(super) limit_seconds: u64,
    /// What counts of its time, which is evidence and no part of the record.
    #[serde(skip)]
    pub(super) counted: Vec<OpenSpan>,
}

/// How far a clock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClockStatus {
    /// It ended within its limit.
    Kept,
    /// It is over its limit, ended or not.
    Missed,
    /// It runs.
    Running,
    /// It runs, and is near its limit.
    Warned,
}

/// A pause, and why it does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JudgedPause {
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) to: Option<DateTime<Utc>>,
    pub(super) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) ignored: Option<String>,
}

impl ClockStatus {
    /// The word in statements.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Missed => "missed",
            Self::Running => "running",
            Self::Warned => "warned",
        }
    }
}

/// Judges the tickets of a tenant's period.
pub(super) fn judge(rules: &Rules<'_>, tickets: &[Ticket]) -> JudgedTickets {
    let tickets: Vec<JudgedTicket> = tickets.iter().map(|ticket| ticket_of(rules, ticket)).collect();
    let promises = TicketMetric::ALL.map(|metric| kept(rules, metric, &tickets)).to_vec();
    JudgedTickets { promises, tickets }
}

fn ticket_of(rules: &Rules<'_>, ticket: &Ticket) -> JudgedTicket {
    let pauses: Vec<JudgedPause> = ticket.pauses.iter().map(|pause| pause_of(rules, pause)).collect();
    let limits = limits_of(rules, ticket);
    let (clocks, not_judged) = match limits {
        Ok(limits) => (clocks(rules, ticket, limits, &pauses), None),
        Err(why) => (BTreeMap::new(), Some(why)),
    };
    JudgedTicket {
        id: ticket.id.clone(),
        revision: ticket.revision,
        tier: ticket.tier.clone(),
        priority: ticket.priority,
        opened_at: ticket.opened_at,
        state: ticket.state.clone(),
        reopened: ticket.reopened,
        clocks,
        pauses,
        not_judged,
    }
}

/// The limits of a ticket, or why it cannot be judged.
fn limits_of(rules: &Rules<'_>, ticket: &Ticket) -> Result<TicketLimits, String> {
    if ticket.is_contradicted {
        return Err(format!("rows of its revision {} contradict each other", ticket.revision));
    }
    if ticket.first_response_at.is_some_and(|at| at < ticket.opened_at) {
        return Err("it was answered before it was opened".to_owned());
    }
    if ticket.resolved_at.is_some_and(|at| at < ticket.opened_at) {
        return Err("it was resolved before it was opened".to_owned());
    }
    if ticket.resolved_at.is_none() && is_one_of(&ticket.state, ["resolved", "closed"]) {
        return Err(format!("its state is {}, and when it was resolved is not known", ticket.state));
    }
    let Some(tier) = rules.limits.tiers.get(&ticket.tier) else {
        return Err(format!("tier {:?} has no limits in support \"{}\"", ticket.tier, rules.support.id));
    };
    let at = usize::try_from(ticket.priority).ok().and_then(|priority| priority.checked_sub(1));
    let limits = at.and_then(|at| tier.get(at)).copied();
    limits.ok_or_else(|| format!("priority {} is none of 1 to {}", ticket.priority, tier.len()))
}

fn is_one_of(state: &str, words: [&str; 2]) -> bool {
    words.iter().any(|word| state.eq_ignore_ascii_case(word))
}

fn pause_of(rules: &Rules<'_>, pause: &Pause) -> JudgedPause {
    let allowed = &rules.support.pauses;
    let ignored = match (pause.from, pause.to, &pause.reason) {
        (None, ..) => Some("it has no beginning".to_owned()),
        (Some(from), Some(to), _) if to < from => Some("it ends before it begins".to_owned()),
        (.., None) => Some("it has no reason".to_owned()),
        (.., Some(reason)) if !allowed.contains(reason) => {
            let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
            Some(match allowed.as_slice() {
                [] => "no pause counts".to_owned(),
                some => format!("only pauses for {} count", some.join(", ")),
            })
        }
        _ => None,
    };
    JudgedPause { from: pause.from, to: pause.to, reason: pause.reason.clone(), ignored }
}

/// The clocks of a ticket that can be judged.
fn clocks(
    rules: &Rules<'_>,
    ticket: &Ticket,
    limits: TicketLimits,
    pauses: &[JudgedPause],
) -> BTreeMap<TicketMetric, TicketClock> {
    let counting = pauses.iter().filter(|pause| pause.ignored.is_none());
    let stopped = counting.filter_map(|pause| {
        // One that goes on stops clocks up to the instant.
        let end = pause.to.map_or(rules.at, |to| to.min(rules.at));
        Some(Interval { start: pause.from?, end })
    });
    let stopped = merged(stopped.collect());
    // A ticket that is open is not resolved: it was opened again, and its row kept the earlier resolution.
    let is_open = is_one_of(&ticket.state, ["open", "pending"]);
    let happened = |at: &DateTime<Utc>| *at <= rules.at;
    let resolved = ticket.resolved_at.filter(|_| !is_open).filter(happened);
    // Who resolves a ticket has answered it.
    let answered = ticket.first_response_at.filter(happened).into_iter().chain(resolved).min();
    let ends = [(TicketMetric::Response, answered), (TicketMetric::Resolution, resolved)];
    let clocks = ends.into_iter().filter_map(|(metric, ended_at)| {
        let limit_seconds = limits.seconds(metric)?;
        let time = Interval { start: ticket.opened_at, end: ended_at.unwrap_or(rules.at) };
        let counted = counted(rules.open, time, &stopped);
        let counted_us = micros(&counted);
        let status =
            status(rules.support.warn, counted_us, limit_seconds.saturating_mul(1_000_000), ended_at.is_some());
        Some((metric, TicketClock { status, ended_at, counted_us, limit_seconds, counted }))
    });
    clocks.collect()
}

fn status(warn: Share, counted_us: u64, limit_us: u64, has_ended: bool) -> ClockStatus {
    match has_ended {
        _ if counted_us > limit_us => ClockStatus::Missed,
        true => ClockStatus::Kept,
        false if warn.is_reached_by(counted_us, limit_us) => ClockStatus::Warned,
        false => ClockStatus::Running,
    }
}

/// How a promise was kept, by tickets of which it is decided. Those that cannot be judged leave it open where they could turn it.
fn kept(rules: &Rules<'_>, metric: TicketMetric, tickets: &[JudgedTicket]) -> Kept {
    let target = rules.support.target(metric);
    let count = |wanted: ClockStatus| {
        let of = |ticket: &&JudgedTicket| ticket.clocks.get(&metric).is_some_and(|clock| clock.status == wanted);
        tickets.iter().filter(of).count() as u64
    };
    let (good, missed) = (count(ClockStatus::Kept), count(ClockStatus::Missed));
    let valid = good + missed;
    let is_promised = rules.limits.tiers.values().flatten().any(|limits| limits.seconds(metric).is_some());
    let not_judged = tickets.iter().filter(|ticket| is_promised && ticket.not_judged.is_some()).count() as u64;
    let all = valid + not_judged;
    let (status, why) = if !is_promised {
        (SlaStatus::NotApplicable, Some("no limit is promised".to_owned()))
    } else if all == 0 {
        (SlaStatus::NotApplicable, Some("no ticket with a limit is decided".to_owned()))
    } else if target.is_reached_by(good, all) {
        (SlaStatus::Ok, None)
    } else if !target.is_reached_by(good + not_judged, all) {
        (SlaStatus::Missed, None)
    } else {
        let what = crate::show::counted(not_judged, "ticket");
        (SlaStatus::NotEvaluated, Some(format!("{what} cannot be judged, and would decide it")))
    };
    let spare = i64::try_from(target.spare_of(valid)).ok().zip(i64::try_from(missed).ok());
    Kept {
        metric,
        target,
        valid,
        good,
        running: count(ClockStatus::Running),
        warned: count(ClockStatus::Warned),
        not_judged,
        status,
        why,
        budget_left: spare.filter(|_| valid > 0).map(|(spare, missed)| spare - missed),
    }
}

#[cfg(test)]
mod tests;
