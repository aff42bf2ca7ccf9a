//! From an event to OpenLineage core 2-0-2.

use serde_json::{Map, Value, json};

use schemas::{Certainty, rfc3339};

use super::word::STATES;
use super::write_dataset::{dataset, text_list};
use super::{About, Event, JobPart, JobType, RunPart};
use crate::facts::JobName;
use crate::words::{operation_word, word};

/// Who says that it made an event of ours.
pub const PRODUCER: &str = "urn:auditlake:engine";

/// Stands for whoever did not tell.
pub(super) const UNKNOWN_PRODUCER: &str = "urn:auditlake:unknown";

/// JSON Schema of the facets that are our own.
pub const FACET_SCHEMA: &str = include_str!("facets.schema.json");

/// Its address.
const OURS: &str = "urn:auditlake:facets:1-0-0";

/// Where dependencies of a whole dataset are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indirect {
    /// In the list for them.
    Dataset,
    /// Copied into every column, for readers that do not know the list.
    Fields,
}

/// Writes facets; each bears its producer and schema.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    pub(super) event: &'a Event,
    pub(super) indirect: Indirect,
}

impl Event {
    /// The event as JSON, with the facets that were kept.
    pub fn to_value(&self, indirect: Indirect) -> Value {
        let writer = Writer { event: self, indirect };
        let dropped = writer.dropped();
        let mut out = Map::new();
        out.insert("eventTime".into(), json!(rfc3339(self.at)));
        out.insert("producer".into(), json!(writer.producer()));
        let kind = match &self.about {
            About::Run(run, job) => {
                out.insert("eventType".into(), json!(word(&STATES, run.state)));
                out.insert("run".into(), json!({"runId": run.id, "facets": writer.run(run, job, dropped)}));
                writer.job(job, None, &mut out);
                "RunEvent"
            }
            About::Job(job) => {
                writer.job(job, dropped, &mut out);
                "JobEvent"
            }
            About::Dataset(about) => {
                let mut about = dataset(&writer, about, "");
                if let (Some(dropped), Some(facets)) = (dropped, about.get_mut("facets").and_then(Value::as_object_mut))
                {
                    facets.insert("auditlake_dropped".into(), dropped);
                }
                out.insert("dataset".into(), about);
                "DatasetEvent"
            }
        };
        out.insert(
            "schemaURL".into(),
            json!(format!("https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/{kind}")),
        );
        Value::Object(out)
    }
}

impl Writer<'_> {
    /// A facet with a published schema, for example `1-0-1/NominalTimeRunFacet`.
    pub(super) fn facet(&self, schema: &str, body: Value) -> Value {
        self.facet_in(schema, schema.split('/').next_back().unwrap_or(schema), body)
    }

    /// A facet whose schema is one of several in a file.
    pub(super) fn facet_in(&self, file: &str, name: &str, body: Value) -> Value {
        self.with_schema(format!("https://openlineage.io/spec/facets/{file}.json#/$defs/{name}"), body)
    }

    /// A facet of our own.
    pub(super) fn own_facet(&self, name: &str, body: Value) -> Value {
        self.with_schema(format!("{OURS}#/$defs/{name}"), body)
    }

    fn with_schema(&self, schema: String, body: Value) -> Value {
        let mut facet = Map::new();
        facet.insert("_producer".into(), json!(self.producer()));
        facet.insert("_schemaURL".into(), json!(schema));
        if let Value::Object(body) = body {
            facet.extend(body);
        }
        Value::Object(facet)
    }

    fn producer(&self) -> &str {
        &self.event.producer
    }

    fn dropped(&self) -> Option<Value> {
        let names = &self.event.dropped;
        (!names.is_empty()).then(|| self.own_facet("DroppedFacet", json!({"facets": text_list(names)})))
    }

    fn run(&self, run: &RunPart, job: &JobPart, dropped: Option<Value>) -> Value {
        let mut facets = Map::new();
        if let Some(nominal) = &run.nominal {
            let mut body = json!({"nominalStartTime": rfc3339(nominal.from)});
            if let Some(to) = nominal.to {
                body["nominalEndTime"] = json!(rfc3339(to));
            }
            facets.insert("nominalTime".into(), self.facet("1-0-1/NominalTimeRunFacet", body));
        }
        if let Some(parent) = &run.parent {
            let body = json!({"run": {"runId": parent.run_id}, "job": job_name(&parent.job)});
            facets.insert("parent".into(), self.facet("1-2-0/ParentRunFacet", body));
        }
        if let Some(engine) = &run.engine {
            let mut body = json!({"version": engine.version});
            if let Some(name) = &engine.name {
                body["name"] = json!(name);
            }
            facets.insert("processing_engine".into(), self.facet("1-1-1/ProcessingEngineRunFacet", body));
        }
        if let Some(error) = &run.error {
            let body = json!({"message": error, "programmingLanguage": "SQL"});
            facets.insert("errorMessage".into(), self.facet("1-0-1/ErrorMessageRunFacet", body));
        }
        if let Some(errors) = extraction_errors(job) {
            facets.insert("extractionError".into(), self.facet("1-1-2/ExtractionErrorRunFacet", errors));
        }
        if let Some(operations) = &run.operations {
            let words: Vec<&str> = operations.iter().map(|operation| operation_word(*operation)).collect();
            let facet = self.own_facet("OperationsRunFacet", json!({"operations": words}));
            facets.insert("auditlake_operations".into(), facet);
        }
        if let Some(dropped) = dropped {
            facets.insert("auditlake_dropped".into(), dropped);
        }
        Value::Object(facets)
    }

    fn job(&self, job: &JobPart, dropped: Option<Value>, out: &mut Map<String, Value>) {
        let mut facets = Map::new();
        if let Some(JobType { processing, integration, word }) = &job.kind {
            let mut body = json!({"processingType": processing, "integration": integration});
            if let Some(word) = word {
                body["jobType"] = json!(word);
            }
            facets.insert("jobType".into(), self.facet("2-0-4/JobTypeJobFacet", body));
        }
        if let Some(sql) = &job.sql {
            facets.insert("sql".into(), self.facet("1-1-0/SQLJobFacet", json!({"query": sql})));
        }
        if let Some(owners) = &job.owners {
            let owners: Vec<Value> = owners.iter().map(|name| json!({"name": name})).collect();
            facets.insert("ownership".into(), self.facet("1-0-1/OwnershipJobFacet", json!({"owners": owners})));
        }
        if let Some(dropped) = dropped {
            facets.insert("auditlake_dropped".into(), dropped);
        }
        let mut named = job_name(&job.name);
        named["facets"] = Value::Object(facets);
        out.insert("job".into(), named);
        let list = |datasets: &[super::Dataset], holder| -> Value {
            datasets.iter().map(|one| dataset(self, one, holder)).collect()
        };
        out.insert("inputs".into(), list(&job.inputs, "input"));
        out.insert("outputs".into(), list(&job.outputs, "output"));
    }
}

fn job_name(job: &JobName) -> Value {
    json!({"namespace": job.namespace, "name": job.name})
}

/// What is not known of the outputs, in the words that other readers look for; none if all is.
fn extraction_errors(job: &JobPart) -> Option<Value> {
    let mut total = 0_usize;
    let mut errors = Vec::new();
    for output in &job.outputs {
        let Some(lineage) = &output.facets.lineage else { continue };
        let fields = lineage.fields.iter().map(|(name, sources)| (Some(name), sources));
        for (field, sources) in fields.chain([(None, &lineage.dataset)]) {
            total += 1;
            if sources.certainty == Certainty::Opaque {
                let name = &output.name;
                let place = format!("{}/{}#{}", name.namespace, name.name, field.map_or("", String::as_str));
                let reason = sources.gap.map_or("unknown", |gap| gap.as_str());
                errors.push(json!({"errorMessage": reason, "task": place.trim_end_matches('#')}));
            }
        }
    }
    (!errors.is_empty()).then(|| json!({"totalTasks": total, "failedTasks": errors.len(), "errors": errors}))
}
