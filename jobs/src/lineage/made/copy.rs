//! Of jobs of the kind `anonymize`: what a copy has of its source, and in which form.
//!
//! A commit names this, and only a copy that measured what it must is committed: so no form is claimed of rows that
//! nobody may see (ANO-1).

use ::lineage::{DatasetKind, Operation};
use engine::LogicalPlan;
use schemas::AnonymizePolicy;

use super::super::naming::Naming;
use super::{Made, follow};
use crate::lake::OpenLake;

/// What the plan of a copy reads, and what comes into its dataset.
pub(crate) fn of_copy(lake: &OpenLake, policy: &AnonymizePolicy, plan: &LogicalPlan) -> Made {
    let naming = Naming::of(&lake.definitions);
    let mut made = Made::default();
    made.traced(naming.own(policy.to.as_str()), DatasetKind::Table, &follow(plan, &naming));
    made.operations.insert(Operation::Anonymization);
    made.operations.remove(&Operation::Transformation);
    made
}
