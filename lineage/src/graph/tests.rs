use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use petgraph::algo::{dijkstra, kosaraju_scc, toposort};
use petgraph::visit::{EdgeIndexable, EdgeRef, IntoEdgeReferences, IntoEdgesDirected, IntoNodeReferences, NodeRef};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::{Certainty, EdgeKind, Form};

use super::samples::{column, dataset, day, edge, facts, facts_of, job};
use super::*;
use crate::facts::EdgeFact;

const SEEDS: std::ops::Range<u64> = 0..150;

/// Filters of every sort.
fn filters() -> Vec<Filter> {
    vec![
        Filter::default(),
        Filter { when: When::Ever, ..Filter::default() },
        Filter { when: When::At(day(7)), ..Filter::default() },
        Filter { when: When::Ever, ..Filter::direct() },
        Filter { when: When::Ever, ..Filter::indirect() },
        Filter { certainty: Some(Certainty::Superset), ..Filter::default() },
        Filter { job: Some(job("daily")), cap: Some(Form::Masked), ..Filter::default() },
    ]
}

/// The same nodes and jobs with fewer edges.
fn with_edges(facts: &Facts, keep: impl Fn(&EdgeFact) -> bool) -> Facts {
    let mut fewer = facts.clone();
    fewer.edges.retain(keep);
    for edge in &facts.edges {
        for node in [&edge.source, &edge.target] {
            if let Node::Column(dataset, path) = node {
                fewer.datasets.entry(dataset.clone()).or_default().columns.entry(path.clone()).or_default();
            }
        }
    }
    fewer
}

/// Edges in words, so that graphs with other dictionaries compare.
fn words(view: View<'_>) -> BTreeSet<(Node, Node, Attribute)> {
    let nodes = view.graph().nodes();
    let edges = view.edges_in_order();
    edges.map(|edge| (nodes.name(edge.source), nodes.name(edge.target), *view.attribute(edge.attribute))).collect()
}

#[test]
fn the_order_in_which_parts_arrive_changes_nothing() {
    for seed in SEEDS {
        let facts = facts(seed);
        let expected = Graph::of(&facts).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut names: Vec<_> = (0..expected.nodes().datasets().len()).collect();
        names.shuffle(&mut rng);
        let mut builder = NodesBuilder::default();
        for at in names {
            let head = expected.nodes().datasets()[at];
            let Node::Dataset(name) = expected.nodes().name(head) else { panic!("{head} is a dataset") };
            let mut columns: Vec<&str> =
                expected.nodes().columns(head).map(|column| expected.nodes().text(column)).collect();
            columns.shuffle(&mut rng);
            builder.add(&name, &facts.datasets.get(&name).cloned().unwrap_or_default(), columns);
        }
        let nodes = builder.finish().unwrap();
        let mut places: Vec<u32> = (0..).take(expected.attributes().len()).collect();
        places.shuffle(&mut rng);
        let attributes = places.iter().map(|place| expected.attributes()[*place as usize]).collect();
        let back: BTreeMap<u32, u32> = places.iter().copied().zip(0..).collect();
        let mask = expected.compile(&Filter { when: When::Ever, ..Filter::default() });
        let edges = expected.view(&mask).edges_in_order();
        let mut edges: Vec<_> = edges
            .map(|edge| NumberedEdge { attribute: back[&edge.attribute], ..edge })
            .flat_map(|edge| [edge; 2])
            .collect();
        edges.shuffle(&mut rng);
        let jobs = expected.jobs().iter().cloned().collect();
        assert_eq!(Graph::assemble(nodes, jobs, attributes, edges).unwrap(), expected, "seed {seed}");
    }
}

#[test]
fn a_view_is_the_graph_of_the_edges_that_pass() {
    for (seed, filter) in SEEDS.flat_map(|seed| filters().into_iter().map(move |filter| (seed, filter))) {
        let facts = facts(seed);
        let graph = Graph::of(&facts).unwrap();
        let passes = |edge: &EdgeFact| filter.admits(&Attribute::new(edge, 0), &edge.job);
        let fewer = Graph::of(&with_edges(&facts, passes)).unwrap();
        let (mask, all) = (graph.compile(&filter), fewer.compile(&Filter { when: When::Ever, ..Filter::default() }));
        let (view, expected) = (graph.view(&mask), fewer.view(&all));
        assert_eq!(words(view), words(expected), "seed {seed}: {filter}");
        let starts: Vec<u32> = (0..graph.nodes().len()).collect();
        for (start, direction) in
            starts.iter().flat_map(|start| [(start, Direction::Outgoing), (start, Direction::Incoming)])
        {
            let reach = |view| {
                let reach = Walker::default().reach(view, &[*start], direction, &Limits::default(), || false);
                let nodes: Vec<_> = reach.nodes().collect();
                (nodes, reach.graph.edge_count(), reach.complete, reach.certainty)
            };
            assert_eq!(reach(view), reach(expected), "seed {seed}: {filter}");
        }
    }
}

#[test]
fn what_held_then_is_what_was_known_then() {
    for (seed, at) in SEEDS.flat_map(|seed| [(seed, day(3)), (seed, day(9))]) {
        let facts = facts(seed);
        let graph = Graph::of(&facts).unwrap();
        let held = with_edges(&facts, |edge| edge.valid_from <= at && edge.valid_to.is_none_or(|end| at < end));
        let then = Graph::of(&held).unwrap();
        let (mask, all) = (
            graph.compile(&Filter { when: When::At(at), ..Filter::default() }),
            then.compile(&Filter { when: When::Ever, ..Filter::default() }),
        );
        assert_eq!(words(graph.view(&mask)), words(then.view(&all)), "seed {seed}");
    }
}

#[test]
fn names_lead_to_nodes_and_back() {
    let facts = facts(1);
    let graph = Graph::of(&facts).unwrap();
    let nodes = graph.nodes();
    for node in 0..nodes.len() {
        assert_eq!(nodes.find(&nodes.name(node)), Some(node));
        assert_eq!(nodes.is_dataset(node), nodes.dataset_of(node) == node);
    }
    assert_eq!(nodes.find(&column("audit", "nothing")), None);
    assert_eq!(nodes.find(&Node::Dataset(dataset("nothing"))), None);
}

#[test]
fn petgraph_runs_on_a_view() {
    for seed in SEEDS {
        let graph = Graph::of(&facts(seed)).unwrap();
        for filter in filters() {
            let mask = graph.compile(&filter);
            let view = graph.view(&mask);
            for edge in view.edge_references() {
                let place = EdgeIndexable::to_index(&view, edge.id());
                assert_eq!(EdgeIndexable::from_index(&view, place), edge.id());
                assert!(view.edges_directed(edge.target(), Direction::Incoming).any(|back| back.id() == edge.id()));
                assert!(dijkstra(view, edge.source(), None, |_| 1).contains_key(&edge.target()));
            }
            let in_circles = kosaraju_scc(view).iter().any(|nodes| nodes.len() > 1)
                || view.edge_references().any(|edge| edge.source() == edge.target());
            assert_eq!(toposort(view, None).is_err(), in_circles);
            assert!(view.node_references().all(|node| node.weight() == graph.nodes().key(node.id().index() as u32)));
        }
    }
}

/// Audit to usage to a report, with a grouping that is about the whole dataset.
fn chain() -> Graph {
    let graph = Graph::of(&facts_of([
        edge(column("audit", "actor.id"), column("usage", "who"), EdgeKind::Identity, Form::Raw, "daily"),
        edge(column("audit", "outcome"), Node::Dataset(dataset("usage")), EdgeKind::Filter, Form::None, "daily"),
        edge(column("usage", "who"), column("report", "people"), EdgeKind::Aggregation, Form::Aggregated, "report"),
        edge(column("usage", "n"), column("report", "sum"), EdgeKind::Aggregation, Form::Aggregated, "report"),
        edge(column("audit", "actor"), column("copy", "actor"), EdgeKind::Identity, Form::Raw, "copy"),
        edge(column("audit", "actor.name"), column("copy", "name"), EdgeKind::Identity, Form::Raw, "copy"),
    ]));
    graph.unwrap()
}

#[track_caller]
fn check(start: Node, direction: Direction, depth: Option<u32>, expected: &[Node], frontier: &[Node]) {
    let graph = chain();
    let mask = graph.compile(&Filter::default());
    let limits = Limits { depth, ..Limits::default() };
    let start = graph.find(&start).unwrap();
    let reach = Walker::default().reach(graph.view(&mask), &[start], direction, &limits, || false);
    let name = |node: u32| graph.nodes().name(node);
    assert_eq!(
        reach.nodes().map(|node| name(node.number)).collect::<BTreeSet<_>>(),
        expected.iter().cloned().collect()
    );
    assert_eq!(
        reach.frontier.iter().map(|node| name(*node)).collect::<BTreeSet<_>>(),
        frontier.iter().cloned().collect()
    );
    assert_eq!(reach.stopped, (!frontier.is_empty()).then_some(Stop::Depth));
    assert_eq!(reach.complete, frontier.is_empty());
}

#[test]
fn a_filter_reaches_every_column_of_what_it_filters() {
    let usage = Node::Dataset(dataset("usage"));
    let all = [
        column("audit", "outcome"),
        usage.clone(),
        column("usage", "who"),
        column("usage", "n"),
        column("report", "people"),
        column("report", "sum"),
    ];
    check(column("audit", "outcome"), Direction::Outgoing, None, &all, &[]);
    check(column("audit", "outcome"), Direction::Outgoing, Some(1), &all[..2], &[usage]);
}

#[test]
fn a_figure_comes_from_its_column_and_from_what_filters_its_dataset_but_not_from_its_neighbours() {
    let expected =
        [column("report", "sum"), column("usage", "n"), Node::Dataset(dataset("usage")), column("audit", "outcome")];
    check(column("report", "sum"), Direction::Incoming, None, &expected, &[]);
    let frontier = [column("usage", "n")];
    check(column("report", "sum"), Direction::Incoming, Some(1), &expected[..2], &frontier);
}

#[test]
fn a_reader_of_a_struct_is_reached_from_its_field_and_a_sibling_is_not() {
    let expected = [
        column("audit", "actor.id"),
        column("usage", "who"),
        column("report", "people"),
        column("audit", "actor"),
        column("copy", "actor"),
    ];
    check(column("audit", "actor.id"), Direction::Outgoing, None, &expected, &[]);
    let expected = [column("copy", "actor"), column("audit", "actor")];
    check(column("copy", "actor"), Direction::Incoming, None, &expected, &[]);
}

#[test]
fn why_is_one_shortest_way_with_the_job_of_every_step() {
    let graph = chain();
    let mask = graph.compile(&Filter::default());
    let find = |node| graph.find(&node).unwrap();
    let mut walker = Walker::default();
    let mut why = |from, to| walker.why(graph.view(&mask), find(from), find(to), &Limits::default(), || false);
    let found = why(column("audit", "outcome"), column("report", "sum"));
    let steps = found.steps.unwrap();
    let jobs: Vec<&str> = steps
        .iter()
        .map(|step| {
            let attribute = graph.attributes()[step.attribute as usize];
            graph.jobs()[attribute.job as usize].0.name.as_str()
        })
        .collect();
    assert_eq!(jobs, ["daily", "report"]);
    assert_eq!(steps[0].target, find(Node::Dataset(dataset("usage"))));
    assert_eq!(steps[1].source, find(column("usage", "n")));
    let none = why(column("report", "sum"), column("audit", "outcome"));
    assert!(none.steps.is_none() && none.complete);
}

#[test]
fn a_walk_that_stops_says_so_and_where() {
    let edges = (0..2_000).map(|at| {
        let (from, to) = (format!("c{at}"), format!("c{}", at + 1));
        edge(column("t", &from), column("t", &to), EdgeKind::Identity, Form::Raw, "j")
    });
    let graph = Graph::of(&facts_of(edges)).unwrap();
    let mask = graph.compile(&Filter::default());
    let start = [graph.find(&column("t", "c0")).unwrap()];
    let walk = |limits: Limits, stop: bool| {
        Walker::default().reach(graph.view(&mask), &start, Direction::Outgoing, &limits, || stop)
    };
    let few = walk(Limits { nodes: 10, ..Limits::default() }, false);
    assert_eq!((few.stopped, few.complete, few.graph.node_count()), (Some(Stop::Nodes), false, 10));
    assert_eq!(few.frontier, [graph.find(&column("t", "c9")).unwrap()]);
    let short = walk(Limits { edges: 10, ..Limits::default() }, false);
    assert_eq!((short.stopped, short.complete, short.edges_seen), (Some(Stop::Edges), false, 10));
    let whole = walk(Limits::default(), false);
    assert!(whole.complete && whole.stopped.is_none() && whole.graph.edge_count() == 2_000);
}

#[test]
fn a_caller_can_stop_a_long_walk() {
    let edges = (0..20_000).map(|at| NumberedEdge { source: 1, target: at + 2, attribute: 0 }).collect();
    let graph = numbered(20_002, edges);
    let mask = graph.compile(&Filter::default());
    let stopped = Walker::default().reach(graph.view(&mask), &[1], Direction::Outgoing, &Limits::default(), || true);
    assert_eq!((stopped.stopped, stopped.complete), (Some(Stop::Asked), false));
}

#[test]
fn an_opaque_edge_makes_an_answer_incomplete_and_unsure() {
    let mut edges = [
        edge(column("a", "x"), column("b", "y"), EdgeKind::Identity, Form::Raw, "j"),
        edge(column("b", "y"), column("c", "z"), EdgeKind::Identity, Form::Raw, "j"),
    ];
    edges[1].certainty = Certainty::Opaque;
    let graph = Graph::of(&facts_of(edges)).unwrap();
    let mask = graph.compile(&Filter::default());
    let start = [graph.find(&column("a", "x")).unwrap()];
    let reach = Walker::default().reach(graph.view(&mask), &start, Direction::Outgoing, &Limits::default(), || false);
    assert!(!reach.complete && reach.stopped.is_none() && reach.certainty == Certainty::Opaque);
    let one = Limits { depth: Some(1), ..Limits::default() };
    let reach = Walker::default().reach(graph.view(&mask), &start, Direction::Outgoing, &one, || false);
    assert!(!reach.complete && reach.stopped == Some(Stop::Depth) && reach.certainty == Certainty::Exact);
}

/// A graph of one dataset and `nodes - 1` columns, with edges by number.
fn numbered(nodes: u32, edges: Vec<NumberedEdge>) -> Graph {
    let mut builder = NodesBuilder::default();
    let columns: Vec<String> = (1..nodes).map(|at| format!("c{at}")).collect();
    builder.add(&dataset("t"), &Default::default(), columns.iter().map(String::as_str));
    let said = edge(column("t", "a"), column("t", "b"), EdgeKind::Identity, Form::Raw, "j");
    let jobs = BTreeMap::from([(job("j"), JobFact::default())]);
    Graph::assemble(builder.finish().unwrap(), jobs, vec![Attribute::new(&said, 0)], edges).unwrap()
}

/// Walks everything both ways, and gives how many edges were looked at.
fn walk_all(graph: &Graph, start: u32) -> u64 {
    let mask = graph.compile(&Filter::default());
    let view = graph.view(&mask);
    let limits = Limits { nodes: u64::MAX, ..Limits::default() };
    let mut walker = Walker::default();
    let seen = [Direction::Outgoing, Direction::Incoming]
        .map(|direction| walker.reach(view, &[start], direction, &limits, || false).edges_seen);
    let everything = forms(view, &[(start, Form::Raw)], &Lifts::default());
    assert_eq!(everything.of(view, start), Form::Raw);
    seen.into_iter().sum()
}

#[test]
fn a_ladder_of_two_to_the_thousand_ways_is_walked_edge_by_edge() {
    let rung =
        |at: u32| [(2 * at, 2 * at + 2), (2 * at, 2 * at + 3), (2 * at + 1, 2 * at + 2), (2 * at + 1, 2 * at + 3)];
    let edges: Vec<_> = (0..1_000)
        .flat_map(rung)
        .map(|(from, to)| NumberedEdge { source: from + 1, target: to + 1, attribute: 0 })
        .collect();
    let (len, graph) = (edges.len() as u64, numbered(2_003, edges));
    assert!(walk_all(&graph, 1) <= len);
    let mask = graph.compile(&Filter::default());
    let why = Walker::default().why(graph.view(&mask), 1, 2_001, &Limits::default(), || false);
    assert_eq!(why.steps.unwrap().len(), 1_000);
}

#[test]
fn ten_thousand_jobs_that_append_to_what_they_read_are_walked_edge_by_edge() {
    let edges: Vec<_> = (0..10_000)
        .map(|at| {
            let by = format!("j{at}");
            edge(column("t", "a"), column("t", "a"), EdgeKind::Identity, Form::Raw, &by)
        })
        .collect();
    let graph = Graph::of(&facts_of(edges)).unwrap();
    assert_eq!(graph.edges(), 10_000);
    assert_eq!(walk_all(&graph, graph.find(&column("t", "a")).unwrap()), 20_000);
}

#[test]
fn hubs_chains_and_circles_of_a_hundred_thousand_are_walked_edge_by_edge_on_a_small_stack() {
    let walk = || {
        let n = 100_000;
        let one = |source, target| NumberedEdge { source, target, attribute: 0 };
        let hub: Vec<_> = (2..n).flat_map(|at| [one(1, at), one(at, 1)]).collect();
        let chain: Vec<_> = (1..n - 1).map(|at| one(at, at + 1)).collect();
        let circle: Vec<_> = (1..n).map(|at| one(at, if at == n - 1 { 1 } else { at + 1 })).collect();
        for edges in [hub, chain, circle] {
            let len = edges.len() as u64;
            let graph = numbered(n, edges);
            assert!(walk_all(&graph, 1) <= 2 * len);
            let mask = graph.compile(&Filter::default());
            assert!(!kosaraju_scc(graph.view(&mask)).is_empty());
        }
    };
    let thread = std::thread::Builder::new().stack_size(128 << 10).spawn(walk).unwrap();
    thread.join().unwrap();
}

#[test]
fn marks_of_one_walk_mean_nothing_to_the_next() {
    let mut walker = Walker::default();
    for seed in SEEDS {
        let graph = Graph::of(&facts(seed)).unwrap();
        let mask = graph.compile(&Filter::default());
        for start in 0..graph.nodes().len() {
            let nodes = |walker: &mut Walker| {
                let reach =
                    walker.reach(graph.view(&mask), &[start], Direction::Outgoing, &Limits::default(), || false);
                reach.nodes().collect::<Vec<_>>()
            };
            assert_eq!(nodes(&mut walker), nodes(&mut Walker::default()));
        }
    }
}

#[test]
fn a_diff_names_what_two_instants_do_not_share() {
    for seed in SEEDS {
        let graph = Graph::of(&facts(seed)).unwrap();
        let mask = |at| graph.compile(&Filter { when: When::At(day(at)), ..Filter::default() });
        let (before, after) = (mask(4), mask(9));
        let meanings = |mask| -> BTreeSet<_> {
            let edges = graph.view(mask).edges_in_order();
            edges
                .map(|edge| {
                    (edge.source, edge.target, graph.attributes()[edge.attribute as usize].with_interval(0, None))
                })
                .collect()
        };
        let diff = graph.view(&before).diff(graph.view(&after));
        let of = |change| -> BTreeSet<_> {
            let changed = diff.iter().filter(|changed| changed.change == change).map(|changed| changed.edge);
            changed
                .map(|edge| {
                    (edge.source, edge.target, graph.attributes()[edge.attribute as usize].with_interval(0, None))
                })
                .collect()
        };
        let (earlier, later) = (meanings(&before), meanings(&after));
        assert_eq!(of(Change::Added), later.difference(&earlier).copied().collect(), "seed {seed}");
        assert_eq!(of(Change::Removed), earlier.difference(&later).copied().collect(), "seed {seed}");
    }
}

/// What arrives, by going over all edges until nothing changes.
fn naive(view: View<'_>, sources: &[(u32, Form)], lifts: &BTreeSet<(u32, u32)>) -> (Vec<Form>, BTreeSet<(u32, u32)>) {
    let nodes = view.graph().nodes();
    let mut arrived = vec![Form::None; nodes.len() as usize];
    let mut lifts = lifts.clone();
    for (source, form) in sources {
        arrived[*source as usize] = *form;
    }
    loop {
        let (before, lifted) = (arrived.clone(), lifts.len());
        for edge in view.edges_in_order() {
            let attribute = view.attribute(edge.attribute);
            let form = nodes.kin(edge.source).map(|kin| arrived[kin as usize]).max().unwrap();
            let head = nodes.dataset_of(edge.target);
            let is_lifted = lifts.contains(&(edge.target, attribute.job)) || lifts.contains(&(head, attribute.job));
            let cap = if is_lifted && attribute.cap == Form::Aggregated { Form::Raw } else { attribute.cap };
            if attribute.may_carry() {
                arrived[edge.target as usize] = arrived[edge.target as usize].max(form.min(cap));
            }
            if attribute.kinds.has(EdgeKind::GroupBy) && form >= Form::Pseudonymised {
                lifts.insert((edge.target, attribute.job));
            }
        }
        if arrived == before && lifts.len() == lifted {
            return (arrived, lifts);
        }
    }
}

#[test]
fn forms_are_those_of_going_over_all_edges_until_nothing_changes() {
    let mut lifted = 0;
    for seed in 0..600 {
        let graph = Graph::of(&facts(seed)).unwrap();
        let mask = graph.compile(&Filter { when: When::Ever, ..Filter::default() });
        let view = graph.view(&mask);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut some = || (0..3).map(|_| rng.random_range(0..graph.nodes().len())).collect::<Vec<u32>>();
        let (subjects, sources) = (some(), some());
        let sources: Vec<_> = sources.into_iter().zip([Form::Raw, Form::Pseudonymised, Form::Masked]).collect();
        let raw: Vec<_> = subjects.iter().map(|subject| (*subject, Form::Raw)).collect();
        let (_, expected_lifts) = naive(view, &raw, &BTreeSet::new());
        let lifts = Lifts::of(view, &subjects);
        assert_eq!(lifts.pairs(), &expected_lifts, "seed {seed}");
        lifted += lifts.len();
        let all = forms(view, &sources, &lifts);
        let expected = naive_with(view, &sources, &expected_lifts);
        let arrived: Vec<Form> = (0..graph.nodes().len()).map(|node| all.arrived(node)).collect();
        assert_eq!(arrived, expected, "seed {seed}");
    }
    assert!(lifted > 100, "{lifted} lifts are too few to test them");
}

/// As [`naive`], with lifts that are given and no others.
fn naive_with(view: View<'_>, sources: &[(u32, Form)], lifts: &BTreeSet<(u32, u32)>) -> Vec<Form> {
    let nodes = view.graph().nodes();
    let mut arrived = vec![Form::None; nodes.len() as usize];
    for (source, form) in sources {
        arrived[*source as usize] = arrived[*source as usize].max(*form);
    }
    loop {
        let before = arrived.clone();
        for edge in view.edges_in_order().filter(|edge| view.attribute(edge.attribute).may_carry()) {
            let attribute = view.attribute(edge.attribute);
            let form = nodes.kin(edge.source).map(|kin| arrived[kin as usize]).max().unwrap();
            let is_lifted = lifts.contains(&(edge.target, attribute.job))
                || lifts.contains(&(nodes.dataset_of(edge.target), attribute.job));
            let cap = if is_lifted && attribute.cap == Form::Aggregated { Form::Raw } else { attribute.cap };
            arrived[edge.target as usize] = arrived[edge.target as usize].max(form.min(cap));
        }
        if arrived == before {
            return arrived;
        }
    }
}

#[test]
fn what_is_counted_by_person_is_about_the_person() {
    let of = |groups_by: &str| {
        let graph = Graph::of(&facts_of([
            edge(column("audit", "ip"), column("usage", "ips"), EdgeKind::Aggregation, Form::Aggregated, "j"),
            edge(column("audit", groups_by), Node::Dataset(dataset("usage")), EdgeKind::GroupBy, Form::None, "j"),
            edge(column("audit", "actor"), column("audit2", "actor"), EdgeKind::Filter, Form::None, "k"),
        ]));
        let graph = graph.unwrap();
        let mask = graph.compile(&Filter::default());
        let view = graph.view(&mask);
        let find = |node| graph.find(&node).unwrap();
        let lifts = Lifts::of(view, &[find(column("audit", "actor"))]);
        let all = forms(
            view,
            &[(find(column("audit", "ip")), Form::Raw), (find(column("audit", "actor")), Form::Raw)],
            &lifts,
        );
        assert!(all.is_influenced(view, find(column("audit2", "actor"))));
        all.of(view, find(column("usage", "ips")))
    };
    assert_eq!(of("tenant"), Form::Aggregated);
    assert_eq!(of("actor"), Form::Raw);
}

#[test]
fn a_class_that_arrives_undeclared_and_one_that_nothing_explains_are_found() {
    let mut facts = facts_of([
        edge(column("audit", "ip"), column("usage", "ip"), EdgeKind::Identity, Form::Raw, "j"),
        edge(column("audit", "n"), column("usage", "email"), EdgeKind::Identity, Form::Raw, "j"),
    ]);
    for (name, path) in [("audit", "ip"), ("usage", "email")] {
        let columns = &mut facts.datasets.entry(dataset(name)).or_default().columns;
        columns.entry(path.to_owned()).or_default().class = Some("personal".to_owned());
    }
    let graph = Graph::of(&facts).unwrap();
    let mask = graph.compile(&Filter::default());
    let view = graph.view(&mask);
    let sources: Vec<_> = graph.columns_of_class("personal").into_iter().map(|node| (node, Form::Raw)).collect();
    let all = forms(view, &sources, &Lifts::default());
    assert_eq!(all.undeclared(view, "personal"), [graph.find(&column("usage", "ip")).unwrap()]);
    assert_eq!(all.unexplained(view, "personal"), [graph.find(&column("usage", "email")).unwrap()]);
}

#[test]
fn edges_take_twenty_bytes_and_a_few() {
    let edges =
        (0..400_000_u32).map(|at| NumberedEdge { source: 1 + at % 9_999, target: 1 + (at * 7) % 9_998, attribute: 0 });
    let graph = numbered(10_001, edges.collect());
    assert!(graph.edge_bytes() <= 24 * graph.edges(), "{} bytes for {} edges", graph.edge_bytes(), graph.edges());
}

#[test]
fn what_is_not_there_is_named() {
    let missing = NumberedEdge { source: 5, target: 1, attribute: 0 };
    let mut builder = NodesBuilder::default();
    builder.add(&dataset("t"), &Default::default(), ["a"]);
    let nodes = builder.finish().unwrap();
    let said = edge(column("t", "a"), column("t", "b"), EdgeKind::Identity, Form::Raw, "j");
    let jobs = BTreeMap::from([(job("j"), JobFact::default())]);
    let graph = |edge, at| Graph::assemble(nodes.clone(), jobs.clone(), vec![Attribute::new(&said, at)], vec![edge]);
    assert_eq!(graph(missing, 0), Err(GraphError::Missing { what: "node", number: 5 }));
    let (other, of_no_job) =
        (NumberedEdge { source: 0, attribute: 3, ..missing }, NumberedEdge { source: 0, ..missing });
    assert_eq!(graph(other, 0), Err(GraphError::Missing { what: "attribute", number: 3 }));
    assert_eq!(graph(of_no_job, 1), Err(GraphError::Missing { what: "job", number: 1 }));
    let mut twice = NodesBuilder::default();
    twice.add(&dataset("t"), &Default::default(), []);
    twice.add(&dataset("t"), &Default::default(), []);
    assert_eq!(twice.finish(), Err(GraphError::Twice { dataset: "t".to_owned() }));
}
