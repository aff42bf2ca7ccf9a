//! `auditlake sla`: results as they are recorded.

use chrono::{DateTime, Utc};
use schemas::{CivilZone, Sla, SlaId, SlaPeriod, SlaStatement, SupportAgreement, rfc3339};
use serde_json::json;

use super::records::Sequence;
use super::statement::{Context, in_a_line};
use super::{provenance, sla_of, support_of};
use crate::Answer;
use crate::args::{Cli, SlaCommand};
use crate::error::JobError;
use crate::lake::{OpenLake, names};
use crate::support;
use crate::world::World;

/// Carries out a command.
pub(crate) async fn command(cli: &Cli, world: &World, command: &SlaCommand) -> Result<Answer, JobError> {
    let lake = cli.open()?;
    match command {
        SlaCommand::List { period } => list(&lake, world.now(), period.as_deref()).await,
        SlaCommand::Explain { tenant, period, sla } => {
            explain(&lake, world.now(), (tenant, period), sla.as_deref()).await
        }
    }
}

/// The results in force of a period, of every SLA and support agreement; of the period that ended last if none is named.
async fn list(lake: &OpenLake, now: DateTime<Utc>, period: Option<&str>) -> Result<Answer, JobError> {
    let (mut text, mut all) = (String::new(), Vec::new());
    let definitions = &lake.definitions;
    if definitions.slas.is_empty() && definitions.unbound.is_empty() && definitions.supports.is_empty() {
        return Ok(Answer::done("there is no SLA; describe one in slas/".to_owned(), json!({ "results": [] })));
    }
    for sla in &definitions.slas {
        let period = period_of(sla, now, period)?;
        let sequence = Sequence::read(&lake.front, sla.id.as_str(), &period.name()).await?;
        let in_force = sequence.in_force();
        for tenant in sla.tenants.keys() {
            let result = in_force.get(tenant.as_str());
            let figures = result.map(|result| in_a_line(&result.figures.judged));
            let state = result.map_or("not judged", |result| result.state.as_str());
            text.push_str(&format!(
                "{:<16} {:<24} {:<8} {state:<12} {}\n",
                sla.id.as_str(),
                tenant,
                period.name(),
                figures.as_deref().unwrap_or("")
            ));
            all.push(json!({ "sla": sla.id, "tenant": tenant, "period": period.name(), "result": result }));
        }
    }
    support::list(lake, now, period, (&mut text, &mut all)).await?;
    for unbound in &lake.definitions.unbound {
        let (id, why) = (&unbound.id, &unbound.why);
        text.push_str(&format!("{:<16} {:<24} not evaluated: {why}\n", id.as_str(), "-"));
        all.push(json!({ "sla": id, "tenant": null, "period": null, "result": null, "not_evaluated": why }));
    }
    Ok(Answer::done(text, json!({ "results": all })))
}

/// One result with everything that it follows from.
async fn explain(
    lake: &OpenLake,
    now: DateTime<Utc>,
    (tenant, period): (&str, &str),
    sla: Option<&str>,
) -> Result<Answer, JobError> {
    let sla = match chosen(lake, tenant, sla)? {
        Chosen::Support(support) => return support::explain(lake, now, support, (tenant, period)).await,
        Chosen::Sla(sla) => sla,
    };
    let period = period_of(sla, now, Some(period))?;
    let sequence = Sequence::read(&lake.front, sla.id.as_str(), &period.name()).await?;
    let beyond = || JobError::Usage(format!("period {} lies outside of the calendar", period.name()));
    let interval = period.interval(CivilZone::from(sla.timezone)).ok_or_else(beyond)?;
    let newest = sequence.of_tenant(tenant).last();
    let (run, at) = newest.map_or((String::new(), now), |result| (result.run.clone(), result.at));
    let provenance = provenance(run, at, (Vec::new(), Vec::new()));
    let lake_id = lake.definitions.id.as_str();
    let context = Context { lake: lake_id, sla, period, interval, sequence: &sequence, provenance: &provenance };
    let Some(statement) = context.of(tenant) else {
        return Err(JobError::Usage(format!(
            "period {} of sla \"{}\" is not judged yet for tenant {tenant:?}; run its job for an instant after {}",
            period.name(),
            sla.id,
            rfc3339(interval.end)
        )));
    };
    let json = serde_json::to_value(&statement)
        .map_err(|error| engine::EngineError::Bug { what: format!("a statement is not JSON ({error})") })?;
    Ok(Answer::done(told(&statement), json))
}

/// What promises a tenant something.
#[derive(Clone, Copy)]
enum Chosen<'a> {
    Sla(&'a Sla),
    Support(&'a SupportAgreement),
}

/// The SLA or support agreement that is named, or the only one that promises the tenant anything.
fn chosen<'a>(lake: &'a OpenLake, tenant: &str, named: Option<&str>) -> Result<Chosen<'a>, JobError> {
    let unknown = || JobError::Unknown {
        what: "tenant of an sla",
        name: tenant.to_owned(),
        remedy: "write its tier in tenants of a file in slas/".to_owned(),
    };
    if let Some(name) = named {
        let id = SlaId::parse(name).map_err(|error| JobError::Usage(error.to_string()))?;
        if let Some(support) = support_of(lake, &id) {
            return if support.tenants.contains_key(tenant) { Ok(Chosen::Support(support)) } else { Err(unknown()) };
        }
        let sla = sla_of(lake, &id)?;
        return if sla.tenants.contains_key(tenant) { Ok(Chosen::Sla(sla)) } else { Err(unknown()) };
    }
    let slas = lake.definitions.slas.iter().filter(|sla| sla.tenants.contains_key(tenant));
    let supports = lake.definitions.supports.iter().filter(|support| support.tenants.contains_key(tenant));
    let of: Vec<Chosen<'_>> = slas.map(Chosen::Sla).chain(supports.map(Chosen::Support)).collect();
    match of.as_slice() {
        [] => Err(unknown()),
        [only] => Ok(*only),
        several => Err(JobError::Usage(format!(
            "several SLAs promise tenant {tenant:?} something; name one with --sla: {}",
            names(several.iter().map(|one| match one {
                Chosen::Sla(sla) => &sla.id,
                Chosen::Support(support) => &support.id,
            }))
        ))),
    }
}

fn period_of(sla: &Sla, now: DateTime<Utc>, named: Option<&str>) -> Result<SlaPeriod, JobError> {
    match named {
        Some(named) => sla.period.parse(named).map_err(|why| JobError::Usage(format!("sla \"{}\": {why}", sla.id))),
        None => sla
            .period
            .ended_by(now, CivilZone::from(sla.timezone))
            .ok_or_else(|| JobError::Usage("no period has ended in the calendar".to_owned())),
    }
}

/// A statement for a terminal.
fn told(statement: &SlaStatement) -> String {
    let mut lines = vec![format!(
        "{} of {} ({}), period {} in {}: {}, revision {}",
        statement.sla,
        statement.tenant,
        statement.service,
        statement.period,
        statement.timezone,
        statement.state,
        statement.revision
    )];
    for part in &statement.parts {
        lines.push(format!("tier {}, {} days from {}", part.tier, part.days, part.from));
        for one in &part.results {
            let percent = one.percent.as_ref().map_or(String::new(), |percent| format!(", {percent} %"));
            let why = one.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
            lines.push(format!("  {:<14} {} ({} of {}{percent}){why}", one.status, one.promise, one.good, one.valid));
            let left = one.budget_left.map_or("-".to_owned(), |left| left.to_string());
            let band = one.band.as_ref().map_or(String::new(), |band| format!(" ({band})"));
            lines.push(format!(
                "  {:<14} {} excluded, {} unknown; budget left {left}; credit {} %{band}",
                "", one.excluded, one.unknown, one.credit_percent
            ));
        }
    }
    match (&statement.credit, &statement.no_credit) {
        (Some(credit), _) => {
            lines.push(format!("credit {} {} of a fee of {}", credit.amount, credit.currency, credit.fee));
            lines.extend(credit.formula.iter().map(|line| format!("  {line}")));
            lines.extend(credit.note.iter().map(|note| format!("  {note}")));
        }
        (None, why) => lines.extend(why.iter().map(|why| format!("no amount: {why}"))),
    }
    for run in &statement.runs {
        let exclusion = run.exclusion.as_ref().map_or(String::new(), |id| format!(", {id}"));
        lines.push(format!(
            "{:<9} {} to {}: {} slices, {} of {} failed{exclusion}",
            run.what,
            rfc3339(run.interval.start),
            rfc3339(run.interval.end),
            run.slices,
            run.failed,
            run.total
        ));
    }
    for one in &statement.exclusions {
        let told = one.ignored.as_ref().map_or_else(|| "counts".to_owned(), |why| format!("ignored: {why}"));
        lines.push(format!("exclusion {} ({}), {} slices: {told}", one.id, one.kind, one.slices));
    }
    for one in &statement.revisions {
        let cause = one.cause.as_ref().map_or(String::new(), |cause| format!(" ({cause})"));
        lines.push(format!("revision {} {} at {}: {}{cause}", one.revision, one.state, rfc3339(one.at), one.figures));
    }
    lines.push(format!("tiers {}; definitions {}", statement.provenance.tiers, statement.provenance.spec_sha256));
    lines.push(format!("evidence {}", statement.provenance.evidence_sha256));
    lines.join("\n")
}
