//! Which groupings of a statement can be folded from states of files, and why others cannot.
//!
//! What is not plainly allowed is refused: an answer that differs by one row is worse than one that comes later. A grouping
//! can be folded when it is the lowest of its branch, stands on one dataset through filters and projections alone, and all of
//! its aggregates have states that merge. What stands above it is computed anew every time and may be anything.

mod aggregates;
mod below;

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Aggregate, Distinct, Expr, LogicalPlan};

use super::bounds::Bound;
use super::fingerprint::{Fingerprint, surroundings};
use crate::error::EngineError;
use crate::lake_session::LakeSession;

pub(crate) use aggregates::Rule;
use aggregates::judged;
use below::Below;

/// Why a statement is computed in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// What cannot be folded: an aggregate, a table, a condition.
    pub(crate) what: String,
    /// Why, and what to write instead.
    pub(crate) why: String,
}

/// One aggregate of a grouping, and how exact its fold is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    /// The aggregate as the statement has it.
    pub(crate) aggregate: String,
    /// How exact.
    pub(crate) rule: Rule,
}

/// A grouping that can be folded from states.
#[derive(Debug, Clone)]
pub(crate) struct Grouping {
    /// The grouping as it stands in the optimised plan.
    pub(super) aggregate: LogicalPlan,
    /// The same without bounds of time: what a kept state is the rows of.
    pub(super) unbounded: LogicalPlan,
    /// The bounds that were taken off.
    pub(super) bounds: Vec<Bound>,
    /// The dataset below.
    pub(super) dataset: String,
    /// What its states depend on beside their files.
    pub(super) fingerprint: Fingerprint,
    /// Its aggregates.
    pub(super) judged: Vec<Judged>,
}

impl Grouping {
    /// Whether an aggregate holds distinct values, which have no order.
    pub(super) fn has_distinct(&self) -> bool {
        let mut found = false;
        let expressions = self.aggregate.expressions();
        let walked = expressions.iter().try_for_each(|expr| {
            expr.apply(|part| {
                found |= matches!(part, Expr::AggregateFunction(function) if function.params.distinct);
                Ok(TreeNodeRecursion::Continue)
            })
            .map(drop)
        });
        found || walked.is_err()
    }
}

/// The lowest groupings of an optimised plan, if all of them can be folded.
///
/// # Errors
/// When the plan cannot be walked, which is a bug.
pub(super) fn groupings(
    session: &LakeSession,
    optimized: &LogicalPlan,
) -> Result<Result<Vec<Grouping>, Refused>, EngineError> {
    let lowest = lowest(optimized)?;
    if lowest.is_empty() {
        let (what, why) = ("the statement", "it groups no rows; states are kept of groupings alone");
        return Ok(Err(Refused { what: what.to_owned(), why: why.to_owned() }));
    }
    let mut found = Vec::new();
    for aggregate in &lowest {
        match grouping(session, aggregate)? {
            Ok(grouping) => found.push(grouping),
            Err(refused) => return Ok(Err(refused)),
        }
    }
    Ok(Ok(found))
}

/// The groupings that no other stands below, in the order of the plan.
fn lowest(plan: &LogicalPlan) -> Result<Vec<LogicalPlan>, EngineError> {
    let mut found = Vec::new();
    let walked = plan.apply_with_subqueries(|node| {
        if is_grouping(node) && !has_grouping_below(node) {
            found.push(node.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map(|_| found).map_err(|source| EngineError::sql("planned", source))
}

fn is_grouping(node: &LogicalPlan) -> bool {
    matches!(node, LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(Distinct::All(_)))
}

fn has_grouping_below(node: &LogicalPlan) -> bool {
    node.inputs().into_iter().any(|input| {
        let mut found = false;
        let walked = input.apply_with_subqueries(|node| {
            found |= is_grouping(node);
            Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        });
        found || walked.is_err()
    })
}

fn grouping(session: &LakeSession, plan: &LogicalPlan) -> Result<Result<Grouping, Refused>, EngineError> {
    let LogicalPlan::Aggregate(aggregate) = plan else {
        return Ok(Err(Refused {
            what: "DISTINCT".to_owned(),
            why: "the plan has it in a form that no state is kept of; write GROUP BY".to_owned(),
        }));
    };
    let judged = match judged(aggregate) {
        Ok(judged) => judged,
        Err(refused) => return Ok(Err(refused)),
    };
    let below = match Below::of(session, &aggregate.input)? {
        Ok(below) => below,
        Err(refused) => return Ok(Err(refused)),
    };
    let mut parts = surroundings(options(session));
    parts.extend(below.parts);
    let expressions: Vec<_> = aggregate.group_expr.iter().chain(&aggregate.aggr_expr).cloned().collect();
    parts.push(super::fingerprint::node(&format!("aggregate by {}", aggregate.group_expr.len()), &expressions)?);
    let columns =
        aggregate.schema.fields().iter().map(|field| format!("{} {}", field.data_type(), field.is_nullable()));
    parts.push(format!("gives {:?}", columns.collect::<Vec<_>>()));
    let unbounded = Aggregate::try_new_with_schema(
        Arc::new(below.unbounded),
        aggregate.group_expr.clone(),
        aggregate.aggr_expr.clone(),
        Arc::clone(&aggregate.schema),
    );
    Ok(Ok(Grouping {
        aggregate: plan.clone(),
        unbounded: LogicalPlan::Aggregate(unbounded.map_err(|source| EngineError::sql("planned", source))?),
        bounds: below.bounds,
        dataset: below.dataset,
        fingerprint: Fingerprint::of(parts),
        judged,
    }))
}

fn options(session: &LakeSession) -> impl Iterator<Item = (String, Option<String>)> {
    session.state.config_options().entries().into_iter().map(|entry| (entry.key, entry.value))
}

/// Why states of these two plans of one statement at two instants are not the same, if they are not.
pub(super) fn moved(now: &[Grouping], later: &[Grouping]) -> Option<Refused> {
    if now.len() != later.len() {
        return Some(Refused {
            what: "the statement".to_owned(),
            why: "it has other groupings at another instant; keep $start, $end and now() out of what decides that"
                .to_owned(),
        });
    }
    now.iter().zip(later).find_map(|(now, later)| {
        let (one, other) = now.fingerprint.first_difference(&later.fingerprint)?;
        Some(Refused {
            what: differing(one, other),
            why: "it is another one at each instant, so no state could be used again; compare the time column itself with \
                  $start and $end, or use them above the grouping"
                .to_owned(),
        })
    })
}

/// The line of a node that differs, which holds the expression.
fn differing(one: &str, other: &str) -> String {
    let lines = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    lines.map_or_else(|| one.to_owned(), |(one, _)| one.to_owned())
}
