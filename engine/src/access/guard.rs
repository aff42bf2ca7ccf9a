//! A check of every plan of a principal: it reads views of its own session and nothing else.
//!
//! The views are what enforces; this finds a way around them that nobody thought of, and fails.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::catalog::empty::EmptyTable;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::config::ConfigOptions;
use datafusion::datasource::source_as_provider;
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_table::generate_series::GenerateSeriesTable;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::AnalyzerRule;

use super::view::PrincipalView;
use crate::error::EngineError;

/// The first of the analyzer's rules: it sees a plan as it was planned.
#[derive(Debug)]
pub(crate) struct PolicyGuard {
    owner: Arc<()>,
}

impl PolicyGuard {
    pub(crate) fn new(owner: Arc<()>) -> Self {
        Self { owner }
    }

    /// Refuses a plan that reads, or does, anything else.
    pub(crate) fn check(&self, plan: &LogicalPlan) -> Result<()> {
        plan.apply_with_subqueries(|node| {
            match node {
                LogicalPlan::TableScan(scan) => {
                    let table = source_as_provider(&scan.source)?;
                    if !self.may_read(table.as_ref()) {
                        return Err(refused(&format!("the plan reads \"{}\" itself", scan.table_name)));
                    }
                }
                LogicalPlan::Ddl(_)
                | LogicalPlan::Dml(_)
                | LogicalPlan::Copy(_)
                | LogicalPlan::Statement(_)
                | LogicalPlan::Analyze(_)
                | LogicalPlan::Extension(_) => return Err(refused("the plan does more than read")),
                _ => {}
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(())
    }

    fn may_read(&self, table: &dyn TableProvider) -> bool {
        let table: &dyn std::any::Any = table;
        if let Some(view) = table.downcast_ref::<PrincipalView>() {
            return view.belongs_to(&self.owner);
        }
        // Descriptions of the catalog, and rows that a statement makes itself.
        let is_description = table.is::<StreamingTable>() || table.is::<EmptyTable>();
        is_description || table.is::<GenerateSeriesTable>() || table.is::<CteWorkTable>()
    }
}

impl AnalyzerRule for PolicyGuard {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        self.check(&plan)?;
        Ok(plan)
    }

    fn name(&self) -> &'static str {
        "policy_guard"
    }
}

fn refused(what: &str) -> DataFusionError {
    let what = format!("policy_guard: {what} past the views of the principal");
    DataFusionError::External(Box::new(EngineError::Bug { what }))
}
