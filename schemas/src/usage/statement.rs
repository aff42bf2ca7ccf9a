//! The statement of usage: what one tenant used in a month, of how much, and what it was charged.
//!
//! It speaks of one tenant alone. Quantities and amounts are texts, exact to the last decimal.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::report::{InputFile, Interval};
use crate::result_revision::ResultRevision;

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageStatement {
    /// The lake.
    pub lake: String,
    /// The contract.
    pub usage: String,
    /// The one service that counts; all without it.
    pub service: Option<String>,
    /// Whose it is.
    pub tenant: String,
    /// Name of the period, for example `2026-09`.
    pub period: String,
    /// Its time.
    pub interval: Interval,
    /// Until when usage is counted: the end of the period, or earlier in one that goes on.
    pub until: DateTime<Utc>,
    /// The zone of its days.
    pub timezone: String,
    /// `provisional`, `final` or `adjusted`.
    pub state: String,
    /// Revision of the result, from 1.
    pub revision: u32,
    /// Days under one tier each.
    pub parts: Vec<UsagePart>,
    /// What the tiers cost; none where no version of the quotas tells.
    pub price: Option<UsagePrice>,
    /// What was charged, by category, service and currency.
    pub charges: Vec<UsageCharge>,
    /// Every revision of the result, the first one first.
    pub revisions: Vec<ResultRevision>,
    /// Where the figures come from.
    pub provenance: UsageProvenance,
}

/// Days under one tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsagePart {
    /// The tier.
    pub tier: String,
    /// Its first day.
    pub from: NaiveDate,
    /// How many.
    pub days: u32,
    /// What was used.
    pub quotas: Vec<UsageQuota>,
}

/// What was used of one quota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageQuota {
    /// The quota; of a meter without one, the meter.
    pub quota: String,
    /// The meter, as rows name it.
    pub meter: String,
    /// `sum`, `max`, `mean` or `counter`.
    pub measure: String,
    /// Whether each day has the limit.
    pub is_daily: bool,
    /// Unit of the quantities, as rows name it.
    pub unit: Option<String>,
    /// How much: in the period, or on the day with the most.
    pub used: Option<String>,
    /// How much may be used; none where nothing limits it.
    pub limit: Option<String>,
    /// `used` of `limit`, cut off.
    pub percent: Option<String>,
    /// `ok`, `warn`, `over`, `unlimited` or `not_evaluated`.
    pub status: String,
    /// Why it was not evaluated, or what else is to be known.
    pub note: Option<String>,
    /// The time with the most: a day, or the instant from which so much was in use.
    pub peak_at: Option<String>,
    /// Rows that were counted.
    pub rows: u64,
    /// Days with more than the limit, of a daily quota.
    pub days_over: u32,
    /// Each day, of a daily quota.
    pub days: Vec<UsageDay>,
}

/// What was used on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageDay {
    /// The day, in the tenant's zone.
    pub day: NaiveDate,
    /// How much.
    pub used: String,
    /// In parts of a thousand of the limit, cut off; none without a limit.
    pub permille: Option<u64>,
    /// `ok`, `warn`, `over` or `unlimited`.
    pub status: String,
}

/// What the tiers of a month cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsagePrice {
    /// ISO 4217.
    pub currency: String,
    /// The sum, rounded once; none where a tier's price is in its contract.
    pub amount: Option<String>,
    /// How it comes to that, a line for each part.
    pub formula: Vec<String>,
}

/// What was charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageCharge {
    /// `Usage`, `Purchase`, `Tax`, `Credit` or `Adjustment`.
    pub category: String,
    /// `Correction`, of changes after invoicing.
    pub class: Option<String>,
    /// The service.
    pub service: String,
    /// ISO 4217.
    pub currency: String,
    /// Charges.
    pub rows: u64,
    /// Their sum.
    pub billed_cost: String,
}

/// Where the figures come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageProvenance {
    /// The run.
    pub run: String,
    /// Its instant.
    pub at: DateTime<Utc>,
    /// Version of the program.
    pub version: String,
    /// The quotas and their version.
    pub quotas: String,
    /// SHA-256 of the definitions.
    pub spec_sha256: String,
    /// SHA-256 over the evidence.
    pub evidence_sha256: String,
    /// Files with the evidence.
    pub evidence: Vec<String>,
    /// Files that were read.
    pub inputs: Vec<InputFile>,
}
