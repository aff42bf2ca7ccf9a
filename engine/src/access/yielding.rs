//! What makes many rows of few gives way between batches.
//!
//! A leaf of a plan counts its batches against the budget of its task, and the task pauses when that is used up. A join of
//! two short tables reads few batches and makes many: whoever waits for the end of its seconds, or wants it stopped, would
//! wait for all of them.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::unnest::UnnestExec;

/// Counts the batches of joins and of unnested lists, too; the last of a principal's rules.
#[derive(Debug)]
pub(crate) struct Yielding;

impl PhysicalOptimizerRule for Yielding {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let makes_more = node.children().len() > 1 || node.downcast_ref::<UnnestExec>().is_some();
            Ok(if makes_more {
                Transformed::yes(Arc::new(CooperativeExec::new(node)) as _)
            } else {
                Transformed::no(node)
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "yielding"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
