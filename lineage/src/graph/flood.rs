//! What is reached, without the edges between: each row is gone through once, and most edges cost a look at one byte.
//!
//! The answer is the same as that of [`Walker::reach`], but for the edges. Absent: why something is reached.

use std::collections::HashMap;

use petgraph::Direction;
use petgraph::stable_graph::StableDiGraph;
use schemas::Certainty;

use super::pace::Pace;
use super::view::View;
use super::walk::{Limits, Mark, Reach, ReachedNode, Stop, Walker};

/// Nodes of a level from which on they are gone through in the order in which their rows lie.
const LARGE_LEVEL: usize = 4_096;
/// One of so many nodes from which on it is quicker to go through all of them than to sort those that were found.
const MANY: usize = 16;

/// A byte for each node and question, kept from flood to flood: whether it holds in this turn.
#[derive(Debug, Default)]
pub(super) struct Flooded {
    turn: u8,
    reached: Vec<u8>,
    scanned: Vec<u8>,
    shown: Vec<u8>,
    /// Memory of the flood before.
    found: Vec<ReachedNode>,
}

impl Flooded {
    fn begin(&mut self, nodes: usize) {
        self.turn = self.turn.wrapping_add(1);
        let is_over = self.turn == 0;
        self.turn = self.turn.max(1);
        for bytes in [&mut self.reached, &mut self.scanned, &mut self.shown] {
            if is_over {
                bytes.fill(0);
            }
            bytes.resize(bytes.len().max(nodes), 0);
        }
        self.found.clear();
    }
}

impl Walker {
    /// The nodes that are reached from `starts`, without the edges between them: for closures of large graphs.
    pub fn closure(
        &mut self,
        view: View<'_>,
        starts: &[u32],
        direction: Direction,
        limits: &Limits,
        is_asked_to_stop: impl FnMut() -> bool,
    ) -> Reach {
        self.flooded.begin(view.graph().nodes().len() as usize);
        let mut flood = Flood {
            walker: self,
            view,
            direction,
            limits: *limits,
            pace: Pace::new(limits, is_asked_to_stop),
            rows: Vec::new(),
            leads_on: HashMap::new(),
            next: 0,
            frontier: Vec::new(),
            shown: 0,
            certainty: Certainty::Exact,
            stopped: None,
        };
        flood.run(starts);
        flood.into_reach()
    }
}

/// One flood.
struct Flood<'w, 'a, A> {
    walker: &'w mut Walker,
    view: View<'a>,
    direction: Direction,
    limits: Limits,
    pace: Pace<A>,
    /// Nodes that were not reached when their edges were followed.
    rows: Vec<ReachedNode>,
    /// Whether a row has an edge that passes, once somebody had to know.
    leads_on: HashMap<u32, bool>,
    next: usize,
    frontier: Vec<u32>,
    shown: u64,
    certainty: Certainty,
    stopped: Option<Stop>,
}

impl<A: FnMut() -> bool> Flood<'_, '_, A> {
    fn run(&mut self, starts: &[u32]) {
        for start in starts {
            let node = ReachedNode { number: *start, depth: 0, certainty: Certainty::Exact };
            if self.reach(node).is_err() {
                self.stopped = Some(Stop::Nodes);
                break;
            }
        }
        let mut level_end = 0;
        while self.stopped.is_none() && self.next < self.walker.flooded.found.len() {
            if self.next == level_end {
                level_end = self.walker.flooded.found.len();
                let level = &mut self.walker.flooded.found[self.next..];
                if level.len() >= LARGE_LEVEL {
                    level.sort_unstable_by_key(|node| node.number);
                }
            }
            match self.visit(self.walker.flooded.found[self.next]) {
                Ok(()) => self.next += 1,
                Err(stop) => self.stopped = Some(stop),
            }
        }
        if self.stopped.is_some() {
            self.frontier.extend(self.walker.flooded.found[self.next..].iter().map(|node| node.number));
        } else if !self.frontier.is_empty() {
            self.stopped = Some(Stop::Depth);
        }
        self.frontier.sort_unstable();
    }

    /// Goes through the rows of a reached node and its kin.
    fn visit(&mut self, node: ReachedNode) -> Result<(), Stop> {
        let is_last = self.limits.depth == Some(node.depth);
        let view = self.view;
        for row in view.graph().nodes().kin(node.number) {
            if self.walker.flooded.scanned[row as usize] == self.walker.flooded.turn {
                continue;
            }
            if is_last {
                if self.leads_on(row)? {
                    self.frontier.push(node.number);
                    break;
                }
                continue;
            }
            self.walker.flooded.scanned[row as usize] = self.walker.flooded.turn;
            self.scan(node, row)?;
        }
        Ok(())
    }

    /// Follows the edges of one row.
    fn scan(&mut self, node: ReachedNode, row: u32) -> Result<(), Stop> {
        let view = self.view;
        let mut is_shown = false;
        for entry in view.rows(self.direction).row(row) {
            self.pace.count()?;
            if !view.admits(entry.attribute()) {
                continue;
            }
            let certainty = view.attribute(entry.attribute()).certainty;
            if !is_shown {
                is_shown = true;
                if self.show(row)? {
                    self.rows.push(ReachedNode { number: row, depth: node.depth, certainty: Certainty::Exact });
                }
            }
            let other = entry.other();
            if self.walker.flooded.reached[other as usize] != self.walker.flooded.turn {
                let certainty = node.certainty.and(certainty);
                self.reach(ReachedNode { number: other, depth: node.depth + 1, certainty })?;
            }
            self.certainty = self.certainty.and(certainty);
        }
        Ok(())
    }

    /// Puts a node that was not reached into the queue.
    fn reach(&mut self, node: ReachedNode) -> Result<(), Stop> {
        self.show(node.number)?;
        let flooded = &mut self.walker.flooded;
        if flooded.reached[node.number as usize] != flooded.turn {
            flooded.reached[node.number as usize] = flooded.turn;
            flooded.found.push(node);
        }
        Ok(())
    }

    /// Makes a node part of the answer; whether it was none before.
    fn show(&mut self, number: u32) -> Result<bool, Stop> {
        let flooded = &mut self.walker.flooded;
        let shown = &mut flooded.shown[number as usize];
        if *shown == flooded.turn {
            return Ok(false);
        }
        if self.shown == self.limits.nodes {
            return Err(Stop::Nodes);
        }
        *shown = flooded.turn;
        self.shown += 1;
        Ok(true)
    }

    /// Whether a row has an edge that passes.
    fn leads_on(&mut self, row: u32) -> Result<bool, Stop> {
        if let Some(known) = self.leads_on.get(&row) {
            return Ok(*known);
        }
        let leads_on = self.pace.leads_on(self.view, row, self.direction)?;
        self.leads_on.insert(row, leads_on);
        Ok(leads_on)
    }

    fn into_reach(self) -> Reach {
        let Flooded { turn, reached, found, .. } = &mut self.walker.flooded;
        let mut nodes = std::mem::take(found);
        nodes.extend(self.rows.iter().filter(|row| reached[row.number as usize] != *turn));
        let all = self.view.graph().nodes().len();
        let mut graph = StableDiGraph::with_capacity(nodes.len(), 0);
        if nodes.len() > all as usize / MANY {
            self.walker.begin(all);
            let epoch = self.walker.epoch;
            for (place, node) in (0..).zip(&nodes) {
                self.walker.marks[node.number as usize] = Mark { epoch, place };
            }
            for mark in self.walker.marks.iter().filter(|mark| mark.epoch == epoch) {
                graph.add_node(nodes[mark.place as usize]);
            }
        } else {
            nodes.sort_unstable_by_key(|node| node.number);
            for node in &nodes {
                graph.add_node(*node);
            }
        }
        self.walker.flooded.found = nodes;
        Reach {
            graph,
            complete: self.stopped.is_none() && self.certainty != Certainty::Opaque,
            frontier: self.frontier,
            stopped: self.stopped,
            certainty: self.certainty,
            edges_seen: self.pace.seen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::samples::facts;
    use crate::graph::{Filter, Graph, When};

    /// Everything but the edges.
    fn told(reach: &Reach) -> (Vec<ReachedNode>, bool, &[u32], Option<Stop>, Certainty, u64) {
        let Reach { complete, frontier, stopped, certainty, edges_seen, .. } = reach;
        (reach.nodes().collect(), *complete, frontier, *stopped, *certainty, *edges_seen)
    }

    #[test]
    fn a_closure_is_what_a_walk_reaches() {
        let mut walker = Walker::default();
        for seed in 0..150 {
            let graph = Graph::of(&facts(seed)).expect("a graph");
            let mask = graph.compile(&Filter { when: When::Ever, ..Filter::default() });
            let all = Limits::default();
            let limits = [
                all,
                Limits { depth: Some(1), ..all },
                Limits { depth: Some(3), ..all },
                Limits { nodes: 4, ..all },
                Limits { edges: 9, ..all },
            ];
            for start in 0..graph.nodes().len() {
                for (limits, direction) in limits
                    .iter()
                    .flat_map(|limits| [Direction::Outgoing, Direction::Incoming].map(|direction| (limits, direction)))
                {
                    let starts = [start, start / 2];
                    let reach = walker.reach(graph.view(&mask), &starts, direction, limits, || false);
                    let closure = walker.closure(graph.view(&mask), &starts, direction, limits, || false);
                    assert_eq!(told(&closure), told(&reach), "seed {seed}, from {start}, {direction:?}, {limits:?}");
                    assert_eq!(closure.graph.edge_count(), 0);
                }
            }
        }
    }
}
