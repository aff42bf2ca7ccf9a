//! `lineage forms`: where personal data has gone, and what is left of it there.

use std::collections::{BTreeMap, BTreeSet};

use ::lineage::{Filter, Graph, Lifts, Node, When, forms};
use schemas::Form;
use serde_json::json;

use super::lake_graph::LakeGraph;
use super::nodes::dataset_of;
use super::walked::{line, list, subjects};
use crate::Answer;
use crate::args::FormsArgs;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::show::counted;
use crate::world::World;

/// Classes that are about a person, and those that must not leave.
const CLASSES: [&str; 3] = ["personal", "special", "secret"];

/// What of a class is in a column.
struct Left {
    dataset: String,
    column: String,
    class: String,
    form: Form,
    /// What is wrong about it: `undeclared` or `unexplained`.
    finding: Option<&'static str>,
}

/// Columns by class and form, the highest form first.
type ByForm<'a> = BTreeMap<(&'a str, std::cmp::Reverse<Form>), BTreeSet<String>>;

/// Answers `forms`. Edges that were closed count, because the data they made is still there.
pub(crate) async fn left(lake: &OpenLake, world: &World, args: &FormsArgs) -> Result<Answer, JobError> {
    let opened = LakeGraph::open(lake, world).await?;
    let graph = &opened.graph;
    let classes: Vec<&str> = match &args.class {
        Some(class) => vec![class],
        None => CLASSES.to_vec(),
    };
    if let Some(class) = args.class.as_deref().filter(|class| graph.columns_of_class(class).is_empty()) {
        let known: BTreeSet<&str> =
            (0..graph.nodes().len()).filter_map(|node| graph.nodes().about(node).class()).collect();
        return Err(JobError::Unknown {
            what: "class",
            name: class.to_owned(),
            remedy: format!(
                "no column is declared with it; classes of columns are: {}",
                crate::lake::names(known.iter())
            ),
        });
    }
    let mut all = Vec::new();
    for class in classes {
        all.extend(of_class(lake, &opened, graph, class));
    }
    let mut text = String::new();
    let mut by_dataset: BTreeMap<&str, ByForm<'_>> = BTreeMap::new();
    for one in &all {
        let of_dataset = by_dataset.entry(&one.dataset).or_default();
        let finding = one.finding.map(|finding| format!(" ({finding})")).unwrap_or_default();
        of_dataset
            .entry((&one.class, std::cmp::Reverse(one.form)))
            .or_default()
            .insert(format!("{}{finding}", one.column));
    }
    for (dataset, forms) in &by_dataset {
        line(&mut text, format_args!("{dataset}"));
        for ((class, form), columns) in forms {
            list(&mut text, &format!("  {class:10}{:15} ", form.0.as_str()), columns.iter().map(String::as_str));
        }
    }
    let count = |finding: &str| all.iter().filter(|one| one.finding == Some(finding)).count() as u64;
    let (undeclared, unexplained) = (count("undeclared"), count("unexplained"));
    line(
        &mut text,
        format_args!(
            "{} of {}; {undeclared} undeclared, {unexplained} unexplained",
            counted(all.len() as u64, "column"),
            counted(by_dataset.len() as u64, "dataset")
        ),
    );
    opened.add_notes(&mut text);
    let columns = all.iter().map(|one| {
        json!({
            "dataset": one.dataset, "column": one.column, "class": one.class, "form": one.form.as_str(),
            "finding": one.finding,
        })
    });
    let json = json!({
        "columns": columns.collect::<Vec<_>>(), "undeclared": undeclared, "unexplained": unexplained,
        "notes": opened.notes,
    });
    let mut answer = Answer::done(text, json);
    if args.fail_on.iter().any(|finding| count(finding) > 0) {
        answer.code = 3;
    }
    Ok(answer)
}

/// Where a class has gone.
fn of_class(lake: &OpenLake, opened: &LakeGraph, graph: &Graph, class: &str) -> Vec<Left> {
    let mask = graph.compile(&Filter { when: When::Ever, ..Filter::default() });
    let view = graph.view(&mask);
    let sources = graph.columns_of_class(class);
    let raw: Vec<(u32, Form)> = sources.iter().map(|source| (*source, Form::Raw)).collect();
    let lifts = Lifts::of(view, &subjects(graph));
    let forms = forms(view, &raw, &lifts);
    // What a report or a file holds cannot be declared; a dataset of the definitions can.
    let is_declarable = |node: &u32| {
        let dataset = dataset_of(graph.nodes().name(*node));
        lake.definitions.datasets.iter().any(|declared| opened.naming.own(declared.id.as_str()) == dataset)
    };
    let undeclared: BTreeSet<u32> = forms.undeclared(view, class).into_iter().filter(is_declarable).collect();
    let unexplained: BTreeSet<u32> = forms.unexplained(view, class).into_iter().collect();
    let arrived = (0..graph.nodes().len()).filter(|node| forms.arrived(*node) > Form::None);
    let one = |node: u32| {
        let name = graph.nodes().name(node);
        let column = match &name {
            Node::Column(_, column) => column.clone(),
            Node::Dataset(_) => "(the dataset as a whole)".to_owned(),
        };
        let finding = match (undeclared.contains(&node), unexplained.contains(&node)) {
            (true, _) => Some("undeclared"),
            (false, true) => Some("unexplained"),
            (false, false) => None,
        };
        Left {
            dataset: opened.naming.shown(&dataset_of(name)),
            column,
            class: class.to_owned(),
            form: forms.arrived(node),
            finding,
        }
    };
    arrived.map(one).collect()
}

/// What is left of anything personal in the nodes of a graph, for pictures.
pub(crate) fn personal(graph: &Graph) -> Vec<(u32, Form)> {
    let mask = graph.compile(&Filter { when: When::Ever, ..Filter::default() });
    let view = graph.view(&mask);
    let sources: Vec<(u32, Form)> =
        CLASSES.iter().flat_map(|class| graph.columns_of_class(class)).map(|node| (node, Form::Raw)).collect();
    let forms = forms(view, &sources, &Lifts::of(view, &subjects(graph)));
    let arrived = (0..graph.nodes().len()).map(|node| (node, forms.arrived(node)));
    arrived.filter(|(_, form)| *form > Form::None).collect()
}
