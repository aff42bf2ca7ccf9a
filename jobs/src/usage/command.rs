//! `auditlake usage`: results as they are recorded, and charges as a bill that others read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemas::{CivilZone, SlaPeriod, UsageContract, UsageId, UsageStatement, rfc3339};
use serde_json::json;

use super::records::Sequence;
use super::statement::{Context, in_a_line};
use super::{PERIOD, provenance, usage_of};
use crate::Answer;
use crate::args::{Cli, UsageCommand};
use crate::error::JobError;
use crate::lake::{OpenLake, names};
use crate::show::counted;
use crate::world::World;

/// Carries out a command.
pub(crate) async fn command(cli: &Cli, world: &World, command: &UsageCommand) -> Result<Answer, JobError> {
    match command {
        UsageCommand::List { period } => list(&cli.open()?, world.now(), period.as_deref()).await,
        UsageCommand::Show { tenant, period, usage } => {
            show(&cli.open()?, world.now(), (tenant, period.as_deref()), usage.as_deref()).await
        }
        UsageCommand::Focus(args) => {
            super::focus(cli, world, args).await.map(|code| Answer { text: String::new(), json: json!(null), code })
        }
    }
}

/// The results in force of a month, of every contract; of the month that goes on if none is named.
async fn list(lake: &OpenLake, now: DateTime<Utc>, period: Option<&str>) -> Result<Answer, JobError> {
    let (mut text, mut all) = (String::new(), Vec::new());
    if lake.definitions.usages.is_empty() {
        let told = "there is no contract about usage; describe one in slas/".to_owned();
        return Ok(Answer::done(told, json!({ "results": [] })));
    }
    for usage in &lake.definitions.usages {
        let period = period_of(usage, now, period)?;
        let sequence = Sequence::read(&lake.front, usage.id.as_str(), &period.name()).await?;
        let in_force = sequence.in_force();
        for tenant in usage.tenants.keys() {
            let result = in_force.get(tenant.as_str());
            let figures = result.map(|result| in_a_line(&result.figures.judged));
            let state = result.map_or("not judged", |result| result.state.as_str());
            text.push_str(&format!(
                "{:<16} {:<24} {:<8} {state:<12} {}\n",
                usage.id.as_str(),
                tenant,
                period.name(),
                figures.as_deref().unwrap_or("")
            ));
            all.push(json!({ "usage": usage.id, "tenant": tenant, "period": period.name(), "result": result }));
        }
    }
    Ok(Answer::done(text, json!({ "results": all })))
}

/// One result with everything that it follows from.
async fn show(
    lake: &OpenLake,
    now: DateTime<Utc>,
    (tenant, period): (&str, Option<&str>),
    usage: Option<&str>,
) -> Result<Answer, JobError> {
    let usage = chosen(lake, tenant, usage)?;
    let period = period_of(usage, now, period)?;
    let sequence = Sequence::read(&lake.front, usage.id.as_str(), &period.name()).await?;
    let newest = sequence.of_tenant(tenant).last();
    let (run, at) = newest.map_or((String::new(), now), |result| (result.run.clone(), result.at));
    let provenance = provenance(run, at, Vec::new());
    let (lake_id, evidence) = (lake.definitions.id.as_str(), BTreeMap::new());
    let context =
        Context { lake: lake_id, usage, period, sequence: &sequence, provenance: &provenance, evidence: &evidence };
    let Some(statement) = context.of(tenant) else {
        return Err(JobError::Usage(format!(
            "month {} of usage \"{}\" is not judged yet for tenant {tenant:?}; run its job for an instant in it, or after it",
            period.name(),
            usage.id
        )));
    };
    let json = serde_json::to_value(&statement)
        .map_err(|error| engine::EngineError::Bug { what: format!("a statement is not JSON ({error})") })?;
    Ok(Answer::done(told(&statement), json))
}

/// The contract that is named, or the only one that has the tenant.
fn chosen<'a>(lake: &'a OpenLake, tenant: &str, named: Option<&str>) -> Result<&'a UsageContract, JobError> {
    let unknown = || JobError::Unknown {
        what: "tenant of a contract about usage",
        name: tenant.to_owned(),
        remedy: "write its tier in tenants of a file in slas/".to_owned(),
    };
    if let Some(name) = named {
        let id = UsageId::parse(name).map_err(|error| JobError::Usage(error.to_string()))?;
        let usage = usage_of(lake, &id)?;
        return if usage.tenants.contains_key(tenant) { Ok(usage) } else { Err(unknown()) };
    }
    let all = lake.definitions.usages.iter();
    let of: Vec<&UsageContract> = all.filter(|usage| usage.tenants.contains_key(tenant)).collect();
    match of.as_slice() {
        [] => Err(unknown()),
        [only] => Ok(only),
        several => Err(JobError::Usage(format!(
            "several contracts have tenant {tenant:?}; name one with --usage: {}",
            names(several.iter().map(|usage| &usage.id))
        ))),
    }
}

fn period_of(usage: &UsageContract, now: DateTime<Utc>, named: Option<&str>) -> Result<SlaPeriod, JobError> {
    match named {
        Some(named) => PERIOD.parse(named).map_err(|why| JobError::Usage(format!("usage \"{}\": {why}", usage.id))),
        None => PERIOD
            .of_day(CivilZone::from(usage.timezone).day_of(now))
            .ok_or_else(|| JobError::Usage("the month lies outside of the calendar".to_owned())),
    }
}

/// A statement for a terminal.
fn told(statement: &UsageStatement) -> String {
    let mut lines = vec![format!(
        "usage {} of {}, month {} in {}: {}, revision {}, counted until {}",
        statement.usage,
        statement.tenant,
        statement.period,
        statement.timezone,
        statement.state,
        statement.revision,
        rfc3339(statement.until)
    )];
    for part in &statement.parts {
        lines.push(format!("tier {}, {} days from {}", part.tier, part.days, part.from));
        for one in &part.quotas {
            let used = one.used.as_deref().unwrap_or("-");
            let unit = one.unit.as_ref().map_or(String::new(), |unit| format!(" {unit}"));
            let of = one.limit.as_ref().map_or(String::new(), |limit| format!(" of {limit}"));
            let percent = one.percent.as_ref().map_or(String::new(), |percent| format!(" ({percent} %)"));
            let peak = one.peak_at.as_ref().map_or(String::new(), |peak| format!(", most on {peak}"));
            let over = if one.days_over > 0 {
                format!(", {} over", counted(one.days_over.into(), "day"))
            } else {
                String::new()
            };
            let note = one.note.as_ref().map_or(String::new(), |note| format!("; {note}"));
            lines.push(format!(
                "  {:<14} {} {used}{of}{unit}{percent}: {} of {}{peak}{over}{note}",
                one.status,
                one.quota,
                one.measure,
                counted(one.rows, "row")
            ));
        }
    }
    if let Some(price) = &statement.price {
        let amount = price
            .amount
            .as_ref()
            .map_or("as the contract says".to_owned(), |amount| format!("{amount} {}", price.currency));
        lines.push(format!("price {amount}"));
        lines.extend(price.formula.iter().map(|line| format!("  {line}")));
    }
    for one in &statement.charges {
        let class = one.class.as_ref().map_or(String::new(), |class| format!(", {class}"));
        lines.push(format!(
            "charged {} {} for {} ({}{class}, {})",
            one.billed_cost,
            one.currency,
            one.service,
            one.category,
            counted(one.rows, "row")
        ));
    }
    for one in &statement.revisions {
        let cause = one.cause.as_ref().map_or(String::new(), |cause| format!(" ({cause})"));
        lines.push(format!("revision {} {} at {}: {}{cause}", one.revision, one.state, rfc3339(one.at), one.figures));
    }
    lines.push(format!("quotas {}; definitions {}", statement.provenance.quotas, statement.provenance.spec_sha256));
    lines.push(format!("evidence {}", statement.provenance.evidence_sha256));
    lines.join("\n")
}
