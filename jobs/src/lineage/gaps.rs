//! `lineage gaps` and `lineage diff`: what is not known exactly, and what changed between two instants.

use std::collections::{BTreeMap, BTreeSet};

use ::lineage::{Change, Filter, When};
use schemas::Certainty;
use serde_json::json;

use super::lake_graph::LakeGraph;
use super::nodes::shown;
use super::told::subtypes;
use super::walked::line;
use crate::Answer;
use crate::args::{DiffArgs, GapsArgs};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::show::counted;
use crate::world::World;

/// Answers `gaps`.
pub(crate) async fn gaps(lake: &OpenLake, world: &World, args: &GapsArgs) -> Result<Answer, JobError> {
    let opened = LakeGraph::open(lake, world).await?;
    let graph = &opened.graph;
    let mask = graph.compile(&Filter::default());
    // By output, job, certainty and reason, each with its targets.
    let mut gaps: BTreeMap<(String, &str, Certainty, &str), BTreeSet<u32>> = BTreeMap::new();
    for edge in graph.view(&mask).edges_in_order() {
        let attribute = &graph.attributes()[edge.attribute as usize];
        if attribute.certainty == Certainty::Exact {
            continue;
        }
        let dataset = opened.naming.shown(&super::nodes::dataset_of(graph.nodes().name(edge.target)));
        let job = graph.jobs()[attribute.job as usize].0.name.as_str();
        let reason = attribute.gap.map_or("", |gap| gap.as_str());
        gaps.entry((dataset, job, attribute.certainty, reason)).or_default().insert(edge.target);
    }
    let mut text = String::new();
    for ((dataset, job, certainty, reason), targets) in &gaps {
        let told = counted(targets.len() as u64, "column");
        line(&mut text, format_args!("{dataset:30}{:10}{reason:16}{told}, by {job}", certainty.as_str()));
    }
    if gaps.is_empty() {
        line(&mut text, format_args!("everything that is known is known exactly"));
    }
    opened.add_notes(&mut text);
    let rows = gaps.iter().map(|((dataset, job, certainty, reason), targets)| {
        let columns: Vec<String> =
            targets.iter().map(|node| shown(&opened.naming, &graph.nodes().name(*node))).collect();
        json!({ "dataset": dataset, "job": job, "certainty": certainty.as_str(), "reason": reason, "columns": columns })
    });
    let json = json!({ "gaps": rows.collect::<Vec<_>>(), "notes": opened.notes });
    let mut answer = Answer::done(text, json);
    if gaps.keys().any(|(_, _, certainty, _)| args.fail_on.iter().any(|word| word == certainty.as_str())) {
        answer.code = 3;
    }
    Ok(answer)
}

/// Answers `diff`.
pub(crate) async fn diff(lake: &OpenLake, world: &World, args: &DiffArgs) -> Result<Answer, JobError> {
    let to = args.to.unwrap_or_else(|| world.now());
    if args.from >= to {
        return Err(JobError::Usage("--from must be before --to".to_owned()));
    }
    let opened = LakeGraph::open(lake, world).await?;
    let graph = &opened.graph;
    let masks = [args.from, to].map(|at| graph.compile(&Filter { when: When::At(at), ..Filter::default() }));
    let [earlier, later] = &masks;
    let changes = graph.view(earlier).diff(graph.view(later));
    let (mut text, mut rows) = (String::new(), Vec::new());
    for changed in &changes {
        let attribute = &graph.attributes()[changed.edge.attribute as usize];
        let name = |node: u32| shown(&opened.naming, &graph.nodes().name(node));
        let (from, to) = (name(changed.edge.source), name(changed.edge.target));
        let kinds = subtypes(attribute.kinds);
        let job = graph.jobs()[attribute.job as usize].0.name.as_str();
        let sign = if changed.change == Change::Added { '+' } else { '-' };
        line(&mut text, format_args!("{sign} {from} -> {to}  {}; job {job}", kinds.join(", ")));
        rows.push(json!({ "change": changed.change.as_str(), "from": from, "to": to, "kinds": kinds, "job": job }));
    }
    line(&mut text, format_args!("{}", counted(changes.len() as u64, "difference")));
    opened.add_notes(&mut text);
    Ok(Answer::done(text, json!({ "changes": rows, "notes": opened.notes })))
}
