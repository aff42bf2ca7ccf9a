//! `auditlake lineage`: what runs, commands and other systems did, and the questions about it.
//!
//! ```text
//! made/          what the runs of a job read and write, column by column
//! run_events     the ledger's records as events          record      what is done, into the log
//! log, logged    the log in the store                    snapshots   its graph, kept
//! lake_graph     the graph of a lake, made up to date    walked, left, gaps, files, columns, drawn    questions
//! ```

mod brought;
mod columns;
mod drawn;
mod files;
mod gaps;
mod gathered;
mod lake_graph;
mod left;
mod log;
mod logged;
mod made;
mod naming;
mod nodes;
mod record;
mod run_events;
mod snapshots;
mod told;
mod walked;

use ::lineage::Direction;
use serde_json::json;

use crate::Answer;
use crate::args::{Cli, LineageCommand};
use crate::error::JobError;
use crate::show::counted;
use crate::world::World;

pub(crate) use logged::Logged;
pub(crate) use made::{
    Made, SectionLineage, of_anomalies, of_copy, of_export, of_ingest, of_query, of_report, of_results, of_table_report,
};
pub(crate) use naming::Naming;
pub(crate) use record::{Doing, Ended, attempt};
pub(crate) use run_events::{ReadFile, counted as counted_rows};

/// Carries out a command.
pub(crate) async fn command(cli: &Cli, world: &World, command: &LineageCommand) -> Result<Answer, JobError> {
    match command {
        LineageCommand::Columns { job, sql } => {
            columns::columns(&cli.open()?, world, job.as_deref(), sql.as_deref()).await
        }
        LineageCommand::Trace(args) => walked::walked(&cli.open()?, world, args, Direction::Incoming).await,
        LineageCommand::Impact(args) => walked::walked(&cli.open()?, world, args, Direction::Outgoing).await,
        LineageCommand::Why(args) => walked::why(&cli.open()?, world, args).await,
        LineageCommand::Forms(args) => left::left(&cli.open()?, world, args).await,
        LineageCommand::Gaps(args) => gaps::gaps(&cli.open()?, world, args).await,
        LineageCommand::Diff(args) => gaps::diff(&cli.open()?, world, args).await,
        LineageCommand::Export(args) => drawn::export(cli, world, args).await,
        LineageCommand::Import { files, dbt_namespace } => {
            brought::import(&cli.open()?, files, dbt_namespace.as_deref()).await
        }
        LineageCommand::Register(args) => brought::register(&cli.open()?, world, args).await,
        LineageCommand::Compact => Ok(match lake_graph::compacted(&cli.open()?, world).await? {
            Some(written) => written_answer(written),
            None => Answer::done("nothing was logged since the last snapshot".to_owned(), json!({ "snapshot": null })),
        }),
        LineageCommand::Rebuild => Ok(written_answer(lake_graph::rebuilt(&cli.open()?, world).await?)),
    }
}

fn written_answer((number, events): (u64, u64)) -> Answer {
    let text = format!("snapshot {number} of {}", counted(events, "event"));
    Answer::done(text, json!({ "snapshot": number, "events": events }))
}
