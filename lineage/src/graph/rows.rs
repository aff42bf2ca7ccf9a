//! Edges in compressed sparse rows: one after another, sorted, with the start of every node's row beside them.
//!
//! Absent: what an edge means; an entry is two numbers.

use datafusion_common::arrow::buffer::ScalarBuffer;

use super::error::GraphError;

/// An edge by numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberedEdge {
    /// The node it leads from.
    pub source: u32,
    /// The node it leads to.
    pub target: u32,
    /// The place of its attribute in the dictionary.
    pub attribute: u32,
}

/// The node at the other end and the attribute in one number, so that rows sort by node and then by attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry(u64);

impl Entry {
    pub(crate) fn new(other: u32, attribute: u32) -> Self {
        Self(u64::from(other) << 32 | u64::from(attribute))
    }

    pub(crate) fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    pub(crate) fn other(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub(crate) fn attribute(self) -> u32 {
        self.0 as u32
    }
}

/// The edges of one direction.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rows {
    /// Where the row of each node begins, and at last where the last one ends.
    starts: ScalarBuffer<u32>,
    /// The rows, one after another.
    entries: ScalarBuffer<u64>,
}

impl Rows {
    /// The rows of `nodes` nodes, by source. What stands twice is kept once.
    pub(crate) fn by_source(nodes: usize, edges: &[NumberedEdge]) -> Result<Self, GraphError> {
        if i32::try_from(edges.len()).is_err() {
            return Err(GraphError::TooLarge { what: "edges" });
        }
        let mut starts = vec![0_u32; nodes + 1];
        for edge in edges {
            let row = starts.get_mut(edge.source as usize + 1);
            *row.ok_or(GraphError::Missing { what: "node", number: edge.source })? += 1;
            if edge.target as usize >= nodes {
                return Err(GraphError::Missing { what: "node", number: edge.target });
            }
        }
        sum_up(&mut starts);
        let mut entries = vec![0_u64; edges.len()];
        let mut free = starts.clone();
        for edge in edges {
            let place = &mut free[edge.source as usize];
            entries[*place as usize] = Entry::new(edge.target, edge.attribute).0;
            *place += 1;
        }
        sort_rows(&mut starts, &mut entries);
        Ok(Self { starts: starts.into(), entries: entries.into() })
    }

    /// The same edges by their other end. Going through sorted rows in order leaves the new ones sorted.
    pub(crate) fn reversed(&self) -> Self {
        let mut starts = vec![0_u32; self.starts.len()];
        for entry in &self.entries {
            starts[Entry(*entry).other() as usize + 1] += 1;
        }
        sum_up(&mut starts);
        let mut entries = vec![0_u64; self.entries.len()];
        let mut free = starts.clone();
        for node in 0..self.nodes() {
            for entry in self.row(node) {
                let place = &mut free[entry.other() as usize];
                entries[*place as usize] = Entry::new(node, entry.attribute()).0;
                *place += 1;
            }
        }
        Self { starts: starts.into(), entries: entries.into() }
    }

    /// The rows that a snapshot holds, if they are sorted rows over `nodes` nodes and `attributes` attributes.
    pub(crate) fn checked(
        starts: ScalarBuffer<u32>,
        entries: ScalarBuffer<u64>,
        nodes: usize,
        attributes: usize,
    ) -> Result<Self, &'static str> {
        let covers = starts.first() == Some(&0) && starts.last().map(|end| *end as usize) == Some(entries.len());
        if starts.len() != nodes + 1 || !covers || !starts.is_sorted() {
            return Err("its rows do not cover its edges");
        }
        let rows = Self { starts, entries };
        for node in 0..rows.nodes() {
            if !rows.raw(node).is_sorted_by(|one, other| one < other) {
                return Err("a row is not sorted");
            }
        }
        let holds = |entry: &u64| {
            let entry = Entry(*entry);
            (entry.other() as usize) < nodes && (entry.attribute() as usize) < attributes
        };
        if rows.entries.iter().all(holds) { Ok(rows) } else { Err("an edge leads nowhere") }
    }

    /// How many nodes have a row.
    pub(crate) fn nodes(&self) -> u32 {
        self.starts.len().saturating_sub(1) as u32
    }

    /// How many edges there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The row of a node, sorted.
    pub(crate) fn row(&self, node: u32) -> impl ExactSizeIterator<Item = Entry> + Clone + '_ {
        self.raw(node).iter().map(|entry| Entry(*entry))
    }

    /// The place of an edge among all.
    pub(crate) fn place(&self, node: u32, entry: Entry) -> Option<usize> {
        let at = self.raw(node).binary_search(&entry.0).ok()?;
        Some(self.starts[node as usize] as usize + at)
    }

    /// The edge at a place of rows by source.
    pub(crate) fn at(&self, place: usize) -> NumberedEdge {
        let entry = Entry(self.entries[place]);
        let source = self.starts.partition_point(|start| *start as usize <= place) - 1;
        NumberedEdge { source: source as u32, target: entry.other(), attribute: entry.attribute() }
    }

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.starts) + size_of_val(&*self.entries)
    }

    pub(crate) fn starts(&self) -> &ScalarBuffer<u32> {
        &self.starts
    }

    pub(crate) fn entries(&self) -> &ScalarBuffer<u64> {
        &self.entries
    }

    /// The row of a node as numbers.
    pub(crate) fn raw(&self, node: u32) -> &[u64] {
        let node = node as usize;
        &self.entries[self.starts[node] as usize..self.starts[node + 1] as usize]
    }
}

/// Turns counts, one place late, into starts.
fn sum_up(starts: &mut [u32]) {
    let mut sum = 0;
    for start in starts {
        sum += *start;
        *start = sum;
    }
}

/// Sorts every row and closes up where something stood twice.
fn sort_rows(starts: &mut [u32], entries: &mut Vec<u64>) {
    let (mut from, mut kept) = (0, 0);
    for start in starts.iter_mut().skip(1) {
        let to = *start as usize;
        entries[from..to].sort_unstable();
        let row = kept;
        for at in from..to {
            let entry = entries[at];
            if kept == row || entries[kept - 1] != entry {
                entries[kept] = entry;
                kept += 1;
            }
        }
        from = to;
        *start = u32::try_from(kept).unwrap_or(*start);
    }
    entries.truncate(kept);
    entries.shrink_to_fit();
}
