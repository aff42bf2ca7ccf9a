//! `auditlake hold`: legal holds as cases.
//!
//! A case is written before anything else. Then whatever apply is under way on its datasets is settled: a living one is
//! waited for, and what a dead one left is brought to an end, so that the answer says what was changed before the case took
//! effect. From then on nothing that it holds is removed, changed or moved.

use engine::EngineError;
use engine::retention::{HoldCase, hold_cases, hold_path, open_intents, plans, record_hold};
use engine::subject::{erasures, subject_cases};
use schemas::{CaseId, DatasetId, HoldRecord, HoldScope, HoldStep, Permission, rfc3339};
use serde_json::json;

use crate::Answer;
use crate::args::{Cli, HoldCommand, PlaceArgs};
use crate::claim::Claim;
use crate::error::JobError;
use crate::evidence_log::{Act, Intent};
use crate::lake::OpenLake;
use crate::retention::{Target, of_record, settle_intents, who};
use crate::show::{counted, write_line};
use crate::subject::{Desk, closed, counted_by_kind, identifiers};
use crate::world::World;

/// Carries out a command.
pub(crate) async fn command(cli: &Cli, world: &World, command: &HoldCommand) -> Result<Answer, JobError> {
    let lake = cli.open()?;
    match command {
        HoldCommand::Place(args) => place(&lake, world, args).await,
        HoldCommand::Release { case, reason, principal } => {
            let by = who(&lake, principal.as_deref(), Permission::HoldRelease, "releasing a hold")?;
            is_no_restriction(&lake, case).await?;
            let what = (HoldStep::Released, by, reason.as_str());
            let record = write(&lake, world, case, what).await?;
            let mut text = format!(
                "case {case} is released; what it held is due again where policies say so: plan again with `auditlake \
                 retention plan`"
            );
            let waiting = waiting(&lake).await?;
            waiting.iter().for_each(|erasure| write_line(&mut text, &waited(erasure)));
            Ok(Answer::done(text, json!({ "record": record, "erasures_waiting": waiting })))
        }
        HoldCommand::List { all } => list(&lake, *all).await,
    }
}

async fn place(lake: &OpenLake, world: &World, args: &PlaceArgs) -> Result<Answer, JobError> {
    let by = who(lake, args.principal.as_deref(), Permission::HoldPlace, "placing a hold")?;
    let datasets: Result<Vec<DatasetId>, JobError> =
        args.dataset.iter().map(|name| lake.dataset(name).map(|dataset| dataset.id.clone())).collect();
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from >= to
    {
        return Err(JobError::Usage("--from is not before --to, so the case would hold nothing".to_owned()));
    }
    is_no_restriction(lake, &args.case).await?;
    let (subjects, shared) = subjects(lake, world, args).await?;
    let scope = HoldScope { subjects, ..args.scope(datasets?) };
    let step = match args.amend {
        true => HoldStep::Amended { scope },
        false => HoldStep::Placed { scope },
    };
    let holding = Holding { case: &args.case, step, by, reason: &args.reason };
    let (record, settled) = placed(lake, world, holding).await?;
    let mut text = format!("case {} holds from now on", args.case);
    if !shared.is_empty() {
        write_line(&mut text, &format!("\n  left alone, as other persons have them, too: {shared}"));
    }
    text.push_str(&settled.text());
    let (changed_before, not_settled) = (settled.changed, settled.unsettled);
    let json = json!({
        "record": record, "changed_before": changed_before, "not_settled": not_settled, "shared": shared,
    });
    Ok(Answer::done(text, json))
}

/// References of the person that a case is about, and what of them is left alone; nothing where it is about everybody.
async fn subjects(lake: &OpenLake, world: &World, args: &PlaceArgs) -> Result<(Vec<String>, String), JobError> {
    let Some(file) = &args.id_file else { return Ok(Default::default()) };
    let desk = Desk::open(lake, world).await?;
    desk.note_key().await?;
    let given = identifiers(file)?;
    let whose = closed(lake, world, desk.policy.identities.as_ref(), (&given, args.shared)).await?;
    Ok((desk.references(&whose.identifiers), counted_by_kind(&whose.shared)))
}

/// A restriction is begun and lifted by the case of its person.
async fn is_no_restriction(lake: &OpenLake, case: &CaseId) -> Result<(), JobError> {
    let cases = hold_cases(&lake.front).await?;
    let of = cases.iter().find(|of| of.case == *case).and_then(HoldCase::scope);
    match of {
        Some(scope) if scope.restricted => Err(JobError::Refused {
            what: format!("hold {case}"),
            why: format!("it is the restriction that a person asked for; `auditlake subject lift {case}` ends it"),
        }),
        _ => Ok(()),
    }
}

/// What is to be held.
pub(crate) struct Holding<'a> {
    pub(crate) case: &'a CaseId,
    pub(crate) step: HoldStep,
    pub(crate) by: Option<String>,
    pub(crate) reason: &'a str,
}

/// What became of changes that were under way before a case took effect.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Objects that were changed, in order.
    pub(crate) changed: Vec<String>,
    /// Objects that a process may still change that stopped.
    pub(crate) unsettled: Vec<String>,
}

impl Settled {
    /// What people read, behind what they read before.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if !self.changed.is_empty() {
            write_line(&mut text, "");
            let many = counted(self.changed.len() as u64, "object");
            let line = format!("{many} changed by an apply that was under way before the case took effect:");
            write_line(&mut text, &line);
            self.changed.iter().for_each(|path| write_line(&mut text, &format!("  {path}")));
        }
        for path in &self.unsettled {
            let line = format!(
                "\nnot settled: \"{path}\" was about to be changed by a process that stopped, and this store cannot keep it \
                 from doing so when it wakes; make sure that it is dead, then run `auditlake retention reconcile`"
            );
            write_line(&mut text, &line);
        }
        text
    }
}

/// Writes a case, and settles what is under way.
pub(crate) async fn placed(
    lake: &OpenLake,
    world: &World,
    holding: Holding<'_>,
) -> Result<(HoldRecord, Settled), JobError> {
    let record = write(lake, world, holding.case, (holding.step, holding.by, holding.reason)).await?;
    let settled = match record.what.scope() {
        Some(scope) => settled(lake, world, scope).await?,
        None => Settled::default(),
    };
    Ok((record, settled))
}

/// Brings to an end what is under way in datasets that a case may hold rows of.
pub(crate) async fn settled(lake: &OpenLake, world: &World, scope: &HoldScope) -> Result<Settled, JobError> {
    let mut all = Settled::default();
    for known in plans(&lake.front).await? {
        // Nothing is due any more in a dataset that is no longer defined.
        let Ok(target) = Target::of(lake, &known.plan.dataset) else { continue };
        if !scope.may_hold(&target.dataset.id) || open_intents(&lake.front, &known.id).await?.is_empty() {
            continue;
        }
        // A living apply ends or lapses first; what a dead one left is settled with the case in sight.
        Claim::take(&lake.front, world, &target.claim()).await?.release().await;
        let settled = settle_intents(lake, world, known).await?;
        all.changed.extend(settled.changed);
        all.unsettled.extend(settled.unsettled);
    }
    all.changed.sort();
    Ok(all)
}

/// Erasures that were begun and are not at an end: rows of theirs may have been held.
pub(crate) async fn waiting(lake: &OpenLake) -> Result<Vec<CaseId>, JobError> {
    let begun = erasures(&lake.front).await?;
    let open = subject_cases(&lake.front).await?.into_iter().filter(|case| case.end().is_none());
    Ok(open.map(|case| case.case).filter(|case| begun.iter().any(|record| record.case == *case)).collect())
}

/// Says that an erasure may go on.
pub(crate) fn waited(erasure: &CaseId) -> String {
    format!("\nthe erasure of case {erasure} waited for a release; run `auditlake subject apply {erasure}`")
}

/// Writes the next record of a case, and logs it.
pub(crate) async fn write(
    lake: &OpenLake,
    world: &World,
    case: &CaseId,
    (what, by, reason): (HoldStep, Option<String>, &str),
) -> Result<HoldRecord, JobError> {
    let number = hold_cases(&lake.front).await?.iter().find(|of| of.case == *case).map_or(0, HoldCase::number) + 1;
    let record = HoldRecord {
        case: case.clone(),
        number,
        what,
        by: by.unwrap_or_else(|| "operator".to_owned()),
        reason: reason.to_owned(),
        at: world.now(),
    };
    let path = hold_path(case, number);
    let intent = Intent::begin(lake, world, Act::Record { path: path.to_string() }).await?;
    let written = record_hold(&lake.front, &record).await.map_err(JobError::from);
    intent.end(written, async |()| Ok(of_record(&lake.front, path.as_ref()).await?.into_iter().collect())).await?;
    Ok(record)
}

async fn list(lake: &OpenLake, all: bool) -> Result<Answer, JobError> {
    let cases = hold_cases(&lake.front).await?;
    let shown: Vec<&HoldCase> = cases.iter().filter(|case| all || case.scope().is_some()).collect();
    let mut text = String::new();
    for case in &shown {
        let Some(last) = case.records.last() else { continue };
        let state = match case.scope() {
            Some(_) => "open".to_owned(),
            None => format!("released {}", rfc3339(last.at)),
        };
        write_line(&mut text, &format!("{}  {state}  by {}: {}", case.case, last.by, last.reason));
        if let Some(scope) = case.scope() {
            let scope = serde_json::to_string(scope)
                .map_err(|error| EngineError::Bug { what: format!("a scope cannot be written ({error})") })?;
            write_line(&mut text, &format!("  holds {}", if scope == "{}" { "everything" } else { &scope }));
        }
    }
    if shown.is_empty() {
        write_line(&mut text, "no case is open");
    }
    let json: Vec<_> = shown
        .iter()
        .map(|case| json!({ "case": case.case, "open": case.scope().is_some(), "records": case.records }))
        .collect();
    Ok(Answer::done(text, json!({ "cases": json })))
}
