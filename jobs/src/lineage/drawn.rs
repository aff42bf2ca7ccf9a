//! `auditlake lineage export`: the graph of the lake, or of files of events, written as a document.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use ::lineage::{
    Direction, Document, Event, Filter, Graph, Indirect, Limits, Merged, Reach, Walker, When, canonical_json,
    write_dot, write_graphml, write_html, write_json,
};
use schemas::Form;
use serde_json::{Value, json};

use super::gathered::Gathered;
use super::lake_graph::{LakeGraph, graph_of};
use super::left::personal;
use super::logged::Logged;
use super::naming::Naming;
use super::nodes::{dataset_of, node};
use super::walked::forms_from;
use crate::Answer;
use crate::args::{Cli, DirectionArg, DocumentArg, LineageExportArgs};
use crate::error::JobError;
use crate::show::counted;
use crate::world::World;

/// What is drawn.
struct Drawn {
    graph: Graph,
    naming: Option<Naming>,
    snapshot: Option<u64>,
    /// The events behind it, where they are what is written.
    events: Vec<Event>,
    /// How many events files had; none of a lake.
    read: Option<u64>,
    /// What was refused, wrong or assumed, a line each.
    lines: Vec<String>,
    refused: Vec<String>,
    warnings: Vec<String>,
}

/// Writes the document; the exit code is 1 where a part of the files was refused.
pub(crate) async fn export(cli: &Cli, world: &World, args: &LineageExportArgs) -> Result<Answer, JobError> {
    let drawn = if args.from.is_empty() { of_lake(cli, world, args).await? } else { of_files(args)? };
    let graph = &drawn.graph;
    let filter = Filter { when: args.as_of.map_or(When::Now, When::At), ..Filter::default() };
    let mask = graph.compile(&filter);
    let view = graph.view(&mask);
    let Some(name) = &args.focus else {
        let document = Document::of_view(view, &filter, "the whole graph", drawn.snapshot);
        return answer(args, document.with_forms(personal(graph)), None, &drawn);
    };
    let focus = node(graph, drawn.naming.as_ref(), name)?;
    let (direction, word) = match args.direction {
        DirectionArg::Impact => (Direction::Outgoing, "impact"),
        DirectionArg::Trace => (Direction::Incoming, "trace"),
    };
    let limits = Limits { depth: args.depth, ..Limits::default() };
    let reach = Walker::default().reach(view, &[focus], direction, &limits, || false);
    let depth = args.depth.map_or_else(String::new, |depth| format!(", depth {depth}"));
    let title = format!("{word} {name}{depth}");
    let document = Document::of_reach(view, &filter, &title, drawn.snapshot, &reach, &[focus]);
    let forms = match direction {
        Direction::Incoming => personal(graph),
        // What is left of the focus itself, as `impact` tells it.
        Direction::Outgoing => {
            let forms = forms_from(view, graph, focus);
            let arrived = reach.nodes().map(|node| (node.number, forms.arrived(node.number)));
            arrived.filter(|(_, form)| *form > Form::None).collect()
        }
    };
    answer(args, document.with_forms(forms), Some(&reach), &drawn)
}

async fn of_lake(cli: &Cli, world: &World, args: &LineageExportArgs) -> Result<Drawn, JobError> {
    let lake = cli.open()?;
    let opened = LakeGraph::open(&lake, world).await?;
    let events = match args.format {
        DocumentArg::Openlineage => Logged::read(&lake.front).await?.events()?,
        DocumentArg::Html | DocumentArg::Json | DocumentArg::Graphml | DocumentArg::Dot => Vec::new(),
    };
    Ok(Drawn {
        graph: opened.graph,
        naming: Some(opened.naming),
        snapshot: opened.snapshot,
        events,
        read: None,
        lines: opened.notes.iter().map(|note| format!("note: {note}")).collect(),
        refused: Vec::new(),
        warnings: opened.notes,
    })
}

fn of_files(args: &LineageExportArgs) -> Result<Drawn, JobError> {
    let gathered = Gathered::of(&args.from, args.dbt_namespace.as_deref(), None)?;
    let mut merged = Merged::default();
    gathered.events.iter().cloned().for_each(|event| merged.add(event));
    Ok(Drawn {
        graph: graph_of(&merged)?,
        naming: None,
        snapshot: None,
        read: Some(gathered.events.len() as u64),
        lines: gathered.lines().collect(),
        events: gathered.events,
        refused: gathered.refused,
        warnings: gathered.warnings,
    })
}

fn answer(
    args: &LineageExportArgs,
    document: Document<'_>,
    reach: Option<&Reach>,
    drawn: &Drawn,
) -> Result<Answer, JobError> {
    let write = |out: &mut dyn Write| match args.format {
        DocumentArg::Openlineage => write_events(drawn, reach, out),
        DocumentArg::Html => write_html(&document, &mut { out }),
        DocumentArg::Json => write_json(&document, &mut { out }),
        DocumentArg::Graphml => write_graphml(&document, &mut { out }),
        DocumentArg::Dot => write_dot(&document, &mut { out }),
    };
    let is_stdout = args.to == Path::new("-");
    let written = if is_stdout {
        write(&mut std::io::stdout().lock())
    } else {
        File::create(&args.to).and_then(|file| {
            let mut out = BufWriter::new(file);
            write(&mut out).and_then(|()| out.flush())
        })
    };
    let place = args.to.display().to_string();
    written.map_err(|source| JobError::Local { action: "write", path: place.clone(), source })?;
    let heading = document.heading();
    let complete = if heading.complete { "complete" } else { "not complete" };
    let read = drawn.read.map_or_else(String::new, |read| format!("{}: ", counted(read, "event")));
    let mut text = format!("{read}{}, {complete}; {place}", heading.view);
    drawn.lines.iter().for_each(|line| text.push_str(&format!("\n{line}")));
    let json = json!({
        "events": drawn.read, "warnings": drawn.warnings, "refused": drawn.refused,
        "view": heading.view, "complete": heading.complete, "to": place,
    });
    let code = u8::from(!drawn.refused.is_empty());
    // A document on standard output is alone there.
    if is_stdout {
        if !drawn.lines.is_empty() {
            writeln!(std::io::stderr(), "{text}")?;
        }
        return Ok(Answer { text: String::new(), json: Value::Null, code });
    }
    Ok(Answer { text, json, code })
}

/// Events, one a line: all, or those that name a dataset that was reached.
fn write_events(drawn: &Drawn, reach: Option<&Reach>, out: &mut dyn Write) -> std::io::Result<()> {
    let names = reach.map(|reach| {
        let datasets = reach.nodes().map(|node| dataset_of(drawn.graph.nodes().name(node.number)));
        datasets.collect::<BTreeSet<_>>()
    });
    let is_wanted = |event: &&Event| {
        names.as_ref().is_none_or(|names| event.dataset_names().into_iter().any(|name| names.contains(name)))
    };
    let mut events: Vec<&Event> = drawn.events.iter().filter(is_wanted).collect();
    events.sort_by_key(|event| (event.at, event.id()));
    for event in events {
        out.write_all(canonical_json(&event.to_value(Indirect::Dataset)).as_bytes())?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
