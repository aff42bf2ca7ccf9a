//! The plan of a statement as a principal may see it: down to the views, and not into them.

use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, lit};

use crate::error::EngineError;

/// One row, `plan_type` and `plan`, as `EXPLAIN` gives them.
///
/// # Errors
/// When no plan can be made of it.
pub(crate) fn explained(optimized: &LogicalPlan) -> Result<LogicalPlan, EngineError> {
    let text = optimized.display_indent().to_string();
    let made = LogicalPlanBuilder::values(vec![vec![lit("logical_plan"), lit(text)]]).and_then(|rows| {
        let names = ["plan_type", "plan"];
        let columns = rows.schema().columns();
        let named = columns
            .into_iter()
            .zip(names)
            .map(|(column, name)| datafusion::logical_expr::Expr::Column(column).alias(name));
        rows.project(named)?.build()
    });
    made.map_err(|source| EngineError::sql("planned", source))
}
