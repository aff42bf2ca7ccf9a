//! What the runs of a job read and write, column by column: the same for every run of the same definitions.
//!
//! `_auditlake/lineage/made/<sha256>.json` keeps it once, as the event of a run without its instant; the commit of each
//! run names it. Absent: how much a run read, which its commit says.

mod anomalies;
mod copy;
mod export;
mod ingest;
mod query;
mod report;
mod results;
mod table_report;

use std::collections::BTreeSet;

use ::lineage::{
    About, ColumnLineage, Dataset, DatasetKind, DatasetName, Event, FunctionClasses, Indirect, JobName, JobPart,
    Operation, Origin, PRODUCER, Reading, RunPart, Source, Sources, State, Traced, Way, canonical_json, read, trace,
};
use chrono::DateTime;
use engine::{EngineError, LakeSession, Lakefront, LogicalPlan};
use object_store::path::Path;
use schemas::{Certainty, EdgeKind, EdgeKinds, Form, Gap};
use sha2::{Digest, Sha256};

use super::naming::Naming;

pub(crate) use anomalies::of_anomalies;
pub(crate) use copy::of_copy;
pub(crate) use export::of_export;
pub(crate) use ingest::of_ingest;
pub(crate) use query::of_query;
pub(crate) use report::of_report;
pub(crate) use results::of_results;
pub(crate) use table_report::{SectionLineage, of_table_report};

/// What the runs of a job read and write.
#[derive(Debug, Clone, Default)]
pub(crate) struct Made {
    pub(crate) inputs: BTreeSet<DatasetName>,
    pub(crate) outputs: Vec<Dataset>,
    pub(crate) operations: BTreeSet<Operation>,
    /// Without literals.
    pub(crate) sql: Option<String>,
}

impl Made {
    /// Adds an output whose columns come from there.
    pub(crate) fn output(&mut self, name: DatasetName, kind: DatasetKind, lineage: ColumnLineage) {
        let mut output = Dataset::new(name);
        output.facets.kind = Some(kind);
        output.facets.lineage = Some(lineage);
        self.outputs.push(output);
    }

    /// The same by a plan.
    pub(crate) fn traced(&mut self, name: DatasetName, kind: DatasetKind, traced: &Traced) {
        self.inputs.extend(traced.inputs.iter().cloned());
        self.operations.extend(traced.operations.iter().copied());
        self.output(name, kind, traced.column_lineage());
    }

    /// What runs of this job are events of, before they have an instant.
    fn event(&self, job: JobName) -> Event {
        let mut run = RunPart::new("00000000-0000-0000-0000-000000000000", State::Complete);
        run.operations = Some(self.operations.clone());
        let mut part = JobPart::new(job);
        part.inputs = self.inputs.iter().cloned().map(Dataset::new).collect();
        part.outputs.clone_from(&self.outputs);
        part.sql.clone_from(&self.sql);
        Event {
            at: DateTime::UNIX_EPOCH,
            producer: PRODUCER.to_owned(),
            origin: Origin::Run,
            about: About::Run(run, part),
            dropped: BTreeSet::new(),
        }
    }

    /// Keeps it, and gives the name under which [`Self::kept`] finds it.
    pub(crate) async fn keep(&self, front: &Lakefront, job: JobName) -> Result<String, EngineError> {
        let text = canonical_json(&self.event(job).to_value(Indirect::Dataset));
        let name = schemas::hex(&Sha256::digest(&text));
        front.create(&path_of(&name), text.into()).await?;
        Ok(name)
    }

    /// What was kept under a name.
    pub(crate) async fn kept(front: &Lakefront, name: &str) -> Result<Self, EngineError> {
        let path = path_of(name);
        let wrong = |what: &str| EngineError::Damaged { path: path.to_string(), what: what.to_owned() };
        let text = front.read(&path).await?.ok_or_else(|| wrong("is gone, although a committed run names it"))?;
        if schemas::hex(&Sha256::digest(&text)) != name {
            return Err(wrong("is not what was written: its SHA-256 is another"));
        }
        let reading = Reading::kept(Origin::Run);
        let (event, _) = read(&text, &reading).map_err(|remark| wrong(&format!("holds no event: {remark}")))?;
        let About::Run(run, part) = event.about else { return Err(wrong("is about no run")) };
        Ok(Self {
            inputs: part.inputs.into_iter().map(|input| input.name).collect(),
            outputs: part.outputs,
            operations: run.operations.unwrap_or_default(),
            sql: part.sql,
        })
    }
}

fn path_of(name: &str) -> Path {
    Path::from(format!("_auditlake/lineage/made/{name}.json"))
}

/// Follows the columns of a plan that was analysed.
fn follow(plan: &LogicalPlan, naming: &Naming) -> Traced {
    trace(plan, &naming.of_plans(), &FunctionClasses::default())
}

/// Plans a statement and follows its columns; none where it does not plan.
async fn traced(session: &LakeSession, sql: &str, naming: &Naming) -> Option<Traced> {
    match session.analysed(sql).await {
        Ok(plan) => Some(follow(&plan, naming)),
        Err(error) => {
            tracing::warn!(%error, "lineage of a statement not told, will be a gap");
            None
        }
    }
}

/// Everything that these datasets hold may be in it, and nothing else is.
fn anything_of<'a>(inputs: impl Iterator<Item = &'a DatasetName>, kind: EdgeKind) -> Sources {
    let whole = |dataset: &DatasetName| Source { dataset: dataset.clone(), field: None };
    let cap = if kind.is_direct() { Form::Raw } else { Form::None };
    let way = Way { kinds: EdgeKinds::one(kind, false), cap };
    let from = inputs.map(|dataset| (whole(dataset), way)).collect();
    Sources { certainty: Certainty::Superset, gap: Some(Gap::NotTraced), from }
}

/// Whether a personal value leaves as something that is no longer it and still one person's.
fn is_anonymized(lineage: &ColumnLineage, is_personal: &dyn Fn(&Source) -> bool) -> bool {
    let lowered = |way: &Way| matches!(way.cap, Form::Pseudonymised | Form::Masked) && way.kinds.is_direct();
    lineage.fields.values().flat_map(|sources| &sources.from).any(|(source, way)| lowered(way) && is_personal(source))
}
