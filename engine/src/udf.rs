//! SQL functions of our own: deadlines and days as people count them, quantiles of durations. Every session has them.
//!
//! They are immutable: zones and rules are part of the program, and the instant of a question is an argument. Absent:
//! anything that reads a clock.

mod ack_due_at;
mod business_days_between;
mod days_between;
mod due_at;
mod latency_sketch;
mod pauses_ignored;
mod row_function;
mod sketch_quantile;

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

use row_function::RowFunction;

/// Adds the functions to a session.
///
/// # Errors
/// When the session does not take them.
pub(crate) fn register(state: &mut SessionState) -> Result<()> {
    let functions: [fn() -> RowFunction; 7] = [
        ack_due_at::function,
        business_days_between::function,
        days_between::function,
        due_at::function,
        pauses_ignored::function,
        sketch_quantile::sketch_count,
        sketch_quantile::sketch_quantile,
    ];
    for function in functions {
        state.register_udf(Arc::new(ScalarUDF::new_from_impl(function())))?;
    }
    for aggregate in [latency_sketch::latency_sketch(), latency_sketch::sketch_merge()] {
        state.register_udaf(Arc::new(AggregateUDF::new_from_impl(aggregate)))?;
    }
    Ok(())
}
