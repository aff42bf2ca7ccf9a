//! `lineage trace`, `lineage impact` and `lineage why`: from a node to where it comes from, or to what it reaches.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use ::lineage::{
    DatasetName, Direction, Filter, Forms, Graph, Lifts, Limits, NodeAbout, Reach, View, Walker, When, forms,
};
use schemas::{Certainty, Form};
use serde_json::{Value, json};

use super::files::{self, Files};
use super::lake_graph::{LakeGraph, SUBJECT};
use super::nodes::{node, shown};
use super::told::subtypes;
use crate::Answer;
use crate::args::{WalkArgs, WhyArgs};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::show::counted;
use crate::world::World;

/// A walk that is done, as it is told.
#[derive(Clone, Copy)]
struct Walk<'a> {
    opened: &'a LakeGraph,
    args: &'a WalkArgs,
    direction: Direction,
    reach: &'a Reach,
    found: &'a [Reached],
    files: Option<&'a Files>,
}

/// A reached dataset with what of it was reached.
struct Reached {
    name: DatasetName,
    kind: String,
    jobs: Vec<String>,
    certainty: Certainty,
    depth: u32,
    /// Columns by how they are reached; none of them is the dataset as a whole.
    columns: BTreeMap<Arrival, BTreeSet<Option<String>>>,
}

/// How a node is reached: its value arrives in a form, or it only influences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Arrival {
    Direct(std::cmp::Reverse<Form>),
    Influence,
}

impl Arrival {
    fn as_str(self, direction: Direction) -> &'static str {
        match (self, direction) {
            (Self::Direct(_), Direction::Incoming) => "DIRECT",
            (Self::Influence, Direction::Incoming) => "INDIRECT",
            (Self::Direct(form), Direction::Outgoing) => form.0.as_str(),
            (Self::Influence, Direction::Outgoing) => "influenced",
        }
    }
}

/// Answers `trace` and `impact`.
pub(crate) async fn walked(
    lake: &OpenLake,
    world: &World,
    args: &WalkArgs,
    direction: Direction,
) -> Result<Answer, JobError> {
    let opened = LakeGraph::open(lake, world).await?;
    let graph = &opened.graph;
    let focus = node(graph, Some(&opened.naming), &args.node)?;
    let when = args.as_of.map_or(When::Now, When::At);
    let all = graph.compile(&Filter { when, ..Filter::default() });
    let direct = graph.compile(&Filter { when, ..Filter::direct() });
    let (view, direct_view) = (graph.view(&all), graph.view(&direct));
    let limits = Limits { depth: args.depth, ..Limits::default() };
    let mut walker = Walker::default();
    let arriving = walker.closure(direct_view, &[focus], direction, &limits, || false);
    let arriving: BTreeSet<u32> = arriving.nodes().map(|node| node.number).collect();
    let reach = if args.direct {
        walker.reach(direct_view, &[focus], direction, &limits, || false)
    } else {
        walker.reach(view, &[focus], direction, &limits, || false)
    };
    let left = (direction == Direction::Outgoing).then(|| forms_from(view, graph, focus));
    let found = reached(&opened, &reach, &arriving, left.as_ref());
    let files = match args.files {
        true => {
            Some(files::behind(lake, graph.nodes().name(focus), &reached_names(&found), args.run.as_deref()).await?)
        }
        false => None,
    };
    let walk = Walk { opened: &opened, args, direction, reach: &reach, found: &found, files: files.as_ref() };
    Ok(Answer::done(text(&walk), json_of(&walk)))
}

/// What is left of the focus everywhere, if it is there as it is.
pub(crate) fn forms_from(view: View<'_>, graph: &Graph, focus: u32) -> Forms {
    let whole = graph.nodes().is_dataset(focus).then(|| graph.nodes().columns(focus)).into_iter().flatten();
    let sources: Vec<(u32, Form)> = std::iter::once(focus).chain(whole).map(|node| (node, Form::Raw)).collect();
    forms(view, &sources, &Lifts::of(view, &subjects(graph)))
}

/// Columns that name persons.
pub(crate) fn subjects(graph: &Graph) -> Vec<u32> {
    let word = format!("{SUBJECT}=true");
    (0..graph.nodes().len()).filter(|node| graph.nodes().about(*node).tags().contains(&word)).collect()
}

/// What was reached, by dataset; nearest first.
fn reached(opened: &LakeGraph, reach: &Reach, arriving: &BTreeSet<u32>, left: Option<&Forms>) -> Vec<Reached> {
    let graph = &opened.graph;
    let mut by_dataset: BTreeMap<u32, Reached> = BTreeMap::new();
    // What holds the focus or is held by it is no step away.
    for reached in reach.nodes().filter(|reached| reached.depth > 0) {
        let head = graph.nodes().dataset_of(reached.number);
        let entry = by_dataset.entry(head).or_insert_with(|| of_dataset(graph, head));
        let form = left.map_or(Form::Raw, |left| left.arrived(reached.number));
        let is_value = arriving.contains(&reached.number) && form > Form::None;
        let arrival = if is_value { Arrival::Direct(std::cmp::Reverse(form)) } else { Arrival::Influence };
        let column = (head != reached.number).then(|| graph.nodes().text(reached.number).to_owned());
        entry.columns.entry(arrival).or_default().insert(column);
        entry.depth = entry.depth.min(reached.depth);
        entry.certainty = entry.certainty.and(reached.certainty);
    }
    let mut found: Vec<Reached> = by_dataset.into_values().collect();
    found.sort_by(|one, other| (one.depth, &one.name).cmp(&(other.depth, &other.name)));
    found
}

fn of_dataset(graph: &Graph, head: u32) -> Reached {
    let name = super::nodes::dataset_of(graph.nodes().name(head));
    let kind = match graph.nodes().about(head) {
        NodeAbout::Dataset { kind, .. } => ::lineage::dataset_word(*kind).to_lowercase(),
        NodeAbout::Column { .. } => String::new(),
    };
    let jobs = graph.jobs().iter().filter(|(_, fact)| fact.outputs.contains(&name)).map(|(job, _)| job.name.clone());
    Reached { jobs: jobs.collect(), name, kind, certainty: Certainty::Exact, depth: u32::MAX, columns: BTreeMap::new() }
}

fn reached_names(found: &[Reached]) -> BTreeSet<DatasetName> {
    found.iter().map(|reached| reached.name.clone()).collect()
}

fn text(walk: &Walk<'_>) -> String {
    let Walk { opened, args, direction, reach, found, files } = *walk;
    let mut text = String::new();
    for reached in found {
        let by = match reached.jobs.as_slice() {
            [] => "nothing known writes it".to_owned(),
            jobs => format!("by {}", jobs.join(", ")),
        };
        line(&mut text, format_args!("{:30}{:8}{}", opened.naming.shown(&reached.name), reached.kind, by));
        for (arrival, columns) in &reached.columns {
            let names = columns.iter().map(|column| column.as_deref().unwrap_or("(which rows there are)"));
            list(&mut text, &format!("  {:15} ", arrival.as_str(direction)), names);
        }
    }
    if found.is_empty() {
        let what = if direction == Direction::Outgoing { "reaches nothing" } else { "comes from nothing" };
        line(&mut text, format_args!("{} {what} that is known", args.node));
    }
    if let Some(files) = files {
        text.push_str(&files.text());
    }
    let columns: usize = found.iter().flat_map(|reached| reached.columns.values()).map(BTreeSet::len).sum();
    let told = format!(
        "{} of {}, {}",
        counted(columns as u64, "column"),
        counted(found.len() as u64, "dataset"),
        reach.certainty.as_str()
    );
    let end = match (reach.complete, reach.stopped) {
        (true, _) => "complete".to_owned(),
        (false, Some(stop)) => {
            format!(
                "not complete: stopped at {} with {} on the frontier",
                stop.as_str(),
                counted(reach.frontier.len() as u64, "column")
            )
        }
        (false, None) => "not complete: something on the way is opaque, see `auditlake lineage gaps`".to_owned(),
    };
    line(&mut text, format_args!("{end}; {told}"));
    opened.add_notes(&mut text);
    text
}

fn json_of(walk: &Walk<'_>) -> Value {
    let Walk { opened, args, direction, reach, found, files } = *walk;
    let datasets = found.iter().map(|reached| {
        let columns = reached.columns.iter().flat_map(|(arrival, columns)| {
            let word = arrival.as_str(direction);
            columns.iter().map(move |column| json!({ "column": column, "arrives": word }))
        });
        json!({
            "dataset": opened.naming.shown(&reached.name), "namespace": reached.name.namespace,
            "name": reached.name.name, "kind": reached.kind, "jobs": reached.jobs, "depth": reached.depth,
            "certainty": reached.certainty.as_str(), "columns": columns.collect::<Vec<_>>(),
        })
    });
    let frontier = reach.frontier.iter().map(|node| shown(&opened.naming, &opened.graph.nodes().name(*node)));
    let mut json = json!({
        "focus": args.node, "direction": if direction == Direction::Outgoing { "impact" } else { "trace" },
        "complete": reach.complete, "stopped": reach.stopped.map(::lineage::Stop::as_str),
        "certainty": reach.certainty.as_str(), "frontier": frontier.collect::<Vec<_>>(),
        "datasets": datasets.collect::<Vec<_>>(), "snapshot": opened.snapshot, "notes": opened.notes,
    });
    if let Some(files) = files {
        json["runs"] = files.json();
    }
    json
}

/// Answers `why`: one shortest way.
pub(crate) async fn why(lake: &OpenLake, world: &World, args: &WhyArgs) -> Result<Answer, JobError> {
    let opened = LakeGraph::open(lake, world).await?;
    let graph = &opened.graph;
    let ends = [&args.from, &args.to].map(|name| node(graph, Some(&opened.naming), name));
    let [source, target] = ends;
    let filter = Filter { when: args.as_of.map_or(When::Now, When::At), ..Filter::default() };
    let mask = graph.compile(&filter);
    let why = Walker::default().why(graph.view(&mask), source?, target?, &Limits::default(), || false);
    let name = |node: u32| shown(&opened.naming, &graph.nodes().name(node));
    let (mut text, mut steps) = (String::new(), Vec::new());
    for step in why.steps.iter().flatten() {
        let attribute = &graph.attributes()[step.attribute as usize];
        let job = &graph.jobs()[attribute.job as usize].0.name;
        let kinds = subtypes(attribute.kinds);
        let (from, to) = (name(step.source), name(step.target));
        let kinds_shown = if kinds.is_empty() { "in a way that nobody told".to_owned() } else { kinds.join(", ") };
        line(
            &mut text,
            format_args!(
                "{from} -> {to}\n  {kinds_shown}; cap {}; {}; job {job}",
                attribute.cap.as_str(),
                attribute.certainty.as_str()
            ),
        );
        steps.push(json!({
            "from": from, "to": to, "kinds": kinds, "cap": attribute.cap.as_str(),
            "certainty": attribute.certainty.as_str(), "job": job,
        }));
    }
    if why.steps.is_none() {
        let sure = if why.complete { "" } else { ", but not all of it is known" };
        line(&mut text, format_args!("no way leads from {} to {}{sure}", args.from, args.to));
    }
    opened.add_notes(&mut text);
    let json = json!({
        "from": args.from, "to": args.to, "depends": why.steps.is_some(), "steps": steps, "complete": why.complete,
        "certainty": why.certainty.as_str(), "notes": opened.notes,
    });
    Ok(Answer::done(text, json))
}

/// Names by commas behind a head; what does not fit into a line goes on below the first of them.
pub(crate) fn list<'a>(text: &mut String, head: &str, names: impl Iterator<Item = &'a str>) {
    const WIDTH: usize = 110;
    let mut current = head.to_owned();
    let mut is_first = true;
    for name in names {
        if !is_first {
            current.push(',');
            if current.len() + name.len() + 1 > WIDTH {
                line(text, format_args!("{current}"));
                current = " ".repeat(head.len());
            } else {
                current.push(' ');
            }
        }
        current.push_str(name);
        is_first = false;
    }
    line(text, format_args!("{current}"));
}

/// A `String` never refuses.
pub(crate) fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).unwrap_or_default();
    text.push('\n');
}
