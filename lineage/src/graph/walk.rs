//! What is reached from where: breadth first, paths never listed, and never without a word on how far it got.
//!
//! An edge is a job, and costs one step. That a dataset holds its columns costs none: a change of the dataset's rows
//! is one of all its columns; a reader of the whole dataset reads every column; a reader of `actor` reads `actor.id`.
//! But a column never leads to its neighbours: it is the edges of its dataset that are its own, too, and not its
//! dataset's other columns.

use petgraph::Direction;
use petgraph::stable_graph::StableDiGraph;
use schemas::Certainty;

use super::flood::Flooded;
use super::pace::Pace;
use super::rows::NumberedEdge;
use super::view::View;

/// How far a walk may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Steps from the start: 1 is the next job's columns.
    pub depth: Option<u32>,
    /// Nodes of the answer.
    pub nodes: u64,
    /// Edges that are looked at, whether they pass the filter or not.
    pub edges: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: None, nodes: 100_000, edges: 50_000_000 }
    }
}

/// Why a walk stopped early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// At the depth that was asked for.
    Depth,
    /// With as many nodes as it may give.
    Nodes,
    /// With as many edges as it may look at.
    Edges,
    /// The caller said so.
    Asked,
}

impl Stop {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Depth => "depth",
            Self::Nodes => "nodes",
            Self::Edges => "edges",
            Self::Asked => "asked",
        }
    }
}

/// A node of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReachedNode {
    /// Its number in the graph.
    pub number: u32,
    /// How many steps from the start.
    pub depth: u32,
    /// How sure the way is on which it was first reached.
    pub certainty: Certainty,
}

/// What was reached.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Nodes in order of their numbers; edges from source to target, whatever the direction of the walk, with the
    /// place of their attribute.
    pub graph: StableDiGraph<ReachedNode, u32>,
    /// Whether it is everything: nothing stopped the walk, and no edge was opaque.
    pub complete: bool,
    /// Nodes whose own edges were not all followed, in order of their numbers.
    pub frontier: Vec<u32>,
    /// Why the walk stopped early.
    pub stopped: Option<Stop>,
    /// The weakest certainty of the edges that were followed.
    pub certainty: Certainty,
    /// How many edges were looked at.
    pub edges_seen: u64,
}

impl Reach {
    /// The nodes, in order of their numbers.
    pub fn nodes(&self) -> impl Iterator<Item = ReachedNode> + '_ {
        self.graph.node_weights().copied()
    }
}

/// Walks. It keeps its marks from walk to walk, so that a short walk of a large graph is short.
#[derive(Debug, Default)]
pub struct Walker {
    pub(super) marks: Vec<Mark>,
    pub(super) epoch: u32,
    pub(super) flooded: Flooded,
}

/// Where a node stands among what was found, if the mark is of this walk.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    pub(super) epoch: u32,
    pub(super) place: u32,
}

impl Walker {
    /// What is reached from `starts`. `is_asked_to_stop` is asked from time to time.
    pub fn reach(
        &mut self,
        view: View<'_>,
        starts: &[u32],
        direction: Direction,
        limits: &Limits,
        is_asked_to_stop: impl FnMut() -> bool,
    ) -> Reach {
        let mut walk = Walk::new(self, view, direction, limits, is_asked_to_stop);
        walk.keeps_edges = true;
        walk.run(starts, &[]);
        walk.into_reach()
    }

    /// Marks for a graph of so many nodes, all of them old.
    pub(super) fn begin(&mut self, nodes: u32) {
        self.marks.resize(self.marks.len().max(nodes as usize), Mark::default());
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.marks.fill(Mark::default());
            self.epoch = 1;
        }
    }
}

/// A node that was met.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) node: ReachedNode,
    /// Whether its own row was gone through.
    is_scanned: bool,
    /// Whether it was reached, so that its kin's rows are gone through, too.
    is_reached: bool,
    /// Whether it is part of the answer: reached, or at one end of an edge.
    is_shown: bool,
    /// Whether its row has an edge that passes, once somebody had to know.
    leads_on: Option<bool>,
    /// The edge it was first reached over, with the place of the node from which the walk came.
    pub(super) via: Option<(u32, NumberedEdge)>,
}

/// One walk.
pub(super) struct Walk<'w, 'a, A> {
    walker: &'w mut Walker,
    view: View<'a>,
    direction: Direction,
    limits: Limits,
    pace: Pace<A>,
    keeps_edges: bool,
    pub(super) found: Vec<Found>,
    /// Places of reached nodes, in the order in which they were reached.
    queue: Vec<u32>,
    next: usize,
    edges: Vec<NumberedEdge>,
    frontier: Vec<u32>,
    shown: u64,
    certainty: Certainty,
    pub(super) stopped: Option<Stop>,
    /// The place of the first node reached among the goals.
    pub(super) hit: Option<u32>,
}

impl<'w, 'a, A: FnMut() -> bool> Walk<'w, 'a, A> {
    pub(super) fn new(
        walker: &'w mut Walker,
        view: View<'a>,
        direction: Direction,
        limits: &Limits,
        is_asked_to_stop: A,
    ) -> Self {
        walker.begin(view.graph().nodes().len());
        Self {
            walker,
            view,
            direction,
            limits: *limits,
            pace: Pace::new(limits, is_asked_to_stop),
            keeps_edges: false,
            found: Vec::new(),
            queue: Vec::new(),
            next: 0,
            edges: Vec::new(),
            frontier: Vec::new(),
            shown: 0,
            certainty: Certainty::Exact,
            stopped: None,
            hit: None,
        }
    }

    /// Goes until nothing is left, something stops it, or one of `goals`, sorted, is reached.
    pub(super) fn run(&mut self, starts: &[u32], goals: &[u32]) {
        for start in starts {
            let place = self.place_of(*start, 0);
            if self.reach(place, None, Certainty::Exact, goals).is_err() {
                self.stopped = Some(Stop::Nodes);
                break;
            }
        }
        while self.hit.is_none() && self.stopped.is_none() && self.next < self.queue.len() {
            let place = self.queue[self.next];
            match self.visit(place, goals) {
                Ok(()) => self.next += 1,
                Err(stop) => self.stopped = Some(stop),
            }
        }
        let is_early = self.stopped.is_some();
        if is_early {
            let left = self.queue[self.next..].iter().map(|place| self.found[*place as usize].node.number);
            self.frontier.extend(left);
        } else if !self.frontier.is_empty() {
            self.stopped = Some(Stop::Depth);
        }
        self.frontier.sort_unstable();
    }

    /// Whether everything there is was seen: nothing stopped the walk, and no edge was opaque.
    pub(super) fn is_complete(&self) -> bool {
        self.stopped.is_none() && self.certainty != Certainty::Opaque
    }

    pub(super) fn certainty(&self) -> Certainty {
        self.certainty
    }

    /// Goes through the rows of a reached node and its kin.
    fn visit(&mut self, place: u32, goals: &[u32]) -> Result<(), Stop> {
        let node = self.found[place as usize].node;
        let is_last = self.limits.depth == Some(node.depth);
        let view = self.view;
        for kin in view.graph().nodes().kin(node.number) {
            let row = self.place_of(kin, node.depth);
            if self.found[row as usize].is_scanned {
                continue;
            }
            if is_last {
                if self.leads_on(row)? {
                    self.frontier.push(node.number);
                    break;
                }
                continue;
            }
            self.found[row as usize].is_scanned = true;
            self.scan(place, row, goals)?;
        }
        Ok(())
    }

    /// Follows the edges of one row.
    fn scan(&mut self, from: u32, row: u32, goals: &[u32]) -> Result<(), Stop> {
        let view = self.view;
        let Found { node, .. } = self.found[row as usize];
        let depth = self.found[from as usize].node.depth + 1;
        for entry in view.rows(self.direction).row(node.number) {
            self.pace.count()?;
            if !view.admits(entry.attribute()) {
                continue;
            }
            let other = self.place_of(entry.other(), depth);
            let certainty = view.attribute(entry.attribute()).certainty;
            let edge = match self.direction {
                Direction::Outgoing => (node.number, entry.other()),
                Direction::Incoming => (entry.other(), node.number),
            };
            let edge = NumberedEdge { source: edge.0, target: edge.1, attribute: entry.attribute() };
            self.show(row)?;
            let way = self.found[from as usize].node.certainty.and(certainty);
            self.reach_over(other, from, edge, depth, way, goals)?;
            self.certainty = self.certainty.and(certainty);
            if self.keeps_edges {
                self.edges.push(edge);
            }
        }
        Ok(())
    }

    fn reach_over(
        &mut self,
        place: u32,
        from: u32,
        edge: NumberedEdge,
        depth: u32,
        way: Certainty,
        goals: &[u32],
    ) -> Result<(), Stop> {
        if self.found[place as usize].is_reached {
            return Ok(());
        }
        self.reach(place, Some((from, edge)), way, goals)?;
        self.found[place as usize].node.depth = depth;
        Ok(())
    }

    /// Puts a node into the queue, once.
    fn reach(
        &mut self,
        place: u32,
        via: Option<(u32, NumberedEdge)>,
        certainty: Certainty,
        goals: &[u32],
    ) -> Result<(), Stop> {
        self.show(place)?;
        let found = &mut self.found[place as usize];
        if found.is_reached {
            return Ok(());
        }
        found.is_reached = true;
        found.via = via;
        found.node.certainty = certainty;
        if self.hit.is_none() && goals.binary_search(&found.node.number).is_ok() {
            self.hit = Some(place);
        }
        self.queue.push(place);
        Ok(())
    }

    /// Makes a node part of the answer.
    fn show(&mut self, place: u32) -> Result<(), Stop> {
        let found = &mut self.found[place as usize];
        if !found.is_shown {
            if self.shown == self.limits.nodes {
                return Err(Stop::Nodes);
            }
            found.is_shown = true;
            self.shown += 1;
        }
        Ok(())
    }

    /// Whether a row has an edge that passes.
    fn leads_on(&mut self, place: u32) -> Result<bool, Stop> {
        let Found { node, leads_on, .. } = self.found[place as usize];
        if let Some(known) = leads_on {
            return Ok(known);
        }
        let leads_on = self.pace.leads_on(self.view, node.number, self.direction)?;
        self.found[place as usize].leads_on = Some(leads_on);
        Ok(leads_on)
    }

    /// The place of a node among what was found.
    fn place_of(&mut self, number: u32, depth: u32) -> u32 {
        let mark = &mut self.walker.marks[number as usize];
        if mark.epoch != self.walker.epoch {
            *mark = Mark { epoch: self.walker.epoch, place: self.found.len() as u32 };
            let node = ReachedNode { number, depth, certainty: Certainty::Exact };
            self.found.push(Found {
                node,
                is_scanned: false,
                is_reached: false,
                is_shown: false,
                leads_on: None,
                via: None,
            });
        }
        mark.place
    }

    fn into_reach(mut self) -> Reach {
        let complete = self.is_complete();
        let mut nodes: Vec<ReachedNode> =
            self.found.iter().filter(|found| found.is_shown).map(|found| found.node).collect();
        nodes.sort_unstable_by_key(|node| node.number);
        self.edges.sort_unstable();
        let mut graph = StableDiGraph::with_capacity(nodes.len(), self.edges.len());
        for node in nodes {
            let number = node.number;
            self.walker.marks[number as usize].place = graph.add_node(node).index() as u32;
        }
        let place = |number: u32| super::index(self.walker.marks[number as usize].place);
        for edge in &self.edges {
            graph.add_edge(place(edge.source), place(edge.target), edge.attribute);
        }
        Reach {
            graph,
            complete,
            frontier: self.frontier,
            stopped: self.stopped,
            certainty: self.certainty,
            edges_seen: self.pace.seen,
        }
    }
}
