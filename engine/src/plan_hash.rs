//! What a plan is, as one hash: the same statement over other files has the same.

use datafusion::logical_expr::LogicalPlan;
use sha2::{Digest, Sha256};

const PLANNER: &str = concat!("auditlake ", env!("CARGO_PKG_VERSION"));

/// SHA-256 over optimised plans, which name no files, and the versions of what planned them.
pub(crate) fn plan_hash<'a>(plans: impl IntoIterator<Item = &'a LogicalPlan>) -> [u8; 32] {
    let shown: Vec<String> = plans.into_iter().map(|plan| plan.display_indent().to_string()).collect();
    Sha256::digest(format!("{PLANNER} datafusion {}\n{}", datafusion::DATAFUSION_VERSION, shown.join("\n"))).into()
}

/// The same in hex.
pub fn plan_sha256<'a>(plans: impl IntoIterator<Item = &'a LogicalPlan>) -> String {
    crate::hex(&plan_hash(plans))
}
