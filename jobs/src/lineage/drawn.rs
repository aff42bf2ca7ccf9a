//! `auditlake lineage export`: files of events and manifests, merged to a graph and written as a document.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use ::lineage::{
    Direction, Document, Event, Filter, Graph, Limits, Merged, Node, Origin, Reading, Walker, read_all, read_manifest,
    write_dot, write_graphml, write_html, write_json,
};
use serde_json::json;

use crate::Answer;
use crate::args::{DirectionArg, DocumentArg, LineageExportArgs};
use crate::error::JobError;
use crate::show::counted;

/// Events of the files, and what of them was refused.
#[derive(Debug, Default)]
struct Gathered {
    merged: Merged,
    events: u64,
    /// A line for each.
    warnings: Vec<String>,
    refused: Vec<String>,
}

/// Writes the document; the exit code is 1 where a part of the files was refused.
pub(crate) fn export(args: &LineageExportArgs) -> Result<Answer, JobError> {
    let mut gathered = Gathered::default();
    for file in &args.from {
        gathered.file(file, args.dbt_namespace.as_deref())?;
    }
    let graph = Graph::of(&gathered.merged.facts())
        .map_err(|error| engine::EngineError::Bug { what: format!("the events make no graph ({error})") })?;
    let filter = Filter::default();
    let mask = graph.compile(&filter);
    let view = graph.view(&mask);
    let Some(name) = &args.focus else {
        let document = Document::of_view(view, &filter, "the whole graph", None);
        return answer(args, &document, &gathered);
    };
    let focus = node(&graph, name)?;
    let (direction, word) = match args.direction {
        DirectionArg::Impact => (Direction::Outgoing, "impact"),
        DirectionArg::Trace => (Direction::Incoming, "trace"),
    };
    let limits = Limits { depth: args.depth, ..Limits::default() };
    let reach = Walker::default().reach(view, &[focus], direction, &limits, || false);
    let depth = args.depth.map_or_else(String::new, |depth| format!(", depth {depth}"));
    let title = format!("{word} {name}{depth}");
    answer(args, &Document::of_reach(view, &filter, &title, None, &reach, &[focus]), &gathered)
}

impl Gathered {
    fn file(&mut self, file: &Path, dbt_namespace: Option<&str>) -> Result<(), JobError> {
        let shown = file.display().to_string();
        let bytes =
            std::fs::read(file).map_err(|source| JobError::Local { action: "read", path: shown.clone(), source })?;
        if is_manifest(&bytes) {
            let Some(namespace) = dbt_namespace else {
                return Err(JobError::Usage(format!(
                    "{shown} is a manifest of dbt, which does not say where its tables are; give for example \
                     --dbt-namespace postgres://db.example:5432"
                )));
            };
            match read_manifest(&bytes, namespace) {
                Ok(manifest) => {
                    self.warnings.extend(manifest.unresolved.iter().map(|remark| format!("{shown}: {remark}")));
                    self.add(manifest.events);
                }
                Err(remark) => self.refused.push(format!("{shown}: {remark}")),
            }
            return Ok(());
        }
        let reading = Reading { origin: Origin::Import, declared: None, redact_sql: engine::without_literals };
        let batch = read_all(&bytes, &reading);
        let placed = |at: &usize, remark: &::lineage::Remark| format!("{shown}:{at}: {remark}");
        self.warnings.extend(batch.warnings.iter().map(|(at, remark)| placed(at, remark)));
        self.refused.extend(batch.refused.iter().map(|one| placed(&one.position, &one.remark)));
        self.add(batch.events);
        Ok(())
    }

    fn add(&mut self, events: Vec<Event>) {
        self.events += events.len() as u64;
        events.into_iter().for_each(|event| self.merged.add(event));
    }
}

/// Whether a file says of itself that it is a manifest.
fn is_manifest(bytes: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) else { return false };
    value["metadata"]["dbt_schema_version"].is_string()
}

/// The node of a name: `dataset`, `dataset.column`, or `namespace/dataset#column` where several have it.
fn node(graph: &Graph, name: &str) -> Result<u32, JobError> {
    let names: Vec<(u32, String, String)> = (0..graph.nodes().len())
        .map(|number| match graph.nodes().name(number) {
            Node::Dataset(dataset) => (number, dataset.name.clone(), format!("{}/{}", dataset.namespace, dataset.name)),
            Node::Column(dataset, column) => {
                let whole = format!("{}/{}#{column}", dataset.namespace, dataset.name);
                (number, format!("{}.{column}", dataset.name), whole)
            }
        })
        .collect();
    let found: Vec<&(u32, String, String)> =
        names.iter().filter(|(_, short, whole)| short == name || whole == name).collect();
    match found.as_slice() {
        [(number, ..)] => Ok(*number),
        [] => {
            let remedy = match schemas::nearest(name, names.iter().map(|(_, short, _)| short.as_str())) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("the files name {}", counted(names.len() as u64, "dataset or column")),
            };
            Err(JobError::Unknown { what: "dataset or column", name: name.to_owned(), remedy })
        }
        several => {
            let wholes: Vec<&str> = several.iter().map(|(.., whole)| whole.as_str()).collect();
            Err(JobError::Usage(format!("{name} may be {}; give one of them", wholes.join(" or "))))
        }
    }
}

fn answer(args: &LineageExportArgs, document: &Document<'_>, gathered: &Gathered) -> Result<Answer, JobError> {
    let written = if args.to == Path::new("-") {
        write(args.format, document, &mut std::io::stdout().lock())
    } else {
        File::create(&args.to).and_then(|file| {
            let mut out = BufWriter::new(file);
            write(args.format, document, &mut out).and_then(|()| out.flush())
        })
    };
    let place = args.to.display().to_string();
    written.map_err(|source| JobError::Local { action: "write", path: place.clone(), source })?;
    let heading = document.heading();
    let complete = if heading.complete { "complete" } else { "not complete" };
    let mut text = format!("{}: {}, {complete}; {place}", counted(gathered.events, "event"), heading.view);
    for (what, lines) in [("warning", &gathered.warnings), ("refused", &gathered.refused)] {
        lines.iter().for_each(|line| text.push_str(&format!("\n{what}: {line}")));
    }
    let json = json!({
        "events": gathered.events, "warnings": gathered.warnings, "refused": gathered.refused,
        "view": heading.view, "complete": heading.complete, "to": place,
    });
    let code = u8::from(!gathered.refused.is_empty());
    // A document on standard output is alone there.
    if args.to == Path::new("-") {
        if code != 0 {
            writeln!(std::io::stderr(), "{text}")?;
        }
        return Ok(Answer { text: String::new(), json: serde_json::Value::Null, code });
    }
    Ok(Answer { text, json, code })
}

fn write(format: DocumentArg, document: &Document<'_>, out: &mut impl Write) -> std::io::Result<()> {
    match format {
        DocumentArg::Html => write_html(document, out),
        DocumentArg::Json => write_json(document, out),
        DocumentArg::Graphml => write_graphml(document, out),
        DocumentArg::Dot => write_dot(document, out),
    }
}
