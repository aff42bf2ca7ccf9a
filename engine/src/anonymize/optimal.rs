//! The generalisation that loses least: for each column the same level of its hierarchy in every row, and a few rows
//! left out (full-domain generalisation; Samarati 2001, LeFevre, DeWitt, Ramakrishnan 2005).
//!
//! Where coarser levels cannot break the requirement, a node that misses it rules out all finer ones. Where they cannot
//! lower the loss either, a node that has been evaluated rules out all coarser ones. What cannot cost less than the
//! best node so far is not evaluated. Absent: levels that differ from row to row, see `mondrian`.

#[cfg(test)]
mod tests;

use arrow::array::BooleanArray;

use super::column::{QuasiColumn, SensitiveColumn};
use super::error::{AnonymizeError, NotMet};
use super::grouping::Grouper;
use super::lattice::Lattice;
use super::loss::{Costs, Loss};
use super::requirement::Requirement;
use super::table::{Judged, Table};

/// How many combinations of levels a search evaluates at most.
pub const MAX_NODES: usize = 100_000;

/// How many combinations there may be where most of them are ruled out by others.
const MAX_RULED_OUT: usize = 4_000_000;

/// What is sought.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// What the rows that stay must satisfy.
    pub requirement: Requirement,
    /// What is to be as small as can be.
    pub loss: Loss,
    /// How many rows may be left out, as a fraction of all.
    pub suppress: f64,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Generalized {
    /// The level of each quasi identifier, in their order; see `generalize` for its texts.
    pub levels: Vec<usize>,
    /// What it costs.
    pub loss: f64,
    /// For each row, whether it has to be left out.
    pub suppressed: BooleanArray,
    /// How many have to be.
    pub suppressed_rows: u64,
    /// Groups of the rows that stay.
    pub groups: u64,
    /// Combinations of levels whose groups were made, of all that there are.
    pub evaluated: usize,
}

/// Searches the combination of levels that loses least among those that satisfy the requirement. Of equal ones it is
/// that with the lower sum of levels, then that with the lower level in the first column where they differ.
///
/// # Errors
/// If nothing satisfies it, there are too many combinations, or the columns cannot be generalised.
pub fn optimal(
    quasi: &[QuasiColumn],
    sensitive: &[SensitiveColumn],
    search: &Search,
) -> Result<Generalized, AnonymizeError> {
    if !(0.0..=1.0).contains(&search.suppress) {
        let (what, given) = ("the fraction of rows to suppress", search.suppress.to_string());
        return Err(AnonymizeError::OutOfRange { what, given, range: "from 0 to 1" });
    }
    let table = Table::new(quasi, sensitive, &search.requirement)?;
    let grows = search.requirement.grows();
    let limit = if grows { MAX_RULED_OUT } else { MAX_NODES };
    let sizes = table.columns.iter().map(|column| column.count()).collect();
    let lattice = Lattice::new(sizes, limit).map_err(|nodes| AnonymizeError::Nodes { nodes, limit })?;
    let mut walk = Walk::new(search, &table, &lattice);
    if grows {
        walk.rule_out()?
    } else {
        walk.cheapest_first()
    }
    match walk.best {
        Some(best) => Ok(walk.generalized(best)),
        None => Err(walk.not_met(quasi)),
    }
}

/// A node with its loss; the least of them is the best.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ranked {
    loss: f64,
    height: usize,
    node: usize,
}

impl Ranked {
    fn is_before(&self, other: &Self) -> bool {
        let rest = (self.height, self.node).cmp(&(other.height, other.node));
        self.loss.total_cmp(&other.loss).then(rest).is_lt()
    }
}

struct Walk<'a> {
    search: &'a Search,
    table: &'a Table,
    lattice: &'a Lattice,
    costs: Costs,
    allowed_rows: u64,
    grouper: Grouper,
    best: Option<Ranked>,
    /// Of the nodes that miss the requirement, that with the fewest rows that do.
    closest: Option<(u64, usize, usize)>,
    evaluated: usize,
}

impl<'a> Walk<'a> {
    fn new(search: &'a Search, table: &'a Table, lattice: &'a Lattice) -> Self {
        // A fraction such as 0.29 is a little less than it says.
        let allowed_rows = (search.suppress * table.rows as f64 + 1e-6).floor() as u64;
        let (costs, grouper) = (Costs::of(table), Grouper::default());
        Self { search, table, lattice, costs, allowed_rows, grouper, best: None, closest: None, evaluated: 0 }
    }

    fn judge(&mut self, node: usize) -> Judged {
        self.table.judge(&self.lattice.levels(node), &self.search.requirement, &mut self.grouper)
    }

    /// Evaluates a node, keeps it if it is the best, and says whether it satisfies the requirement.
    fn evaluate(&mut self, node: usize) -> bool {
        self.evaluated += 1;
        let judged = self.judge(node);
        let height = self.lattice.height(node);
        if judged.below_rows > self.allowed_rows || judged.kept_rows() == 0 {
            let missed = (judged.below_rows, height, node);
            self.closest = Some(self.closest.map_or(missed, |closest| closest.min(missed)));
            return false;
        }
        let loss = self.search.loss.of(&self.costs, &self.lattice.levels(node), self.table, &judged);
        let ranked = Ranked { loss, height, node };
        if self.best.is_none_or(|best| ranked.is_before(&best)) {
            self.best = Some(ranked);
        }
        true
    }

    /// What a node costs at least.
    fn at_least(&self, node: usize) -> Ranked {
        let loss = self.search.loss.at_least(&self.costs, &self.lattice.levels(node));
        Ranked { loss, height: self.lattice.height(node), node }
    }

    fn may_be_best(&self, at_least: &Ranked) -> bool {
        self.best.is_none_or(|best| at_least.is_before(&best))
    }

    /// Evaluates every node, those that may cost least first, until none that is left may cost less than the best.
    fn cheapest_first(&mut self) {
        let mut nodes: Vec<Ranked> = (0..self.lattice.nodes).map(|node| self.at_least(node)).collect();
        nodes.sort_by(|one, other| one.loss.total_cmp(&other.loss).then(one.height.cmp(&other.height)));
        for node in nodes {
            if self.may_be_best(&node) {
                self.evaluate(node.node);
            }
        }
    }

    /// Evaluates nodes that no other rules out.
    fn rule_out(&mut self) -> Result<(), AnonymizeError> {
        if !self.evaluate(self.lattice.top()) {
            return Ok(());
        }
        let monotone = self.search.loss.is_monotone(self.allowed_rows);
        let mut missed = vec![false; self.lattice.nodes];
        let mut costlier = vec![false; self.lattice.nodes];
        self.descend(&mut missed);
        let mut nodes: Vec<Ranked> =
            (0..self.lattice.nodes).map(|node| self.at_least(node)).filter(|node| self.may_be_best(node)).collect();
        nodes.sort_by_key(|node| std::cmp::Reverse((node.height, node.node)));
        for Ranked { node, .. } in nodes {
            if missed[node] || costlier[node] || !self.may_be_best(&self.at_least(node)) {
                continue;
            }
            if self.evaluated == MAX_NODES {
                return Err(AnonymizeError::Nodes { nodes: self.lattice.nodes as u128, limit: MAX_NODES });
            }
            if !self.evaluate(node) {
                self.lattice.tag_down(node, &mut missed);
            } else if monotone {
                self.lattice.tag_above(node, &mut costlier);
            }
        }
        Ok(())
    }

    /// Goes down from the coarsest levels, each time to the finer node that may cost least, for a good one to begin
    /// with.
    fn descend(&mut self, missed: &mut [bool]) {
        let mut node = self.lattice.top();
        loop {
            let mut finer: Vec<Ranked> = self.lattice.below(node).map(|node| self.at_least(node)).collect();
            finer.sort_by(|one, other| one.loss.total_cmp(&other.loss));
            let next = finer.into_iter().find(|finer| {
                if missed[finer.node] {
                    return false;
                }
                let holds = self.evaluate(finer.node);
                if !holds {
                    self.lattice.tag_down(finer.node, missed);
                }
                holds
            });
            match next {
                Some(next) => node = next.node,
                None => return,
            }
        }
    }

    fn generalized(mut self, best: Ranked) -> Generalized {
        let judged = self.judge(best.node);
        let goes = |group: &u32| !judged.kept[judged.target_of_group[*group as usize] as usize];
        Generalized {
            levels: self.lattice.levels(best.node),
            loss: best.loss,
            suppressed: self.table.group_of_row.iter().map(|group| Some(goes(group))).collect(),
            suppressed_rows: judged.below_rows,
            groups: judged.kept.iter().filter(|kept| **kept).count() as u64,
            evaluated: self.evaluated,
        }
    }

    fn not_met(mut self, quasi: &[QuasiColumn]) -> AnonymizeError {
        let node = self.closest.map_or(self.lattice.top(), |(_, _, node)| node);
        let judged = self.judge(node);
        let names = quasi.iter().map(|column| column.name.clone());
        AnonymizeError::NotMet(Box::new(NotMet {
            asked: self.search.requirement.told(),
            levels: names.zip(self.lattice.levels(node)).collect(),
            groups: judged.sizes.len() as u64,
            below_groups: judged.below_groups(),
            below_rows: judged.below_rows,
            rows: self.table.rows as u64,
            allowed_rows: self.allowed_rows,
        }))
    }
}
