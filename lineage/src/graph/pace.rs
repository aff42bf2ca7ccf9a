//! How far a walk may go on: edges are counted, and the caller is asked from time to time.

use petgraph::Direction;

use super::view::View;
use super::walk::{Limits, Stop};

/// How many edges pass between two times at which the caller is asked.
const ASK_EVERY: u64 = 1 << 14;

/// The edges that a walk has looked at, and who may stop it.
pub(super) struct Pace<A> {
    /// How many there were.
    pub(super) seen: u64,
    edges_max: u64,
    pause_at: u64,
    is_asked_to_stop: A,
}

impl<A: FnMut() -> bool> Pace<A> {
    pub(super) fn new(limits: &Limits, is_asked_to_stop: A) -> Self {
        Self { seen: 0, edges_max: limits.edges, pause_at: ASK_EVERY.min(limits.edges), is_asked_to_stop }
    }

    /// Counts an edge that is about to be looked at.
    pub(super) fn count(&mut self) -> Result<(), Stop> {
        if self.seen == self.pause_at {
            if self.seen == self.edges_max {
                return Err(Stop::Edges);
            }
            if (self.is_asked_to_stop)() {
                return Err(Stop::Asked);
            }
            self.pause_at = (self.seen + ASK_EVERY).min(self.edges_max);
        }
        self.seen += 1;
        Ok(())
    }

    /// Whether a row has an edge that passes.
    pub(super) fn leads_on(&mut self, view: View<'_>, row: u32, direction: Direction) -> Result<bool, Stop> {
        for entry in view.rows(direction).row(row) {
            self.count()?;
            if view.admits(entry.attribute()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
