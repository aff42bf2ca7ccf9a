//! Our own runs as events for others.
//!
//! A run is told by its state, its datasets and where their columns come from; what it says of itself is enough to
//! rebuild the facts. Absent: sending, and any text with a literal in it: whoever calls has redacted.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemas::{derived_id, rfc3339};
use serde_json::Value;

use crate::event::{
    About, Dataset, Engine, Event, Indirect, JobPart, JobType, Nominal, Origin, PRODUCER, Parent, RunPart, State,
};
use crate::facts::{JobName, Operation};

/// Bytes of an event above which its outputs are told one after another.
const EVENT_BYTES: usize = 1_000_000;

/// What is told of a run of ours at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEvent {
    /// Its id, as [`run_id`] gives it.
    pub run_id: String,
    /// Its job.
    pub job: JobName,
    /// Of which kind the job is, for example `query`.
    pub job_kind: String,
    /// When it came so far.
    pub at: DateTime<Utc>,
    /// How far it came.
    pub state: State,
    /// The interval it is about.
    pub nominal: Option<Nominal>,
    /// The run that started it.
    pub parent: Option<Parent>,
    /// The version of the engine.
    pub engine_version: String,
    /// What it read.
    pub inputs: Vec<Dataset>,
    /// What it wrote, with where the columns come from.
    pub outputs: Vec<Dataset>,
    /// Why it failed, in words without literals.
    pub error: Option<String>,
    /// Its statement without literals.
    pub sql: Option<String>,
    /// What it did.
    pub operations: BTreeSet<Operation>,
}

/// The id of a run: sent again, it is the same run.
///
/// ```
/// # use chrono::DateTime;
/// let id = lineage::run_id("acme", "audit-daily", DateTime::from_timestamp(1_795_152_000, 0).unwrap(), 1);
/// assert_eq!(id, lineage::run_id("acme", "audit-daily", DateTime::from_timestamp(1_795_152_000, 0).unwrap(), 1));
/// ```
pub fn run_id(lake: &str, job: &str, instant: DateTime<Utc>, attempt: u32) -> String {
    derived_id(&["run", lake, job, &rfc3339(instant), &attempt.to_string()])
}

impl RunEvent {
    /// The run as events: one, or where that is too large, its outputs in parts before the end.
    pub fn events(&self) -> Vec<Event> {
        let whole = self.event(self.state, &self.outputs);
        if size(&whole) <= EVENT_BYTES {
            return vec![whole];
        }
        // An output is not cut; each stands in the first part that has room for it.
        let mut events = Vec::new();
        let mut part: Vec<Dataset> = Vec::new();
        let mut bytes = 0;
        for output in &self.outputs {
            let more = size(&self.event(State::Running, std::slice::from_ref(output)));
            if !part.is_empty() && bytes + more > EVENT_BYTES {
                events.push(self.event(State::Running, &part));
                part.clear();
                bytes = 0;
            }
            bytes += more;
            part.push(output.clone());
        }
        if !part.is_empty() {
            events.push(self.event(State::Running, &part));
        }
        events.push(self.event(self.state, &[]));
        events
    }

    /// The same as JSON.
    pub fn to_values(&self, indirect: Indirect) -> Vec<Value> {
        self.events().iter().map(|event| event.to_value(indirect)).collect()
    }

    /// The run with some of its outputs; inputs, statement and error stand once, at its own state.
    fn event(&self, state: State, outputs: &[Dataset]) -> Event {
        let is_whole = state == self.state;
        let mut run = RunPart::new(&self.run_id, state);
        run.nominal = self.nominal;
        run.parent.clone_from(&self.parent);
        run.engine = Some(Engine { name: Some("auditlake".to_owned()), version: self.engine_version.clone() });
        run.error = self.error.clone().filter(|_| is_whole);
        run.operations = Some(self.operations.clone());
        let mut job = JobPart::new(self.job.clone());
        let word = Some(self.job_kind.to_uppercase());
        job.kind = Some(JobType { processing: "BATCH".to_owned(), integration: "AUDITLAKE".to_owned(), word });
        job.sql = self.sql.clone().filter(|_| is_whole);
        job.inputs = if is_whole { self.inputs.clone() } else { Vec::new() };
        job.outputs = outputs.to_vec();
        Event {
            at: self.at,
            producer: PRODUCER.to_owned(),
            origin: Origin::Run,
            about: About::Run(run, job),
            dropped: BTreeSet::new(),
        }
    }
}

fn size(event: &Event) -> usize {
    // Copies for old readers are longer, so the longer form decides for both.
    event.to_value(Indirect::Fields).to_string().len().max(event.to_value(Indirect::Dataset).to_string().len())
}
