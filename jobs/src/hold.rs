//! `auditlake hold`: legal holds as cases.
//!
//! A case is written before anything else. Then whatever apply is under way on its datasets is settled: a living one is
//! waited for, and what a dead one left is brought to an end, so that the answer says what was changed before the case took
//! effect. From then on nothing that it holds is removed, changed or moved.

use engine::EngineError;
use engine::retention::{HoldCase, hold_cases, hold_path, open_intents, plans, record_hold};
use engine::subject::{erasures, subject_cases};
use schemas::{CaseId, DatasetId, HoldRecord, HoldStep, Permission, rfc3339};
use serde_json::json;

use crate::Answer;
use crate::args::{Cli, HoldCommand, PlaceArgs};
use crate::claim::Claim;
use crate::error::JobError;
use crate::evidence_log::{Act, Intent};
use crate::lake::OpenLake;
use crate::retention::{Target, of_record, settle_intents, who};
use crate::show::{counted, write_line};
use crate::world::World;

/// Carries out a command.
pub(crate) async fn command(cli: &Cli, world: &World, command: &HoldCommand) -> Result<Answer, JobError> {
    let lake = cli.open()?;
    match command {
        HoldCommand::Place(args) => place(&lake, world, args).await,
        HoldCommand::Release { case, reason, principal } => {
            let by = who(&lake, principal.as_deref(), Permission::HoldRelease, "releasing a hold")?;
            let what = (HoldStep::Released, by, reason.as_str());
            let record = write(&lake, world, case, what).await?;
            let mut text = format!(
                "case {case} is released; what it held is due again where policies say so: plan again with `auditlake \
                 retention plan`"
            );
            let waiting = waiting(&lake).await?;
            for erasure in &waiting {
                write_line(
                    &mut text,
                    &format!(
                        "\nthe erasure of case {erasure} waited for a release; run `auditlake subject apply {erasure}`"
                    ),
                );
            }
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
    let scope = args.scope(datasets?);
    let step = match args.amend {
        true => HoldStep::Amended { scope: scope.clone() },
        false => HoldStep::Placed { scope: scope.clone() },
    };
    let record = write(lake, world, &args.case, (step, by, &args.reason)).await?;
    let mut text = format!("case {} holds from now on", args.case);
    let (mut changed_before, mut unsettled) = (Vec::new(), Vec::new());
    for known in plans(&lake.front).await? {
        // Nothing is due any more in a dataset that is no longer defined.
        let Ok(target) = Target::of(lake, &known.plan.dataset) else { continue };
        if !scope.may_hold(&target.dataset.id) || open_intents(&lake.front, &known.id).await?.is_empty() {
            continue;
        }
        // A living apply ends or lapses first; what a dead one left is settled with the case in sight.
        Claim::take(&lake.front, world, &target.claim()).await?.release().await;
        let settled = settle_intents(lake, world, known).await?;
        changed_before.extend(settled.changed);
        unsettled.extend(settled.unsettled);
    }
    changed_before.sort();
    if !changed_before.is_empty() {
        write_line(&mut text, "");
        let many = counted(changed_before.len() as u64, "object");
        write_line(&mut text, &format!("{many} changed by an apply that was under way before the case took effect:"));
        changed_before.iter().for_each(|path| write_line(&mut text, &format!("  {path}")));
    }
    for path in &unsettled {
        write_line(
            &mut text,
            &format!(
                "\nnot settled: \"{path}\" was about to be changed by a process that stopped, and this store cannot keep it \
                 from doing so when it wakes; make sure that it is dead, then run `auditlake retention reconcile`"
            ),
        );
    }
    Ok(Answer::done(text, json!({ "record": record, "changed_before": changed_before, "not_settled": unsettled })))
}

/// Erasures that were begun and are not at an end: rows of theirs may have been held.
async fn waiting(lake: &OpenLake) -> Result<Vec<CaseId>, JobError> {
    let begun = erasures(&lake.front).await?;
    let open = subject_cases(&lake.front).await?.into_iter().filter(|case| case.end().is_none());
    Ok(open.map(|case| case.case).filter(|case| begun.iter().any(|record| record.case == *case)).collect())
}

/// Writes the next record of a case, and logs it.
async fn write(
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
