//! How far a running statement has come.

use std::sync::Arc;

use datafusion::physical_plan::ExecutionPlan;

/// Counts the rows that the scans of a running plan have given so far.
#[derive(Debug, Clone)]
pub struct RowsRead {
    plan: Arc<dyn ExecutionPlan>,
}

impl RowsRead {
    pub(crate) fn of(plan: &Arc<dyn ExecutionPlan>) -> Self {
        Self { plan: Arc::clone(plan) }
    }

    /// Rows until this moment.
    pub fn so_far(&self) -> u64 {
        of_scans(self.plan.as_ref())
    }
}

fn of_scans(plan: &dyn ExecutionPlan) -> u64 {
    let below = plan.children();
    if below.is_empty() {
        return plan.metrics().and_then(|metrics| metrics.output_rows()).unwrap_or_default() as u64;
    }
    below.into_iter().map(|plan| of_scans(plan.as_ref())).sum()
}
