//! The files behind a figure: those that its run read, and those that the runs read which wrote them.

use std::collections::{BTreeMap, BTreeSet};

use ::lineage::{DatasetName, Node};
use schemas::InputFile;
use serde_json::{Value, json};

use super::naming::Naming;
use super::nodes::{dataset_of, shown};
use super::walked::line;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::ledger::{CommitRecord, Ledger, RunEntry};
use crate::show::counted;

/// Files of a dataset that the text shows; the JSON has all.
const SHOWN: usize = 5;

/// The runs behind a figure, its own first, with the files they read.
#[derive(Debug)]
pub(crate) struct Files {
    focus: String,
    runs: Vec<(String, BTreeMap<String, Vec<InputFile>>)>,
}

/// The files behind what `focus` is in a run: in the one that is named, or the last one that wrote it.
///
/// Only datasets of `traced` are told.
pub(crate) async fn behind(
    lake: &OpenLake,
    focus: Node,
    traced: &BTreeSet<DatasetName>,
    run: Option<&str>,
) -> Result<Files, JobError> {
    let naming = Naming::of(&lake.definitions);
    let name = shown(&naming, &focus);
    let entries = Ledger::new(lake.front.clone()).runs().await?;
    let dataset = naming.shown(&dataset_of(focus));
    let mut of_focus = entries.iter().filter(|entry| writes(lake, entry, &dataset));
    let first = match run {
        Some(run) => {
            let found = of_focus.find(|entry| entry.run == run);
            Some(found.ok_or_else(|| JobError::Unknown {
                what: "run",
                name: run.to_owned(),
                remedy: format!("give one that wrote \"{dataset}\"; list them with `auditlake runs list`"),
            })?)
        }
        None => of_focus.max_by_key(|entry| entry.commit.as_ref().and_then(|commit| commit.committed_at)),
    };
    let mut files = Files { focus: name, runs: Vec::new() };
    let mut waiting: Vec<(&str, &CommitRecord)> = first.and_then(told).into_iter().collect();
    let mut seen: BTreeSet<&str> = waiting.iter().map(|(run, _)| *run).collect();
    while let Some((run, commit)) = waiting.pop() {
        let mut by_dataset: BTreeMap<String, Vec<InputFile>> = BTreeMap::new();
        for input in &commit.inputs {
            let is_traced = input.dataset.is_empty() || traced.contains(&naming.own(input.dataset.as_str()));
            if is_traced {
                by_dataset.entry(input.dataset.clone()).or_default().push(input.clone());
            }
        }
        let paths: BTreeSet<&str> = by_dataset.values().flatten().map(|file| file.path.as_str()).collect();
        for entry in &entries {
            let wrote =
                |commit: &CommitRecord| commit.outputs.iter().any(|output| paths.contains(output.path.as_str()));
            if let Some(commit) = entry.commits().find(|commit| wrote(commit))
                && seen.insert(entry.run.as_str())
            {
                waiting.push((entry.run.as_str(), commit));
            }
        }
        files.runs.push((run.to_owned(), by_dataset));
    }
    Ok(files)
}

fn told(entry: &RunEntry) -> Option<(&str, &CommitRecord)> {
    entry.commit.as_ref().map(|commit| (entry.run.as_str(), commit))
}

/// Whether a run wrote a dataset, by what its job is for.
fn writes(lake: &OpenLake, entry: &RunEntry, dataset: &str) -> bool {
    let Some(commit) = &entry.commit else { return false };
    let ours = [format!("reports.{}", entry.job), format!("exports.{}", entry.job)];
    let is_report = commit.summary.query.is_none() && commit.summary.ingest.is_none();
    let of_report = dataset.starts_with("evidence.") || dataset.starts_with("auditlake.");
    let location = lake.dataset(dataset).ok().map(|dataset| dataset.location.as_str());
    ours.iter().any(|name| name == dataset)
        || (of_report && is_report && commit.summary.export.is_none())
        || location.is_some_and(|location| commit.outputs.iter().any(|output| output.path.starts_with(location)))
}

impl Files {
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if self.runs.is_empty() {
            line(&mut text, format_args!("files: no committed run wrote {}", self.focus));
        }
        for (run, datasets) in &self.runs {
            line(&mut text, format_args!("files that run {run} read"));
            for (dataset, files) in datasets {
                let dataset = if dataset.is_empty() { "sources" } else { dataset };
                let rows: u64 = files.iter().map(|file| file.rows).sum();
                let total = counted(files.len() as u64, "file");
                line(&mut text, format_args!("  {dataset}: {total}, {}", counted(rows, "row")));
                for file in files.iter().take(SHOWN) {
                    line(&mut text, format_args!("    {}  etag {}", file.path, file.etag));
                }
                if files.len() > SHOWN {
                    let more = files.len() - SHOWN;
                    line(&mut text, format_args!("    and {more} more, which --output json lists"));
                }
            }
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        let runs = self.runs.iter().map(|(run, datasets)| {
            let inputs = datasets.values().flatten().map(|file| {
                json!({
                    "dataset": (!file.dataset.is_empty()).then_some(&file.dataset), "path": file.path,
                    "etag": file.etag, "bytes": file.bytes, "rows": file.rows,
                })
            });
            json!({ "run": run, "inputs": inputs.collect::<Vec<_>>() })
        });
        runs.collect()
    }
}
