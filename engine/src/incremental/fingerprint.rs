//! What a state depends on beside the bytes of its file, as one hash.
//!
//! Every part is told with its length, so no two lists of parts have one text. Whatever is left out of it here is what two
//! runs may differ in and still have the same states: how many threads and how much memory there are, and the bounds of time.

use std::fmt;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, GroupingSet, LogicalPlan};
use sha2::{Digest, Sha256};

use crate::error::EngineError;
use crate::hex;

/// Format of states.
const FORMAT: u32 = 1;
/// Raised when a bug in our scans is fixed that got into states.
const STATES_EPOCH: u32 = 1;
/// Hex digits of a fingerprint.
const DIGITS: usize = 32;
/// Options of a session that change how long a statement takes, and none of its rows.
const WIDTHS: [&str; 5] = [
    "datafusion.execution.target_partitions",
    "datafusion.execution.planning_concurrency",
    "datafusion.execution.sort_spill_reservation_bytes",
    "datafusion.execution.sort_in_place_threshold_bytes",
    "datafusion.runtime.memory_limit",
];

/// What a state depends on beside the bytes of its file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fingerprint {
    parts: Vec<String>,
    hash: String,
}

impl Fingerprint {
    /// Of parts in this order.
    pub(super) fn of(parts: Vec<String>) -> Self {
        let mut hash = Sha256::new();
        hash.update((parts.len() as u64).to_be_bytes());
        for part in &parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut hash = hex(&hash.finalize());
        hash.truncate(DIGITS);
        Self { parts, hash }
    }

    /// 32 hex digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.hash
    }

    /// What was hashed, to be read by people. Literals of the statement are in it.
    pub(super) fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The first part that another fingerprint has otherwise: in this one and in the other.
    pub(super) fn first_difference<'a>(&'a self, other: &'a Self) -> Option<(&'a str, &'a str)> {
        let mine = self.parts.iter().map(String::as_str).chain(std::iter::repeat(""));
        let theirs = other.parts.iter().map(String::as_str).chain(std::iter::repeat(""));
        mine.zip(theirs).take(self.parts.len().max(other.parts.len())).find(|(mine, theirs)| mine != theirs)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hash)
    }
}

/// Versions and options, which every fingerprint has.
pub(super) fn surroundings(options: impl Iterator<Item = (String, Option<String>)>) -> Vec<String> {
    let mut parts = vec![
        format!("format {FORMAT}, epoch {STATES_EPOCH}"),
        format!("auditlake {}", env!("CARGO_PKG_VERSION")),
        format!("datafusion {}", datafusion::DATAFUSION_VERSION),
        format!("arrow {}", arrow::ARROW_VERSION),
    ];
    let mut options: Vec<String> = options
        .filter(|(key, _)| !WIDTHS.contains(&key.as_str()))
        .map(|(key, value)| format!("option {key} = {value:?}"))
        .collect();
    options.sort();
    parts.extend(options);
    parts
}

/// A node of a plan with its expressions, without what stands below it.
///
/// # Errors
/// When an expression is of a kind that no state can have: that is asked before.
pub(super) fn node(kind: &str, expressions: &[Expr]) -> Result<String, EngineError> {
    let mut text = format!("{kind} {}", expressions.len());
    for expression in expressions {
        text.push('\n');
        write(expression, &mut text)?;
    }
    Ok(text)
}

/// An expression, its parts before and its arguments after it, each with how many they are.
fn write(expression: &Expr, text: &mut String) -> Result<(), EngineError> {
    let own = match expression {
        Expr::Alias(alias) => format!("alias {}", told(&alias.name)),
        Expr::Column(column) => {
            let relation = column.relation.as_ref().map(ToString::to_string);
            format!("column {} {}", told(&relation.unwrap_or_default()), told(&column.name))
        }
        Expr::Literal(value, _) => {
            format!("literal {} {}", told(&value.data_type().to_string()), told(&format!("{value:?}")))
        }
        Expr::BinaryExpr(binary) => format!("binary {:?}", binary.op),
        Expr::Like(like) | Expr::SimilarTo(like) => {
            format!("like {} {:?} {}", like.negated, like.escape_char, like.case_insensitive)
        }
        Expr::Between(between) => format!("between {}", between.negated),
        Expr::InList(list) => format!("in {} {}", list.negated, list.list.len()),
        Expr::Case(case) => {
            format!("case {} {} {}", case.expr.is_some(), case.when_then_expr.len(), case.else_expr.is_some())
        }
        Expr::Cast(cast) => format!("cast {}", told(&format!("{:?}", cast.field))),
        Expr::TryCast(cast) => format!("try_cast {}", told(&format!("{:?}", cast.field))),
        Expr::ScalarFunction(function) => format!("function {}", told(function.name())),
        Expr::AggregateFunction(function) => format!(
            "aggregate {} {} {} {} {:?}",
            told(function.func.name()),
            function.params.args.len(),
            function.params.distinct,
            function.params.filter.is_some(),
            function.params.order_by.iter().map(|sort| (sort.asc, sort.nulls_first)).collect::<Vec<_>>()
        ),
        Expr::GroupingSet(set) => match set {
            GroupingSet::Rollup(_) => "rollup".to_owned(),
            GroupingSet::Cube(_) => "cube".to_owned(),
            GroupingSet::GroupingSets(sets) => format!("sets {:?}", sets.iter().map(Vec::len).collect::<Vec<_>>()),
        },
        // Of these the kind says all there is to say beside their argument.
        Expr::Not(_)
        | Expr::IsNotNull(_)
        | Expr::IsNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_)
        | Expr::Negative(_) => expression.variant_name().to_owned(),
        other => {
            return Err(EngineError::Bug {
                what: format!("an expression {} is in a fingerprint", other.variant_name()),
            });
        }
    };
    let like = if matches!(expression, Expr::SimilarTo(_)) { "similar " } else { "" };
    let mut children = Vec::new();
    let walked = expression.apply_children(|child| {
        children.push(child.clone());
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map_err(|source| EngineError::sql("planned", source))?;
    text.push_str(&format!("({like}{own} {}", children.len()));
    for child in &children {
        text.push(' ');
        write(child, text)?;
    }
    text.push(')');
    Ok(())
}

/// A text with its length.
fn told(text: &str) -> String {
    format!("{}:{text}", text.len())
}

/// The kind of a node, as in a plan that is shown.
pub(super) fn kind(plan: &LogicalPlan) -> &'static str {
    match plan {
        LogicalPlan::Projection(_) => "projection",
        LogicalPlan::Filter(_) => "filter",
        LogicalPlan::SubqueryAlias(_) => "alias",
        LogicalPlan::TableScan(_) => "scan",
        LogicalPlan::Aggregate(_) => "aggregate",
        _ => "other",
    }
}

#[cfg(test)]
mod tests;
