//! `auditlake subject`: what persons ask for, carried out, with its clock.
//!
//! ```text
//! desk       policy, keys, cases           identity   all identifiers of a person
//! open       cases and notes about them    places     where somebody is looked for
//! plan       what an erasure would do      approve    who agrees
//! apply      the erasure                   sweep      what else mentions the person
//! package    a ZIP of what there is        replay     persons who came back with a backup
//! rows_of_runs  evidence and findings of runs    anew  the same rows without the person    withdrawals  what stands where
//! withdraw   what was published of the person    under_way  what is being published meanwhile
//! in_force   restrictions and objections   correct    corrections beside rows
//! rows       cases as rows of a dataset    certificate, list, told   what people read
//! ```
//!
//! Which rows are a person's and how they leave is `engine::retention`'s. No identifier is printed, logged or written but into
//! the sealed object of an open case and into what the person is given.

mod anew;
mod apply;
mod approve;
mod certificate;
mod correct;
mod desk;
mod identity;
mod in_force;
mod list;
mod open;
mod package;
mod places;
mod plan;
mod replay;
mod rows;
mod rows_of_runs;
mod sweep;
mod told;
mod under_way;
mod withdraw;
mod withdrawals;
mod written;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemas::{CaseId, CaseStep, Identifier, Permission, SubjectRequest};

use crate::Answer;
use crate::args::{Cli, EraseArgs, PackageArgs, SubjectCommand};
use crate::confirm::confirmed;
use crate::error::JobError;
use crate::progress::Progress;
use crate::world::World;

use apply::Agreement;
pub(crate) use desk::{Desk, held_persons, person_keys};
pub(crate) use identity::{closed, counted_by_kind};
pub(crate) use in_force::{objecting, restricted, without};
pub(crate) use list::WARN_DAYS;
pub(crate) use open::identifiers;
pub(crate) use rows::publish;
pub(crate) use withdraw::MARK;
pub(crate) use withdrawals::Withdrawals;

/// Carries out a command. What became of cases is brought into their dataset, if they have one.
pub(crate) async fn command(cli: &Cli, world: &World, command: &SubjectCommand) -> Result<Answer, JobError> {
    let lake = cli.open()?;
    let desk = Desk::open(&lake, world).await?;
    let answer = carried_out(&desk, command).await;
    if !matches!(command, SubjectCommand::List { .. } | SubjectCommand::Certificate { .. })
        && let Err(error) = publish(&lake, world).await
    {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "rows of cases are not in their dataset yet; the next command about a case goes on");
    }
    answer
}

async fn carried_out(desk: &Desk<'_>, command: &SubjectCommand) -> Result<Answer, JobError> {
    match command {
        SubjectCommand::Open(args) => open::command(desk, args).await,
        SubjectCommand::Plan(args) => plan::command(desk, args).await,
        SubjectCommand::Approve { case, ticket, principal } => approve::command(desk, case, ticket, principal).await,
        SubjectCommand::Apply(args) => apply::command(desk, args).await,
        SubjectCommand::Export { case, to, overwrite, principal } => {
            package::command(desk, case, (to, *overwrite), principal.as_deref()).await
        }
        SubjectCommand::Certificate { case } => certificate::command(desk, case).await,
        SubjectCommand::Replay { dataset, yes, dry_run, principal } => {
            let dataset = dataset.as_deref();
            let (yes, dry_run, principal) = (*yes, *dry_run, principal.as_deref());
            replay::command(desk, &replay::Replayed { dataset, yes, dry_run, principal }).await
        }
        SubjectCommand::List { all } => list::command(desk, *all).await,
        SubjectCommand::Extend(note) => open::extend(desk, note).await,
        SubjectCommand::Pause { note, from, to } => open::pause(desk, note, (*from, *to)).await,
        SubjectCommand::Close { note, state } => open::close(desk, note, (*state).into()).await,
        SubjectCommand::Correct(args) => correct::command(desk, args).await,
        SubjectCommand::Lift(note) => in_force::lift(desk, note).await,
        SubjectCommand::Erase(args) => erase(desk, args).await,
        SubjectCommand::Access(args) => packaged(desk, args, SubjectRequest::Know).await,
        SubjectCommand::Portability(args) => packaged(desk, args, SubjectRequest::Portability).await,
    }
}

/// Opens, plans, approves and applies in one step.
async fn erase(desk: &Desk<'_>, args: &EraseArgs) -> Result<Answer, JobError> {
    desk.who(args.who.principal.as_deref(), Permission::SubjectErase, "erasing a person")?;
    if desk.policy.approval.approvers > 1 && !args.dry_run {
        return Err(JobError::Usage(format!(
            "policies/subjects.yaml wants {} approvals, and one step has one; go on with `auditlake subject open --type \
             erasure`, then plan, approve and apply",
            desk.policy.approval.approvers
        )));
    }
    let opened = open::opened(desk, &args.who, (SubjectRequest::Erasure, &[])).await?;
    let (case, by) = (opened.case, opened.by);
    let plan = plan::planned(desk, &case, by.as_deref()).await?;
    let answer = async {
        if args.dry_run {
            return Ok(told::would_apply(&plan, None));
        }
        if !args.yes {
            confirmed(told::would_apply(&plan, None).text.trim_end())?;
        }
        plan::written(desk, &case, &plan, by.as_deref()).await?;
        let case = desk.open_case(&case.case).await?;
        let agrees = by.as_deref().unwrap_or("operator");
        let step = CaseStep::Approved { plan: plan.written()?.0, ticket: args.ticket.clone() };
        desk.record(&case.case, case.next_number(), (step, Some(agrees))).await?;
        let case = desk.open_case(&case.case).await?;
        let agreed = [(agrees.to_owned(), args.ticket.clone())];
        let agreement = Agreement { agreed: &agreed, by: by.as_deref(), until: None, workers: None };
        apply::erased(desk, &case, agreement, &Progress::on_terminal()).await
    };
    let answer = answer.await;
    // Nobody asked for more than a look, so nothing is left of it.
    if args.dry_run || matches!(&answer, Err(JobError::Usage(_))) {
        open::withdrawn(desk, &case.case, "nobody agreed, and nothing was changed").await?;
    }
    answer
}

/// Erases again somebody who came back; rows that are newer than the erasure stay.
async fn again(
    desk: &Desk<'_>,
    before: &CaseId,
    (identifiers, at): (&BTreeSet<Identifier>, DateTime<Utc>),
    (by, progress): (Option<&str>, &Progress),
) -> Result<Answer, JobError> {
    let case = open::reopened(desk, before, identifiers, by).await?;
    let agreed = [(by.unwrap_or("operator").to_owned(), format!("case {before}"))];
    let agreement = Agreement { agreed: &agreed, by, until: Some(at), workers: None };
    apply::erased(desk, &case, agreement, progress).await
}

async fn packaged(desk: &Desk<'_>, args: &PackageArgs, request: SubjectRequest) -> Result<Answer, JobError> {
    desk.who(args.who.principal.as_deref(), Permission::SubjectExport, "exporting what is about a person")?;
    package::fits(&args.to, args.overwrite)?;
    let opened = open::opened(desk, &args.who, (request, &[])).await?;
    package::written(desk, &opened.case, &args.to, opened.by.as_deref()).await
}
