//! `auditlake export` and the job kind `export`: rows in the format that is asked for, whole or not at all.
//!
//! Absent: who may see what.

mod asked;
mod job;
mod place;
mod records;
mod rows;
mod upload;
mod verify;
mod work;

use exporters::{ExportError, PartSink};
use serde_json::json;

use crate::Answer;
use crate::args::{Cli, ExportArgs, ExportCommand, OutputForm};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::progress::Progress;
use crate::show::counted;
use crate::world::World;
use asked::{Asked, Planned};
use place::{ObjectPlace, Place};
use records::{Manifest, Receipt, Start};
use upload::Stdout;
use work::Work;

pub(crate) use job::execute;

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
    let is_split = asked.shape.split_rows.is_some() || asked.shape.split_bytes.is_some();
    match place {
        Place::Stdout => {
            if is_split && !asked.shape.bundle {
                return Err(JobError::Usage(
                    "--split-rows and --split-bytes make several files; give a folder with --to, or --bundle zip"
                        .to_owned(),
                ));
            }
            let planned = asked.plan(&lake, cli.at.unwrap_or_else(|| world.now())).await?;
            to_stdout(planned, asked.shape.bundle).await?;
            Ok(None)
        }
        Place::Objects(place) => {
            if place.is_single() && is_split && !asked.shape.bundle {
                return Err(JobError::Usage(format!(
                    "--split-rows and --split-bytes make several files; give a folder, for example --to {to}.parts/"
                )));
            }
            to_objects(&asked, &place, &lake, (cli, world, args)).await.map(Some)
        }
    }
}

async fn to_stdout(planned: Planned, bundle: bool) -> Result<(), JobError> {
    let progress = Progress::on_terminal();
    if !bundle {
        return rows::write(planned, Vec::new(), Stdout, progress).await.map(drop);
    }
    let manifest = Manifest::new(&planned.start, &planned.schema, &planned.options);
    let out = Stdout.begin(&planned.options.part_name(1)).map_err(write_error)?;
    work::bundled(planned, out, manifest, progress).await.map(drop)
}

async fn to_objects(
    asked: &Asked,
    place: &ObjectPlace,
    lake: &OpenLake,
    (cli, world, args): (&Cli, &World, &ExportArgs),
) -> Result<Answer, JobError> {
    let work = Work { place, bundle: asked.shape.bundle, fence: None, run: None, progress: Progress::on_terminal() };
    let unfinished: Option<Start> = if args.resume { place.read_json(&place.start()).await? } else { None };
    if args.resume && unfinished.is_none() && place.head(&place.manifest()).await?.is_some() {
        let manifest = place.shown(&place.manifest());
        let json = json!({ "manifest": manifest, "complete": true });
        return Ok(Answer::done(format!("{manifest}: nothing is left to do"), json));
    }
    let instant = unfinished.as_ref().map_or_else(|| cli.at.unwrap_or_else(|| world.now()), |start| start.instant);
    let planned = asked.plan(lake, instant).await?;
    let done = match &unfinished {
        Some(start) => {
            work::same(place, start, &planned)?;
            work.adopted(place, &planned).await?
        }
        None => {
            make_room(place, &planned, args.overwrite).await?;
            place.create_json(&place.start(), &planned.start).await?;
            Vec::new()
        }
    };
    let manifest = work.finish(planned, done).await?;
    work.clear(&manifest.parts).await?;
    Ok(told(place, &manifest))
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
