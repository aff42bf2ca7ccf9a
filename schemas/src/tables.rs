//! The tables that ship, one file each.

mod alert;
mod audit;
mod consent;
mod control_result;
mod correction;
mod dsr;
mod exclusion;
mod finding;
mod identity;
mod inferred;
mod invoice;
mod metric;
mod policy_ack;
mod probe;
mod rejected;
mod request;
mod risk;
mod sla_result;
mod ticket;
mod usage;
mod usage_result;

pub use alert::ALERT;
pub use audit::AUDIT;
pub use consent::CONSENT;
pub use control_result::CONTROL_RESULT;
pub use correction::CORRECTION;
pub use dsr::DSR;
pub use exclusion::EXCLUSION;
pub use finding::FINDING;
pub use identity::IDENTITY;
pub use inferred::INFERRED;
pub use invoice::INVOICE;
pub use metric::METRIC;
pub use policy_ack::POLICY_ACK;
pub use probe::PROBE;
pub use rejected::REJECTED;
pub use request::{REQUEST_1D, REQUEST_1H, REQUEST_1M};
pub use risk::RISK;
pub use sla_result::SLA_RESULT;
pub use ticket::TICKET;
pub use usage::USAGE;
pub use usage_result::USAGE_RESULT;

use crate::table::TableSchema;

/// Every schema a dataset can be declared with; `x.v1` is the dataset `x` of a lake that `auditlake init` makes.
pub static DATASET_SCHEMAS: &[&TableSchema] = &[
    &AUDIT,
    &IDENTITY,
    &USAGE,
    &CONSENT,
    &DSR,
    &CORRECTION,
    &POLICY_ACK,
    &TICKET,
    &REQUEST_1M,
    &REQUEST_1H,
    &REQUEST_1D,
    &PROBE,
    &EXCLUSION,
    &SLA_RESULT,
    &USAGE_RESULT,
    &INVOICE,
    &METRIC,
    &ALERT,
    &RISK,
];
