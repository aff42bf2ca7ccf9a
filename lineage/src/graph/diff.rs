//! What changed between two views of one graph, for example two instants: a merge of their sorted edges.

use std::cmp::Ordering;
use std::iter::Peekable;

use petgraph::Direction;

use super::rows::{Entry, NumberedEdge};
use super::view::View;

/// What happened to an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is in the later view alone.
    Added,
    /// It is in the earlier view alone.
    Removed,
}

impl Change {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
        }
    }
}

/// An edge that is in one of two views. One that says something else of the same nodes is removed and added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// The edge.
    pub edge: NumberedEdge,
    /// What happened to it.
    pub change: Change,
}

impl View<'_> {
    /// What is different in `later`, a view of the same graph, by source and target. An edge that was closed and came
    /// back as it was is no difference.
    pub fn diff(self, later: Self) -> Vec<Changed> {
        let mut changes = Vec::new();
        for source in 0..self.graph().nodes().len() {
            let earlier = self.row(source, Direction::Outgoing).peekable();
            let later = later.row(source, Direction::Outgoing).peekable();
            self.merge(source, earlier, later, &mut changes);
        }
        changes
    }

    fn merge(
        self,
        source: u32,
        mut earlier: Peekable<impl Iterator<Item = Entry>>,
        mut later: Peekable<impl Iterator<Item = Entry>>,
        changes: &mut Vec<Changed>,
    ) {
        // Attributes are sorted by what they mean before the time in which they held, so rows are sorted by meaning.
        let compare = |one: &Entry, other: &Entry| {
            let meanings = (self.attribute(one.attribute()), self.attribute(other.attribute()));
            one.other().cmp(&other.other()).then_with(|| meanings.0.compare_meaning(meanings.1))
        };
        let mut last: Option<Entry> = None;
        loop {
            let order = match (earlier.peek(), later.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => compare(one, other),
            };
            let (entry, change) = match order {
                Ordering::Less => (earlier.next(), Some(Change::Removed)),
                Ordering::Greater => (later.next(), Some(Change::Added)),
                Ordering::Equal => {
                    earlier.next();
                    (later.next(), None)
                }
            };
            let Some(entry) = entry else { break };
            // Two intervals of one meaning are one edge to a reader.
            let is_again = last.is_some_and(|last| compare(&last, &entry).is_eq());
            if let Some(change) = change.filter(|_| !is_again) {
                let edge = NumberedEdge { source, target: entry.other(), attribute: entry.attribute() };
                changes.push(Changed { edge, change });
            }
            last = Some(entry);
        }
    }
}
