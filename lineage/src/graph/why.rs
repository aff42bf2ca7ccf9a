//! Why one node depends on another: one shortest way, step by step.

use petgraph::Direction;
use schemas::Certainty;

use super::rows::NumberedEdge;
use super::view::View;
use super::walk::{Limits, Stop, Walk, Walker};

/// One step of a way: an edge. The next step may begin at a dataset that holds this one's end, or at a column of it.
pub type Step = NumberedEdge;

/// Why one node depends on another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The steps of one shortest way, sources first; none if no way was found.
    pub steps: Option<Vec<Step>>,
    /// Whether a way that exists would have been found.
    pub complete: bool,
    /// Why the search stopped early.
    pub stopped: Option<Stop>,
    /// The weakest certainty of the steps, or of all that was searched if no way was found.
    pub certainty: Certainty,
}

impl Walker {
    /// One shortest way from `source` to `target`, or to what holds it or is held by it. Of several ways it is always
    /// the same one.
    pub fn why(
        &mut self,
        view: View<'_>,
        source: u32,
        target: u32,
        limits: &Limits,
        is_asked_to_stop: impl FnMut() -> bool,
    ) -> Why {
        let mut goals: Vec<u32> = view.graph().nodes().kin(target).collect();
        goals.sort_unstable();
        let mut walk = Walk::new(self, view, Direction::Outgoing, limits, is_asked_to_stop);
        walk.run(&[source], &goals);
        let Some(hit) = walk.hit else {
            let (complete, stopped, certainty) = (walk.is_complete(), walk.stopped, walk.certainty());
            return Why { steps: None, complete, stopped, certainty };
        };
        let mut steps = Vec::new();
        let mut certainty = Certainty::Exact;
        let mut place = hit;
        while let Some((from, edge)) = walk.found[place as usize].via {
            certainty = certainty.and(view.attribute(edge.attribute).certainty);
            steps.push(edge);
            place = from;
        }
        steps.reverse();
        Why { steps: Some(steps), complete: true, stopped: None, certainty }
    }
}
