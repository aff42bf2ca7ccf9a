//! Of compliance reports: the two statements of each control.
//!
//! `reports.<job>` has the figures that people read, `<control>.violations` and its like; `evidence.<control>` the rows
//! that prove them; `auditlake.findings` and `auditlake.control_results` the tables that statements may name.

use std::collections::BTreeMap;

use ::lineage::{ColumnLineage, DatasetKind, Operation, Output, Source, Sources, Traced, Way};
use engine::{Evaluated, LakeSession};
use schemas::{Control, EdgeKind, EdgeKinds, Form, JobId};

use super::super::naming::Naming;
use super::query::is_personal;
use super::{Made, anything_of, traced};
use crate::lake::OpenLake;

/// Columns of evidence that place a row or lead to its source, and are never pseudonyms.
const PLACING: [&str; 5] = ["scope", "event_id", "time", "raw_ref", "raw_hash"];
/// Figures of a control, by the columns of its counts.
const FIGURES: [(&str, &[&str]); 4] = [
    ("population", &["n"]),
    ("violations", &["v"]),
    ("undecided", &["u_violation", "u_population"]),
    ("warnings", &["w"]),
];
/// Columns that findings have of every control, by the column of evidence they come from.
const OF_FINDINGS: [(&str, &str); 9] = [
    ("tenant_id", "scope"),
    ("scope", "scope"),
    ("finding_id", "finding_id"),
    ("time", "time"),
    ("resource", "resource"),
    ("reason", "reason"),
    ("event_id", "event_id"),
    ("actor_id", "actor_id"),
    ("subject_id", "subject_id"),
];

/// Sources by column.
type Columns = BTreeMap<String, Sources>;

/// What a report reads, and what each of its figures, findings and proofs comes from.
pub(crate) async fn of_report(
    lake: &OpenLake,
    session: &LakeSession,
    job: &JobId,
    evaluated: &[(&Control, &Evaluated)],
) -> Made {
    let naming = Naming::of(&lake.definitions);
    let mut made = Made::default();
    let (mut figures, mut results, mut findings) = (Columns::new(), Columns::new(), Columns::new());
    let mut finding_rows = Sources::default();
    for (control, one) in evaluated.iter().filter(|(_, one)| !one.counts_sql.is_empty()) {
        let told = OfControl::of(lake, session, control, one, &naming).await;
        made.inputs.extend(told.inputs);
        for (name, sources) in told.figures {
            results.entry(name.to_owned()).or_default().absorb(&sources);
            figures.insert(format!("{}.{name}", control.id), sources);
        }
        results.entry("scope".to_owned()).or_default().absorb(&told.scope);
        let mut listed = told.rows.clone();
        told.evidence.values().for_each(|sources| listed.absorb(sources));
        figures.insert(format!("{}.findings", control.id), listed);
        for (column, from) in OF_FINDINGS {
            if let Some(sources) = told.evidence.get(from) {
                findings.entry(column.to_owned()).or_default().absorb(sources);
            }
        }
        for sources in control.evidence.columns.iter().filter_map(|column| told.evidence.get(column)) {
            findings.entry("columns".to_owned()).or_default().absorb(sources);
        }
        finding_rows.absorb(&told.rows);
        let lineage = ColumnLineage { fields: told.evidence, dataset: told.rows };
        made.output(naming.own(format!("evidence.{}", control.id)), DatasetKind::File, lineage);
    }
    let report = naming.own(format!("reports.{job}"));
    let counted = Way { kinds: EdgeKinds::one(EdgeKind::Aggregation, false), cap: Form::Aggregated };
    let mut summary = Sources::default();
    for figure in figures.keys().filter(|name| !name.ends_with(".findings")) {
        summary.add(Source { dataset: report.clone(), field: Some(figure.clone()) }, counted);
    }
    figures.insert("summary".to_owned(), summary);
    let mut status = Sources::default();
    results.values().for_each(|sources| status.absorb(sources));
    results.insert("status".to_owned(), status);
    for (name, kind, fields, dataset) in [
        (report, DatasetKind::File, figures, Sources::default()),
        (naming.own("auditlake.findings"), DatasetKind::Table, findings, finding_rows),
        (naming.own("auditlake.control_results"), DatasetKind::Table, results, Sources::default()),
    ] {
        made.output(name, kind, ColumnLineage { fields, dataset });
    }
    made.operations.extend([Operation::Aggregation, Operation::Export]);
    made
}

/// What one control comes from.
struct OfControl {
    inputs: Vec<::lineage::DatasetName>,
    figures: BTreeMap<&'static str, Sources>,
    scope: Sources,
    evidence: Columns,
    /// What decides which violations there are.
    rows: Sources,
}

impl OfControl {
    async fn of(lake: &OpenLake, session: &LakeSession, control: &Control, one: &Evaluated, naming: &Naming) -> Self {
        let counts = traced(session, &one.counts_sql, naming).await;
        let violations = traced(session, &one.violations_sql, naming).await;
        let reads: Vec<_> = control.sql.reads().into_iter().map(|table| naming.own(table)).collect();
        let unknown = || anything_of(reads.iter(), EdgeKind::Aggregation);
        let rows_of = |traced: &Option<Traced>| traced.as_ref().map_or_else(unknown, |traced| traced.lineage.sources());
        let counted = rows_of(&counts);
        let figure = |columns: &[&str]| {
            let mut sources = counted.clone();
            let outputs = counts.iter().flat_map(|traced| &traced.outputs);
            outputs.filter(|output| columns.contains(&output.name.as_str())).for_each(|output| {
                sources.absorb(&output.sources());
            });
            sources
        };
        let has = |columns: &[&str]| {
            counts
                .as_ref()
                .is_none_or(|traced| traced.outputs.iter().any(|output| columns.contains(&output.name.as_str())))
        };
        let figures = FIGURES.into_iter().filter(|(_, columns)| has(columns));
        let rows = rows_of(&violations);
        let evidence = match &violations {
            Some(traced) => evidence(lake, control, traced),
            None => ["event_id", "resource", "reason"].map(|name| (name.to_owned(), rows.clone())).into(),
        };
        let inputs = counts.iter().chain(&violations).flat_map(|traced| traced.inputs.iter().cloned());
        Self {
            inputs: reads.iter().cloned().chain(inputs).collect(),
            figures: figures.map(|(name, columns)| (name, figure(columns))).collect(),
            scope: figure(&["scope"]),
            evidence,
            rows,
        }
    }
}

/// What the columns of evidence come from. People stand in it as keyed pseudonyms, unless the control shows them.
fn evidence(lake: &OpenLake, control: &Control, violations: &Traced) -> Columns {
    let shown = &control.evidence.show;
    let is_hidden = |output: &Output, sources: &Sources| {
        let names_a_person = |source: &Source| {
            is_personal(lake, source) && !source.field.as_ref().is_some_and(|field| shown.contains(field))
        };
        let mut direct = sources.from.iter().filter(|(_, way)| way.kinds.is_direct());
        !PLACING.contains(&output.name.as_str())
            && !shown.contains(&output.name)
            && direct.any(|(source, _)| names_a_person(source))
    };
    let mut columns = Columns::new();
    for output in &violations.outputs {
        let sources = output.sources();
        let sources = if is_hidden(output, &sources) { sources.masked(Form::Pseudonymised) } else { sources };
        columns.insert(output.name.clone(), sources);
    }
    // A finding is named by a hash of what it is about.
    let mut named = Sources::default();
    let about = ["scope", "event_id", "resource", "time"];
    about.iter().filter_map(|name| columns.get(*name)).for_each(|sources| named.absorb(sources));
    columns.insert("finding_id".to_owned(), named.masked(Form::Pseudonymised));
    columns
}
