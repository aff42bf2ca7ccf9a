//! What was traced, as text and as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use ::lineage::{DatasetName, Output, SourceColumn, Traced};
use schemas::{Certainty, EdgeKind, EdgeKinds, Form, Gap};
use serde_json::{Value, json};

/// Sources with the same subtype and cap, by whether the value arrives.
type Lines = BTreeMap<(EdgeKind, bool, Form), BTreeSet<String>>;

/// One document with every column.
pub(super) fn json(traced: &Traced, namespace: &str) -> Value {
    let columns = traced.outputs.iter().map(|output| {
        let mut column = json!({ "name": output.name, "certainty": output.certainty.as_str() });
        if let Some(reason) = reason(output) {
            column["reason"] = reason.into();
        }
        let sources = output.columns.iter().flat_map(|(source, dependency)| {
            let (direct, indirect) = (dependency.kinds.direct(), dependency.kinds.indirect());
            [direct, indirect].into_iter().filter(|kinds| !kinds.is_empty()).map(|kinds| edge(source, kinds, namespace))
        });
        column["sources"] = sources.collect();
        column
    });
    let dataset = traced.lineage.columns.iter().map(|(source, kinds)| {
        json!({
            "dataset": dataset(&source.dataset, namespace),
            "column": source.column,
            "subtypes": subtypes(*kinds),
        })
    });
    json!({ "columns": columns.collect::<Vec<_>>(), "dataset": dataset.collect::<Vec<_>>() })
}

/// One source, and one of the two ways in which something depends on it.
fn edge(source: &SourceColumn, kinds: EdgeKinds, namespace: &str) -> Value {
    let kind = kinds.iter().next().map_or("INDIRECT", |(kind, _)| kind.type_word());
    json!({
        "dataset": dataset(&source.dataset, namespace),
        "column": source.column,
        "kind": kind,
        "subtypes": subtypes(kinds),
        // Masked is what arrives masked on every way.
        "masking": kinds.iter().all(|(_, is_masked)| is_masked),
    })
}

/// The words of kinds.
pub(super) fn subtypes(kinds: EdgeKinds) -> Vec<&'static str> {
    EdgeKind::ALL.into_iter().filter(|kind| kinds.has(*kind)).map(EdgeKind::as_str).collect()
}

/// Why a column is not exact, or why it has no source.
fn reason(output: &Output) -> Option<String> {
    if let Some(gap) = output.gap {
        return Some(gap.as_str().to_owned());
    }
    let origins = output.origins.iter().map(|origin| origin.as_str()).collect::<Vec<_>>();
    output.columns.is_empty().then(|| origins.join(", "))
}

/// A dataset of the lake by its name, another one with its namespace.
fn dataset(dataset: &DatasetName, namespace: &str) -> String {
    if dataset.namespace == namespace {
        dataset.name.clone()
    } else {
        format!("{}/{}", dataset.namespace, dataset.name)
    }
}

/// A paragraph for each column, and one for which rows there are.
pub(super) fn text(traced: &Traced, namespace: &str, into: Option<&str>) -> String {
    let mut text = String::new();
    for output in &traced.outputs {
        let name = match into {
            Some(into) => format!("{into}.{}", output.name),
            None => output.name.clone(),
        };
        head(&mut text, &name, output.certainty, output.gap);
        let mut lines = Lines::new();
        for (source, dependency) in &output.columns {
            add(&mut lines, source, dependency.kinds, dependency.cap, namespace);
        }
        if lines.is_empty() {
            push(&mut text, format_args!("  no source: {}\n", reason(output).unwrap_or_default()));
        }
        body(&mut text, lines);
    }
    let rows = &traced.lineage;
    if !rows.columns.is_empty() || rows.gap.is_some() {
        head(&mut text, "which rows there are", rows.certainty, rows.gap);
        let mut lines = Lines::new();
        for (source, kinds) in &rows.columns {
            add(&mut lines, source, *kinds, Form::None, namespace);
        }
        body(&mut text, lines);
    }
    if text.is_empty() {
        text.push_str("the statement gives no column that comes from a dataset\n");
    }
    text
}

fn add(lines: &mut Lines, source: &SourceColumn, kinds: EdgeKinds, cap: Form, namespace: &str) {
    for kind in EdgeKind::ALL.into_iter().filter(|kind| kinds.has(*kind)) {
        let is_masked = kinds.iter().filter(|(other, _)| *other == kind).all(|(_, is_masked)| is_masked);
        // An influence carries no value, so nothing is left of one.
        let cap = if kind.is_direct() { cap } else { Form::Raw };
        let name = format!("{}.{}", dataset(&source.dataset, namespace), source.column);
        lines.entry((kind, is_masked, cap)).or_default().insert(name);
    }
}

fn head(text: &mut String, name: &str, certainty: Certainty, gap: Option<Gap>) {
    let why = gap.map(|gap| format!(" ({})", gap.as_str())).unwrap_or_default();
    push(text, format_args!("{name:28}{}{why}\n", certainty.as_str()));
}

fn body(text: &mut String, lines: Lines) {
    for ((kind, is_masked, cap), sources) in lines {
        let sources = sources.into_iter().collect::<Vec<_>>().join(", ");
        let cap = if cap == Form::Raw { String::new() } else { format!("  cap {}", cap.as_str()) };
        let masked = if is_masked { "  masked" } else { "" };
        push(text, format_args!("  {:10}{:16}{sources}{cap}{masked}\n", kind.type_word(), kind.as_str()));
    }
}

/// A `String` never refuses.
fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).unwrap_or_default();
}
