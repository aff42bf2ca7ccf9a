//! The job kind `export`: the rows of one interval as files in the lake's store.
//!
//! The parts of an attempt lie in a folder of its own, so that none writes over another's bytes; the manifest is created
//! once, by whichever attempt is the first to have all of them.

use engine::input_files;
use schemas::{ExportSpec, InputFile, Interval};

use super::asked::{Asked, Planned};
use super::place::ObjectPlace;
use super::records::{Manifest, Receipt, RunOf, Start, sha256_of};
use super::work::Work;
use crate::access::{Asker, Delivered};
use crate::error::JobError;
use crate::ledger::{ExportSummary, Output, OutputRole, RunSummary};
use crate::lineage::{Naming, of_export};
use crate::runner::{Attempt, Executed};
use crate::subject::MARK;
use crate::world::World;

/// Exports the interval of the attempt.
pub(crate) async fn execute(attempt: &Attempt<'_>, world: &World, spec: &ExportSpec) -> Result<Executed, JobError> {
    let lake = attempt.lake;
    let folder = spec.to.render(&attempt.interval, lake.definitions.timezone);
    let root = ObjectPlace::in_lake(&lake.front, &folder);
    let asked = Asked { rows: spec.rows.clone(), shape: spec.shape.clone(), interval: Some(attempt.interval) };
    let asker = Asker::named(lake, spec.principal.as_deref()).await?.metered(lake, world.now())?;
    let asker = asker.for_purpose(lake, spec.purpose.as_ref()).await?.of_batch(attempt.batch);
    let planned = asked.plan(lake, &asker, attempt.key.instant).await;
    let record = super::ask(lake, world, &asker, &asked, (&planned, "job", None)).await?;
    let executed = match planned {
        Ok(planned) => export(attempt, spec, &root, planned).await,
        Err(error) => Err(error),
    };
    record.end(executed, |executed| delivered(&executed.summary)).await
}

fn delivered(summary: &RunSummary) -> Delivered {
    let export = summary.export.as_ref();
    export.map_or_else(Delivered::default, |export| Delivered { rows: export.rows, bytes: export.bytes })
}

async fn export(
    attempt: &Attempt<'_>,
    spec: &ExportSpec,
    root: &ObjectPlace,
    planned: Planned,
) -> Result<Executed, JobError> {
    let inputs = inputs(&planned).await?;
    let naming = Naming::of(&attempt.lake.definitions);
    let sql = Asked { rows: spec.rows.clone(), shape: spec.shape.clone(), interval: None }.sql(attempt.lake);
    let to = naming.own(format!("exports.{}", attempt.key.job));
    let made = of_export(attempt.lake, &planned, to, (&sql, spec.principal.is_some()));
    let plan = planned.session.optimized(&planned.plan)?;
    let plan_sha256 = Some(engine::plan_sha256([&plan]));
    let reads = lineage::reads(&plan).tables;
    let run = RunOf { job: attempt.key.job.to_string(), instant: attempt.key.instant, attempt: attempt.number };
    let manifest = match published(root, &run).await? {
        Some(manifest) => manifest,
        None => {
            let place = root.of_attempt(attempt.number);
            let work = Work {
                bundle: spec.shape.bundle,
                fence: Some(attempt.fence),
                run: Some(run),
                ..Work::new(&place, *attempt.progress)
            };
            let done = adopted(&work, root, attempt.number, &planned).await?;
            work.finish(planned, done).await?
        }
    };
    tidy(root, &manifest).await?;
    let outputs = outputs(root, &manifest).await?;
    Ok(Executed {
        made,
        plan_sha256,
        inputs,
        reads: reads.into_iter().map(|(table, columns)| (table, columns.into_iter().collect())).collect(),
        outputs,
        summary: RunSummary {
            export: Some(ExportSummary {
                rows: manifest.rows,
                bytes: manifest.bytes,
                parts: manifest.parts.len() as u64,
                resumed_parts: manifest.resumed_parts,
                order: manifest.order,
                cells: manifest.cells.counts,
            }),
            ..RunSummary::default()
        },
    })
}

/// What an earlier attempt of this run published before it could say so.
async fn published(root: &ObjectPlace, run: &RunOf) -> Result<Option<Manifest>, JobError> {
    let Some(manifest) = root.read_json::<Manifest>(&root.manifest()).await? else { return Ok(None) };
    match &manifest.run {
        Some(of) if (&of.job, of.instant) == (&run.job, run.instant) => {
            let Some(mark) = root.read_json::<serde_json::Value>(MARK).await? else { return Ok(Some(manifest)) };
            let case = mark["case"].as_str().unwrap_or("of a person").to_owned();
            Err(JobError::Refused {
                what: format!("the export of {}", schemas::rfc3339(run.instant)),
                why: format!(
                    "it was withdrawn by case {case}, and its place is taken; run the job for another instant"
                ),
            })
        }
        _ => Err(JobError::OutputTaken { path: root.shown(&root.manifest()) }),
    }
}

/// Notes what this attempt begins, and takes over the parts of the last one that asked for the same.
pub(super) async fn adopted(
    work: &Work<'_>,
    root: &ObjectPlace,
    number: u64,
    planned: &Planned,
) -> Result<Vec<Receipt>, JobError> {
    let mut done = Vec::new();
    for earlier in (1..number).rev().map(|earlier| root.of_attempt(earlier)) {
        if earlier.read_json::<Start>(&earlier.start()).await?.is_some_and(|start| start == planned.start) {
            done = work.adopted(&earlier, planned).await?;
            if !done.is_empty() {
                break;
            }
        }
    }
    work.place.create_json(&work.place.start(), &planned.start).await?;
    for receipt in &done {
        work.place.replace(&work.place.receipt(&receipt.part.name), super::place::pretty(receipt)?).await?;
    }
    Ok(done)
}

/// Takes away what no manifest names: records to go on with, and parts of attempts that were given up.
pub(crate) async fn tidy(root: &ObjectPlace, manifest: &Manifest) -> Result<(), JobError> {
    let named = |name: &str| {
        manifest.parts.iter().any(|part| part.path == name) || manifest.beside.iter().any(|file| file.path == name)
    };
    let is_attempts = |name: &str| {
        let folder = name.split_once('/').map_or("", |(folder, _)| folder);
        folder.len() == 7 && folder.starts_with('e') && folder[1..].bytes().all(|byte| byte.is_ascii_digit())
    };
    for name in root.names().await? {
        if is_attempts(&name) && !named(&name) {
            root.remove(&name).await?;
        }
    }
    Ok(())
}

async fn inputs(planned: &Planned) -> Result<Vec<InputFile>, JobError> {
    let always =
        Interval { start: chrono::DateTime::<chrono::Utc>::MIN_UTC, end: chrono::DateTime::<chrono::Utc>::MAX_UTC };
    let mut inputs = Vec::new();
    for dataset in &planned.datasets {
        inputs.extend(input_files(&planned.session, dataset, always).await?);
    }
    Ok(inputs)
}

async fn outputs(root: &ObjectPlace, manifest: &Manifest) -> Result<Vec<Output>, JobError> {
    let path = |name: &str| root.path(name).to_string();
    let parts = manifest.parts.iter().map(|part| Output {
        path: path(&part.path),
        role: OutputRole::Export,
        sha256: part.sha256.clone(),
        bytes: part.bytes,
        rows: Some(part.rows),
    });
    let beside = manifest.beside.iter().map(|file| Output {
        path: path(&file.path),
        role: OutputRole::Export,
        sha256: file.sha256.clone(),
        bytes: file.bytes,
        rows: None,
    });
    let mut outputs: Vec<Output> = parts.chain(beside).collect();
    let name = root.manifest();
    let bytes = root.read(&name).await?.ok_or_else(|| JobError::ExportChanged { place: root.shown(&name) })?;
    outputs.push(Output {
        path: path(&name),
        role: OutputRole::Report,
        sha256: sha256_of(&bytes),
        bytes: bytes.len() as u64,
        rows: None,
    });
    Ok(outputs)
}
