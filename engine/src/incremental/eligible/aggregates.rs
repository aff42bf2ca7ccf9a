//! Which aggregates have states that merge, and how exactly.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{Aggregate, Expr, ExprSchemable, GroupingSet};

use super::below::is_allowed;
use super::{Judged, Refused};

/// How the fold of an aggregate compares with the plain statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Value for value.
    Exact,
    /// The same bits each time, and up to the rounding of floating-point numbers those of the plain statement.
    Inexact,
}

/// Floating-point sums of products and squares.
const MOMENTS: [&str; 17] = [
    "stddev",
    "stddev_pop",
    "var",
    "var_pop",
    "covar_samp",
    "covar_pop",
    "corr",
    "regr_slope",
    "regr_intercept",
    "regr_count",
    "regr_r2",
    "regr_avgx",
    "regr_avgy",
    "regr_sxx",
    "regr_syy",
    "regr_sxy",
    "var_samp",
];
/// Aggregates of all values, whose state is the data.
const WHOLE: [&str; 6] = ["median", "percentile_cont", "array_agg", "string_agg", "nth_value", "quantile_cont"];
/// Sketches whose answer depends on how they are merged.
const DIGESTS: [&str; 3] = ["approx_percentile_cont", "approx_percentile_cont_with_weight", "approx_median"];
/// What depends on which row is read first.
const FIRST: [&str; 3] = ["first_value", "last_value", "any_value"];

/// The aggregates of a grouping, if all of them and its keys are allowed.
pub(super) fn judged(aggregate: &Aggregate) -> Result<Vec<Judged>, Refused> {
    let schema = aggregate.input.schema();
    for key in keys(&aggregate.group_expr) {
        let kind = key.get_type(schema).ok();
        if !is_allowed(key) || !kind.as_ref().is_some_and(is_key) {
            let kind = kind.map_or_else(|| "a value".to_owned(), |kind| kind.to_string());
            let why = format!(
                "rows are grouped by {kind}, of which no state is kept; group by text, whole numbers, decimals or times"
            );
            return Err(Refused { what: key.to_string(), why });
        }
    }
    aggregate.aggr_expr.iter().map(|expr| one(expr, schema)).collect()
}

fn keys(expressions: &[Expr]) -> Vec<&Expr> {
    let of = |expr| match expr {
        &Expr::GroupingSet(GroupingSet::Rollup(ref keys) | GroupingSet::Cube(ref keys)) => keys.iter().collect(),
        Expr::GroupingSet(GroupingSet::GroupingSets(sets)) => sets.iter().flatten().collect(),
        key => vec![key],
    };
    expressions.iter().flat_map(of).collect()
}

fn one(expr: &Expr, schema: &DFSchema) -> Result<Judged, Refused> {
    // The optimizer has a literal in the place of the star.
    let aggregate = expr.schema_name().to_string().replace("count(Int64(1))", "count(*)");
    let refused = |why: String| Refused { what: expr.schema_name().to_string(), why };
    let mut inner = expr;
    while let Expr::Alias(alias) = inner {
        inner = &alias.expr;
    }
    let Expr::AggregateFunction(function) = inner else {
        return Err(refused("it is no aggregate that a state can be kept of".to_owned()));
    };
    let params = &function.params;
    if !params.args.iter().chain(params.filter.as_deref()).all(is_allowed) {
        return Err(refused(
            "its arguments are more than expressions over one row that mean the same each time".to_owned(),
        ));
    }
    let kinds: Result<Vec<DataType>, _> = params.args.iter().map(|arg| arg.get_type(schema)).collect();
    let kinds = kinds.map_err(|error| refused(error.to_string()))?;
    let rule = rule(function, &kinds).map_err(refused)?;
    if !params.order_by.is_empty() || params.null_treatment.is_some() {
        return Err(refused(
            "it says in which order values come, and states do not keep that; leave it out".to_owned(),
        ));
    }
    Ok(Judged { aggregate, rule })
}

fn rule(function: &AggregateFunction, kinds: &[DataType]) -> Result<Rule, String> {
    let name = function.func.name();
    let of = kinds.first();
    let is = |test: fn(&DataType) -> bool| of.is_some_and(test) && kinds.len() == 1;
    if function.params.distinct && !matches!(name, "min" | "max" | "bool_and" | "bool_or") {
        return match name {
            "count" if is(is_key) => Ok(Rule::Exact),
            "count" => {
                Err("distinct values of this type are not kept; count those of one column of text or whole numbers"
                    .to_owned())
            }
            _ => Err("its distinct values would be the state; group by them first, or leave DISTINCT out".to_owned()),
        };
    }
    match name {
        "count" => Ok(Rule::Exact),
        "sum" if is(|kind| kind.is_integer() || kind.is_decimal()) => Ok(Rule::Exact),
        "sum" | "avg" if is(DataType::is_floating) => Ok(Rule::Inexact),
        "avg" if is(DataType::is_decimal) => Ok(Rule::Exact),
        "min" | "max" if is(is_key) => Ok(Rule::Exact),
        // Which of two zeros, or of a number and none, is told depends on what came first.
        "min" | "max" if is(DataType::is_floating) => Ok(Rule::Inexact),
        "bool_and" | "bool_or" if is(|kind| *kind == DataType::Boolean) => Ok(Rule::Exact),
        "bit_and" | "bit_or" | "bit_xor" if is(DataType::is_integer) => Ok(Rule::Exact),
        "approx_distinct" if is(is_key) => Ok(Rule::Exact),
        "latency_sketch" | "sketch_merge" => Ok(Rule::Exact),
        _ if MOMENTS.contains(&name) && kinds.iter().all(DataType::is_floating) => Ok(Rule::Inexact),
        _ if DIGESTS.contains(&name) => {
            Err("how its sketches are merged changes the answer; take latency_sketch and sketch_quantile, or a job of its own".to_owned())
        }
        _ if WHOLE.contains(&name) => Err("its state is all of its values; compute it in a job of its own".to_owned()),
        _ if FIRST.contains(&name) => {
            Err("the answer depends on what is read first; take min or max of what it should be by".to_owned())
        }
        "sum" | "avg" | "min" | "max" | "bit_and" | "bit_or" | "bit_xor" | "approx_distinct" => {
            let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
            Err(format!("no state is kept of it over {}; cast it to a number or a text", kinds.join(", ")))
        }
        _ => Err(format!("{name} is not known to merge; compute it in a job of its own")),
    }
}

/// Types that a state has as they are and that are equal only when their bits are.
fn is_key(kind: &DataType) -> bool {
    kind.is_integer()
        || matches!(
            kind,
            DataType::Boolean
                | DataType::Decimal128(..)
                | DataType::Decimal256(..)
                | DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Binary
                | DataType::LargeBinary
                | DataType::BinaryView
                | DataType::FixedSizeBinary(_)
                | DataType::Date32
                | DataType::Time64(_)
                | DataType::Timestamp(..)
        )
}
