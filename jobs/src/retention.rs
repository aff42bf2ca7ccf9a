//! `auditlake retention`: plan, approve, apply, receipt; and the job kind `retention`.
//!
//! ```text
//! target    a dataset or its archive, and its policy     who      principals and what they may
//! plan      draws up and stores                          approve  records of who agreed
//! apply     claims, begins, carries out, ends            explain  why a row stays or goes
//! entries   what of it is logged                         told     plans and outcomes for people
//! ```
//!
//! What happens to a row and how an object is changed is `engine::retention`'s; here it is decided who may, and what is
//! written into the evidence log.

mod apply;
mod approve;
mod entries;
mod explain;
mod job;
mod plan;
mod receipts;
mod reconcile;
mod target;
mod told;
mod who;

use crate::Answer;
use crate::args::{Cli, RetentionCommand};
use crate::error::JobError;
use crate::world::World;

pub(crate) use apply::{Carrying, PlanReceipt, carried_out, is_approved, settle_intents};
pub(crate) use approve::{approval_records, approve_for, note_of_approval};
pub(crate) use entries::{of_record, plan_bodies};
pub(crate) use job::execute;
pub(crate) use receipts::receipt_rows;
pub(crate) use target::Target;
pub(crate) use who::who;

/// Carries out a command.
pub(crate) async fn command(cli: &Cli, world: &World, command: &RetentionCommand) -> Result<Answer, JobError> {
    let lake = cli.open()?;
    match command {
        RetentionCommand::Plan(args) => plan::command(&lake, world, args).await,
        RetentionCommand::Explain { dataset, event_id } => explain::command(&lake, world, (dataset, event_id)).await,
        RetentionCommand::Approve(args) => approve::command(&lake, world, args).await,
        RetentionCommand::Apply(args) => apply::command(&lake, world, args).await,
        RetentionCommand::Plans => receipts::plans(&lake).await,
        RetentionCommand::Reconcile { repair } => reconcile::command(&lake, world, *repair).await,
        RetentionCommand::Receipts { since } => receipts::command(&lake, world, *since).await,
    }
}
