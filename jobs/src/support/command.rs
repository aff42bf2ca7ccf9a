//! `auditlake sla` of support agreements: results as they are recorded.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemas::{CivilZone, SlaPeriod, SupportAgreement, SupportClock, SupportStatement, SupportTicket, rfc3339};
use serde_json::{Value, json};

use super::provenance;
use super::records::Sequence;
use super::statement::{Context, in_a_line};
use crate::Answer;
use crate::error::JobError;
use crate::lake::OpenLake;

/// The results in force of a period, of every agreement; of the period that ended last if none is named.
pub(crate) async fn list(
    lake: &OpenLake,
    now: DateTime<Utc>,
    period: Option<&str>,
    (text, all): (&mut String, &mut Vec<Value>),
) -> Result<(), JobError> {
    for support in &lake.definitions.supports {
        let period = period_of(support, now, period)?;
        let sequence = Sequence::read(&lake.front, support.id.as_str(), &period.name()).await?;
        let in_force = sequence.in_force();
        for tenant in support.tenants.keys() {
            let result = in_force.get(tenant.as_str());
            let figures = result.map(|result| in_a_line(&result.figures.judged));
            let state = result.map_or("not judged", |result| result.state.as_str());
            text.push_str(&format!(
                "{:<16} {:<24} {:<8} {state:<12} {}\n",
                support.id.as_str(),
                tenant,
                period.name(),
                figures.as_deref().unwrap_or("")
            ));
            all.push(json!({ "sla": support.id, "tenant": tenant, "period": period.name(), "result": result }));
        }
    }
    Ok(())
}

/// One result with every ticket.
pub(crate) async fn explain(
    lake: &OpenLake,
    now: DateTime<Utc>,
    support: &SupportAgreement,
    (tenant, period): (&str, &str),
) -> Result<Answer, JobError> {
    let period = period_of(support, now, Some(period))?;
    let sequence = Sequence::read(&lake.front, support.id.as_str(), &period.name()).await?;
    let beyond = || JobError::Usage(format!("period {} lies outside of the calendar", period.name()));
    let interval = period.interval(CivilZone::from(support.timezone)).ok_or_else(beyond)?;
    let newest = sequence.of_tenant(tenant).last();
    let (run, at) = newest.map_or((String::new(), now), |result| (result.run.clone(), result.at));
    let (provenance, evidence) = (provenance(run, at, Vec::new()), BTreeMap::new());
    let context = Context {
        lake: lake.definitions.id.as_str(),
        support,
        period,
        interval,
        sequence: &sequence,
        provenance: &provenance,
        evidence: &evidence,
    };
    let Some(statement) = context.of(tenant) else {
        return Err(JobError::Usage(format!(
            "period {} of support \"{}\" is not judged yet for tenant {tenant:?}; run its job for an instant after {}",
            period.name(),
            support.id,
            rfc3339(interval.end)
        )));
    };
    let json = serde_json::to_value(&statement)
        .map_err(|error| engine::EngineError::Bug { what: format!("a statement is not JSON ({error})") })?;
    Ok(Answer::done(told(&statement), json))
}

fn period_of(support: &SupportAgreement, now: DateTime<Utc>, named: Option<&str>) -> Result<SlaPeriod, JobError> {
    match named {
        Some(named) => {
            support.period.parse(named).map_err(|why| JobError::Usage(format!("support \"{}\": {why}", support.id)))
        }
        None => support
            .period
            .ended_by(now, CivilZone::from(support.timezone))
            .ok_or_else(|| JobError::Usage("no period has ended in the calendar".to_owned())),
    }
}

/// A statement for a terminal.
fn told(statement: &SupportStatement) -> String {
    let mut lines = vec![format!(
        "{} of {} (tier {}), period {} in {}: {}, revision {}, judged as of {}",
        statement.support,
        statement.tenant,
        statement.tier,
        statement.period,
        statement.timezone,
        statement.state,
        statement.revision,
        rfc3339(statement.judged_at)
    )];
    for one in &statement.promises {
        let percent = one.percent.as_ref().map_or(String::new(), |percent| format!(", {percent} %"));
        let why = one.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
        lines.push(format!("  {:<14} {} ({} of {}{percent}){why}", one.status, one.promise, one.good, one.valid));
        let left = one.budget_left.map_or("-".to_owned(), |left| left.to_string());
        lines.push(format!(
            "  {:<14} {} running, {} warned of, {} not judged; budget left {left}",
            "", one.running, one.warned, one.not_judged
        ));
    }
    for one in &statement.groups {
        lines.push(format!(
            "tier {}, priority {}, {} within {}: {} of {} kept, {} missed, {} running, {} warned of",
            one.tier, one.priority, one.metric, one.limit, one.kept, one.tickets, one.missed, one.running, one.warned
        ));
    }
    statement.tickets.iter().for_each(|ticket| lines.extend(ticket_told(ticket)));
    for one in &statement.revisions {
        let cause = one.cause.as_ref().map_or(String::new(), |cause| format!(" ({cause})"));
        lines.push(format!("revision {} {} at {}: {}{cause}", one.revision, one.state, rfc3339(one.at), one.figures));
    }
    lines.push(format!("{}; definitions {}", statement.provenance.defined, statement.provenance.spec_sha256));
    lines.push(format!("evidence {}", statement.provenance.evidence_sha256));
    lines.join("\n")
}

fn ticket_told(ticket: &SupportTicket) -> Vec<String> {
    let clock = |name: &str, clock: &Option<SupportClock>| {
        clock.as_ref().map(|one| format!("{name} {} of {} {}", one.counted, one.limit, one.status))
    };
    let clocks = [clock("response", &ticket.response), clock("resolution", &ticket.resolution)];
    let told = match &ticket.not_judged {
        Some(why) => format!("not judged: {why}"),
        None if clocks.iter().all(Option::is_none) => "no limit".to_owned(),
        None => clocks.into_iter().flatten().collect::<Vec<_>>().join(", "),
    };
    let reopened = if ticket.reopened > 0 { format!(", reopened {}", ticket.reopened) } else { String::new() };
    let mut lines = vec![format!(
        "ticket {} (priority {}, {}, opened {}, revision {}{reopened}): {told}",
        ticket.id,
        ticket.priority,
        ticket.state,
        rfc3339(ticket.opened_at),
        ticket.revision
    )];
    for pause in &ticket.pauses {
        let at = |at: Option<DateTime<Utc>>| at.map_or("-".to_owned(), rfc3339);
        let counts = pause.ignored.as_ref().map_or("counts".to_owned(), |why| format!("ignored: {why}"));
        let reason = if pause.reason.is_empty() { "no reason" } else { &pause.reason };
        lines.push(format!("  pause {} to {}, {reason}: {counts}", at(pause.from), at(pause.to)));
    }
    lines
}
