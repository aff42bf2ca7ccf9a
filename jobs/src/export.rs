//! `auditlake export` and the job kind `export`: rows in the format that is asked for, whole or not at all.
//!
//! Where there is an `access.yaml`, each export is written down before its first row leaves.

mod asked;
mod job;
mod leaving;
mod place;
mod records;
mod rows;
mod upload;
mod verify;
mod work;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine::Fence;
use exporters::{ExportError, ExportProgress, PartSink};
use serde_json::json;

use crate::Answer;
use crate::access::{self, Asker, Delivered, Question, Statement, Statements};
use crate::args::{Cli, ExportArgs, ExportCommand, OutputForm};
use crate::clock::Pauses;
use crate::error::JobError;
use crate::evidence_log::{Act, Intent, of_export};
use crate::lake::OpenLake;
use crate::lineage::Doing;
use crate::progress::Progress;
use crate::show::counted;
use crate::world::World;
use place::Place;
use records::{Receipt, Start};
use upload::Stdout;
use work::Work;

pub(crate) use asked::{Asked, Planned};
pub(crate) use job::{execute, tidy};
pub(crate) use leaving::Leaving;
pub(crate) use place::{ObjectPlace, pretty};
pub(crate) use records::{Manifest, RequestOf};

/// Carries out the command; returns the exit code.
pub(crate) async fn command(cli: &Cli, world: &World, args: &ExportArgs) -> Result<u8, JobError> {
    let answer = match &args.command {
        Some(ExportCommand::Verify { manifest }) => verify::verify(manifest).await?,
        None => match export(cli, world, args).await? {
            Some(answer) => answer,
            None => return Ok(0),
        },
    };
    match cli.output {
        OutputForm::Human => println_out(answer.text.trim_end())?,
        OutputForm::Json => println_out(&format!("{:#}", answer.json))?,
    }
    Ok(answer.code)
}

fn println_out(text: &str) -> std::io::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout().lock(), "{text}")
}

/// Exports, and says what is there now; to standard output go nothing but the rows.
async fn export(cli: &Cli, world: &World, args: &ExportArgs) -> Result<Option<Answer>, JobError> {
    let asked = Asked::of(args)?;
    let to = args.to.as_deref().unwrap_or_default();
    let place = Place::open(to)?;
    let lake = cli.open()?;
    let asker = Asker::named(&lake, args.principal.as_deref()).await?.metered(&lake, world.now())?;
    let is_split = asked.shape.split_rows.is_some() || asked.shape.split_bytes.is_some();
    match place {
        Place::Stdout => {
            if is_split && !asked.shape.bundle {
                return Err(JobError::Usage(
                    "--split-rows and --split-bytes make several files; give a folder with --to, or --bundle zip"
                        .to_owned(),
                ));
            }
            let planned = asked.plan(&lake, &asker, cli.at.unwrap_or_else(|| world.now())).await;
            let record = ask(&lake, world, &asker, &asked, (&planned, "cli", None)).await?;
            let written = match planned {
                Ok(planned) => {
                    let made = Leaving::of(&lake, &planned, "standard output", &asked, &asker).await?;
                    let doing = Doing::begin(&lake, world, made.job.clone(), "export").await;
                    let written = to_stdout(planned, asked.shape.bundle).await;
                    doing.end(written, |delivered| made.done(delivered.rows, delivered.bytes)).await
                }
                Err(error) => Err(error),
            };
            record.end(written, |delivered| *delivered).await?;
            Ok(None)
        }
        Place::Objects(place) => {
            if place.is_single() && is_split && !asked.shape.bundle {
                return Err(JobError::Usage(format!(
                    "--split-rows and --split-bytes make several files; give a folder, for example --to {to}.parts/"
                )));
            }
            to_objects(&asked, &place, (&lake, &asker), (cli, world, args)).await.map(Some)
        }
    }
}

async fn to_stdout(planned: Planned, bundle: bool) -> Result<Delivered, JobError> {
    let counters = Arc::default();
    let progress = (Progress::on_terminal(), &counters);
    let parts = if bundle {
        let manifest = Manifest::new(&planned.start, &planned.schema, &planned.options);
        let out = Stdout.begin(&planned.options.part_name(1)).map_err(write_error)?;
        work::bundled(planned, out, manifest, progress).await?.0
    } else {
        rows::write(planned, Vec::new(), Stdout, progress).await?.0
    };
    let sum = |of: fn(&exporters::Part) -> u64| parts.iter().map(of).sum();
    Ok(Delivered { rows: sum(|part| part.rows), bytes: sum(|part| part.bytes) })
}

/// Writes the answer to a request into its folder, behind what earlier attempts finished of it.
pub(crate) async fn answered(
    root: &ObjectPlace,
    number: u64,
    fence: &dyn Fence,
    planned: Planned,
    (asked, request): (&Asked, RequestOf),
    counters: Arc<ExportProgress>,
) -> Result<Manifest, JobError> {
    let place = root.of_attempt(number);
    let work = Work {
        bundle: asked.shape.bundle,
        fence: Some(fence),
        request: Some(request),
        counters,
        ..Work::new(&place, Progress::silent())
    };
    let done = job::adopted(&work, root, number, &planned).await?;
    let manifest = work.finish(planned, done).await?;
    tidy(root, &manifest).await?;
    Ok(manifest)
}

/// Writes down that an export is asked for, also one that cannot be planned.
pub(crate) async fn ask<'a>(
    lake: &'a OpenLake,
    world: &'a World,
    asker: &Asker,
    asked: &Asked,
    (planned, door, request): (&Result<Planned, JobError>, &'static str, Option<&str>),
) -> Result<Statement<'a>, JobError> {
    let datasets: Vec<String> = match planned {
        Ok(planned) => planned.datasets.iter().cloned().collect(),
        Err(_) => Vec::new(),
    };
    let question = Question {
        door,
        is_export: true,
        is_of_audit: access::is_of_audit(lake, &datasets),
        datasets: &datasets,
        sql: &asked.sql(lake),
        request,
    };
    Statements::new(lake, world).ask(asker, question).await
}

async fn to_objects(
    asked: &Asked,
    place: &ObjectPlace,
    (lake, asker): (&OpenLake, &Asker),
    (cli, world, args): (&Cli, &World, &ExportArgs),
) -> Result<Answer, JobError> {
    let work = Work { bundle: asked.shape.bundle, ..Work::new(place, Progress::on_terminal()) };
    let unfinished: Option<Start> = if args.resume { place.read_json(&place.start()).await? } else { None };
    if args.resume && unfinished.is_none() && place.head(&place.manifest()).await?.is_some() {
        let manifest = place.shown(&place.manifest());
        let json = json!({ "manifest": manifest, "complete": true });
        return Ok(Answer::done(format!("{manifest}: nothing is left to do"), json));
    }
    let instant = unfinished.as_ref().map_or_else(|| cli.at.unwrap_or_else(|| world.now()), |start| start.instant);
    let planned = asked.plan(lake, asker, instant).await;
    let record = ask(lake, world, asker, asked, (&planned, "cli", None)).await?;
    let written = match planned {
        Ok(planned) => {
            let mut made = Leaving::of(lake, &planned, &place.shown(""), asked, asker).await?;
            let intent = Intent::begin(lake, world, Act::Other).await?;
            let doing = Doing::begin(lake, world, made.job.clone(), "export").await;
            let mut written = written(&work, planned, unfinished.as_ref(), args.overwrite).await;
            // A file was replaced under it: what was written goes, and it begins anew with what is there now.
            let mut pauses = Pauses::new();
            let is_new = unfinished.is_none();
            while is_new && written.as_ref().is_err_and(JobError::is_of_change) && pauses.next().await {
                (made, written) = anew(&work, asked, (lake, asker), (instant, made)).await;
            }
            let mut name = [0; 16];
            world.fill(&mut name);
            let of = schemas::hex(&name);
            let written = intent.end(written, async |manifest| Ok(vec![of_export(&of, place, manifest).await?])).await;
            doing.end(written, |manifest| made.done(manifest.rows, manifest.bytes)).await
        }
        Err(error) => Err(error),
    };
    let manifest = record.end(written, |manifest| Delivered { rows: manifest.rows, bytes: manifest.bytes }).await?;
    Ok(told(place, &manifest))
}

/// Plans the export once more and writes it in place of what was written of it.
async fn anew(
    work: &Work<'_>,
    asked: &Asked,
    (lake, asker): (&OpenLake, &Asker),
    (instant, before): (DateTime<Utc>, Leaving),
) -> (Leaving, Result<Manifest, JobError>) {
    let planned = match asked.plan(lake, asker, instant).await {
        Ok(planned) => planned,
        Err(error) => return (before, Err(error)),
    };
    match Leaving::of(lake, &planned, &work.place.shown(""), asked, asker).await {
        Ok(made) => (made, written(work, planned, None, true).await),
        Err(error) => (before, Err(error)),
    }
}

/// Writes what is planned, behind what is there of it.
async fn written(
    work: &Work<'_>,
    planned: Planned,
    unfinished: Option<&Start>,
    overwrite: bool,
) -> Result<Manifest, JobError> {
    let place = work.place;
    let done = match unfinished {
        Some(start) => {
            work::same(place, start, &planned)?;
            work.adopted(place, &planned).await?
        }
        None => {
            make_room(place, &planned, overwrite).await?;
            place.create_json(&place.start(), &planned.start).await?;
            Vec::new()
        }
    };
    let manifest = work.finish(planned, done).await?;
    work.clear(&manifest.parts).await?;
    Ok(manifest)
}

/// Refuses a place that is taken; with leave to overwrite, takes away what makes an export of it.
async fn make_room(place: &ObjectPlace, planned: &Planned, overwrite: bool) -> Result<(), JobError> {
    if !overwrite {
        let first = place.part(&planned.options.part_name(1), 1).unwrap_or_default();
        for name in [place.manifest(), place.start(), first] {
            if place.head(&name).await?.is_some() {
                return Err(JobError::ExportTaken { place: place.shown(&name) });
            }
        }
        return Ok(());
    }
    let old: Option<Manifest> = place.read_json(&place.manifest()).await?;
    // From here on nothing looks like a whole export.
    place.remove(&place.manifest()).await?;
    if !place.is_single() {
        for part in old.iter().flat_map(|old| &old.parts) {
            place.remove(&part.path).await?;
        }
        let mut number = 1;
        while let Some(Receipt { path, .. }) = work::receipt(place, &planned.options.part_name(number)).await? {
            place.remove(&path).await?;
            place.remove(&place.receipt(&planned.options.part_name(number))).await?;
            number += 1;
        }
    }
    place.remove(&place.start()).await
}

fn told(place: &ObjectPlace, manifest: &Manifest) -> Answer {
    let parts = match manifest.parts.as_slice() {
        [one] => place.shown(&one.path),
        many => format!("{} parts in {}", many.len(), place.shown("")),
    };
    let resumed = match manifest.resumed_parts {
        0 => String::new(),
        some => format!(", {some} of them from before"),
    };
    let mut text = format!("{}, {} bytes: {parts}{resumed}", counted(manifest.rows, "row"), manifest.bytes);
    for (loss, columns) in &manifest.cells.counts {
        let columns: Vec<String> = columns.iter().map(|(column, count)| format!("{column} ({count})")).collect();
        text.push_str(&format!("\ncells {loss}: {}", columns.join(", ")));
    }
    text.push_str(&format!("\nmanifest: {}", place.shown(&place.manifest())));
    let json = json!({
        "rows": manifest.rows, "bytes": manifest.bytes, "parts": manifest.parts.len(),
        "resumed_parts": manifest.resumed_parts, "cells": manifest.cells.counts, "order": manifest.order,
        "manifest": place.shown(&place.manifest()),
    });
    Answer::done(text, json)
}

/// The place that refused the bytes says why, where it is one of ours.
fn write_error(error: std::io::Error) -> JobError {
    error.downcast::<JobError>().unwrap_or_else(|error| ExportError::Write(error).into())
}
