//! From JSON to an event: what is known is checked and kept, the rest is named and dropped.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::pointer::At;
use super::read_lineage::{JobLineage, job_lineage};
use super::word::{STATES, meaning};
use super::write::UNKNOWN_PRODUCER;
use super::{
    About, Dataset, Engine, Event, JobPart, JobType, Nominal, Origin, Parent, Remark, RunPart, State, belongs_to,
    instant, normal_name,
};
use crate::facts::{DatasetName, JobName};
use crate::words::OPERATIONS;

/// Bytes of the largest event that is read.
const EVENT_BYTES_MAX: usize = 100_000_000;

/// How events are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// Where they come from. Messages and partitions are kept of our own events only.
    pub origin: Origin,
    /// Datasets whose locations are known: a path below one belongs to it, and other paths lose their partitions. None
    /// where that has been done before.
    pub declared: Option<&'a BTreeSet<DatasetName>>,
    /// Takes the literals out of a statement, or gives nothing where it cannot.
    pub redact_sql: fn(&str) -> Option<String>,
}

impl Reading<'_> {
    /// Of events that were kept by us: names are normal and statements redacted.
    pub fn kept(origin: Origin) -> Self {
        Self { origin, declared: None, redact_sql: |sql| Some(sql.to_owned()) }
    }
}

/// Reads one event, and tells what it had to assume.
///
/// # Errors
/// The first place that cannot be read, and why.
pub fn read(bytes: &[u8], reading: &Reading<'_>) -> Result<(Event, Vec<Remark>), Remark> {
    let whole = |reason: String| Remark { pointer: String::new(), reason };
    if bytes.len() > EVENT_BYTES_MAX {
        return Err(whole(format!("has {} bytes; at most {EVENT_BYTES_MAX} are read", bytes.len())));
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| whole(format!("is not JSON: {error}")))?;
    if !value.is_object() {
        return Err(whole("is not an object".to_owned()));
    }
    let mut reader = Reader { reading: *reading, remarks: Vec::new(), dropped: BTreeSet::new() };
    let event = reader.event(At::root(&value))?;
    Ok((event, reader.remarks))
}

/// What is gathered on the way.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    reading: Reading<'a>,
    remarks: Vec<Remark>,
    dropped: BTreeSet<String>,
}

impl Reader<'_> {
    pub(super) fn is_ours(&self) -> bool {
        self.reading.origin != Origin::Import
    }

    pub(super) fn warn(&mut self, remark: Remark) {
        self.remarks.push(remark);
    }

    pub(super) fn drop_facet(&mut self, holder: &str, name: &str) {
        self.dropped.insert(format!("{holder}.{name}"));
    }

    /// The names under `facets` of `auditlake_dropped`.
    pub(super) fn dropped_before(&mut self, facet: &At<'_>) -> Result<(), Remark> {
        for name in facet.need("facets")?.items()? {
            self.dropped.insert(name.text()?.to_owned());
        }
        Ok(())
    }

    pub(super) fn dataset_name(&self, at: &At<'_>) -> Result<DatasetName, Remark> {
        let name = normal_name(&at.name_of("namespace")?, &at.name_of("name")?);
        Ok(self.reading.declared.map_or(name.clone(), |declared| belongs_to(name, declared)))
    }

    pub(super) fn instant(&mut self, at: &At<'_>) -> Result<DateTime<Utc>, Remark> {
        let (instant, assumed) = instant(at.text()?).map_err(|reason| at.refuse(reason))?;
        self.remarks.extend(assumed.into_iter().map(|reason| at.refuse(reason)));
        Ok(instant)
    }

    fn event(&mut self, root: At<'_>) -> Result<Event, Remark> {
        let wants_run = self.version(&root)?;
        let at = self.instant(&root.need("eventTime")?)?;
        let producer = root.text_of("producer")?.filter(|producer| !producer.is_empty());
        let producer = producer.unwrap_or_else(|| UNKNOWN_PRODUCER.to_owned());
        let about = if let Some(dataset) = root.get("dataset").filter(|_| root.get("job").is_none()) {
            About::Dataset(self.dataset(&dataset, "dataset")?)
        } else if wants_run || root.get("run").is_some() {
            let run = self.run(&root)?;
            About::Run(run, self.job(&root)?)
        } else {
            About::Job(self.job(&root)?)
        };
        Ok(Event { at, producer, origin: self.reading.origin, about, dropped: std::mem::take(&mut self.dropped) })
    }

    /// Refuses schemas of other major versions; gives whether the schema is that of a run.
    fn version(&mut self, root: &At<'_>) -> Result<bool, Remark> {
        let Some(at) = root.get("schemaURL") else {
            self.warn(Remark { pointer: "/schemaURL".to_owned(), reason: "is missing; read as 2-0-2".to_owned() });
            return Ok(false);
        };
        let url = at.text()?;
        let version = url.split_once("/spec/").and_then(|(_, rest)| rest.split('/').next());
        match version.and_then(|version| version.split('-').next()).and_then(|major| major.parse::<u32>().ok()) {
            Some(1 | 2) => {}
            Some(_) => return Err(at.refuse(format!("{url:?} is of an unknown version; 1.x and 2.x are read"))),
            None => self.warn(at.refuse(format!("{url:?} names no version; read as 2-0-2"))),
        }
        Ok(url.ends_with("/RunEvent"))
    }

    fn run(&mut self, root: &At<'_>) -> Result<RunPart, Remark> {
        let at = root.need("run")?;
        let id = at.name_of("runId")?;
        if !is_uuid(&id) {
            self.warn(at.need("runId")?.refuse(format!("{id:?} is not a UUID; kept as it is")));
        }
        let state = match root.get("eventType") {
            None => State::Other,
            Some(word) => meaning(&STATES, word.text()?)
                .ok_or_else(|| word.refuse("is none of START, RUNNING, COMPLETE, ABORT, FAIL and OTHER"))?,
        };
        let mut run = RunPart::new(&id, state);
        let Some(facets) = at.get("facets") else { return Ok(run) };
        for (name, facet) in facets.entries()? {
            match name {
                "nominalTime" => run.nominal = Some(self.nominal(&facet)?),
                "parent" => run.parent = Some(parent(&facet)?),
                "processing_engine" => {
                    run.engine =
                        Some(Engine { name: facet.text_of("name")?, version: facet.need("version")?.text()?.into() })
                }
                "errorMessage" => {
                    let message = facet.need("message")?.text()?;
                    if self.is_ours() {
                        run.error = Some(message.to_owned());
                    } else {
                        self.drop_facet("run", name);
                    }
                }
                "auditlake_operations" => {
                    let operation =
                        |at: At<'_>| meaning(&OPERATIONS, at.text()?).ok_or_else(|| at.refuse("is not an operation"));
                    run.operations = Some(facet.need("operations")?.items()?.map(operation).collect::<Result<_, _>>()?);
                }
                // Ours follows from the outputs, and is written again; of others only the fact that it was there would be
                // left, and it would grow with each reading.
                "extractionError" => {}
                "auditlake_dropped" => self.dropped_before(&facet)?,
                _ => self.drop_facet("run", name),
            }
        }
        Ok(run)
    }

    fn nominal(&mut self, facet: &At<'_>) -> Result<Nominal, Remark> {
        let from = self.instant(&facet.need("nominalStartTime")?)?;
        let to = match facet.get("nominalEndTime") {
            Some(to) => Some(self.instant(&to)?),
            None => {
                self.warn(facet.refuse("has no nominalEndTime; the interval has no end"));
                None
            }
        };
        Ok(Nominal { from, to })
    }

    fn job(&mut self, root: &At<'_>) -> Result<JobPart, Remark> {
        let at = root.need("job")?;
        let mut job = JobPart::new(JobName { namespace: at.name_of("namespace")?, name: at.name_of("name")? });
        if let Some(inputs) = root.get("inputs") {
            job.inputs = inputs.items()?.map(|input| self.dataset(&input, "input")).collect::<Result<_, _>>()?;
        }
        if let Some(outputs) = root.get("outputs") {
            job.outputs = outputs.items()?.map(|output| self.dataset(&output, "output")).collect::<Result<_, _>>()?;
        }
        let Some(facets) = at.get("facets") else { return Ok(job) };
        for (name, facet) in facets.entries()? {
            match name {
                "jobType" => job.kind = Some(job_type(&facet)?),
                "sql" => {
                    job.sql = (self.reading.redact_sql)(facet.need("query")?.text()?);
                    if job.sql.is_none() {
                        self.drop_facet("job", name);
                    }
                }
                "ownership" => job.owners = Some(owners(&facet)?),
                "lineage" => join_lineage(&mut job, job_lineage(&facet, self)?),
                "auditlake_dropped" => self.dropped_before(&facet)?,
                _ => self.drop_facet("job", name),
            }
        }
        Ok(job)
    }
}

/// Puts explicit lineage of a job on its outputs; what it names and the event does not is added.
fn join_lineage(job: &mut JobPart, told: JobLineage) {
    for (name, lineage) in told.outputs {
        let at = job.outputs.iter().position(|output| output.name == name).unwrap_or_else(|| {
            job.outputs.push(Dataset::new(name));
            job.outputs.len() - 1
        });
        if let Some(output) = job.outputs.get_mut(at) {
            output.facets.lineage = Some(lineage);
        }
    }
    for name in told.inputs {
        if !job.inputs.iter().any(|input| input.name == name) {
            job.inputs.push(Dataset::new(name));
        }
    }
}

fn parent(facet: &At<'_>) -> Result<Parent, Remark> {
    let run_id = facet.need("run")?.name_of("runId")?;
    let job = facet.need("job")?;
    Ok(Parent { run_id, job: JobName { namespace: job.name_of("namespace")?, name: job.name_of("name")? } })
}

fn job_type(facet: &At<'_>) -> Result<JobType, Remark> {
    Ok(JobType {
        processing: facet.need("processingType")?.text()?.to_owned(),
        integration: facet.need("integration")?.text()?.to_owned(),
        word: facet.text_of("jobType")?,
    })
}

/// The names of a facet's owners.
pub(super) fn owners(facet: &At<'_>) -> Result<BTreeSet<String>, Remark> {
    let Some(owners) = facet.get("owners") else { return Ok(BTreeSet::new()) };
    owners.items()?.map(|owner| owner.name_of("name")).collect()
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
