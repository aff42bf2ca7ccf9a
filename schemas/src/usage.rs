//! Usage: what is metered, how much of it each tier may use, and what a month of it costs.
//!
//! Quantities and prices are whole numbers of their smallest decimal, as both end in disputes. Absent: metering and judging,
//! which `jobs/usage` does.

mod exact;
mod statement;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use exact::{Cost, Exact, Quantity};
pub use statement::{UsageCharge, UsageDay, UsagePart, UsagePrice, UsageProvenance, UsageQuota, UsageStatement};

use crate::id::{DatasetId, QuotasId, UsageId};
use crate::sla::{Share, SlaPeriod, TierChange, tiers_between};

/// Decimals of prices and amounts in results.
pub const AMOUNT_DECIMALS: u32 = 4;

/// A version of how much each tier may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotas {
    /// Their name.
    pub id: QuotasId,
    /// Version, from 1.
    pub version: u32,
    /// First day of the periods that it holds for.
    pub effective: NaiveDate,
    /// ISO 4217, of the prices.
    pub currency: String,
    /// Decimals of the currency's smallest unit.
    pub decimals: u32,
    /// How each quota is metered, by its name.
    pub meters: BTreeMap<String, QuotaMeter>,
    /// Limits by the name of the tier.
    pub tiers: BTreeMap<String, QuotaTier>,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// How a quota is metered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaMeter {
    /// The meter, as rows name it.
    pub meter: String,
    /// What of its rows counts.
    pub measure: Measure,
    /// Whether each civil day has the limit, rather than the period.
    pub is_daily: bool,
}

/// What of the rows of a meter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The sum of quantities whose time begins in the period.
    Sum,
    /// The most at any one time: rows are levels from their beginning up to their end.
    Max,
    /// The mean over time: rows are levels, and a time without any counts as nothing.
    Mean,
    /// Rows are readings of counters that only grow, a counter per resource: the sum of differences.
    Counter,
}

impl Measure {
    /// The word in YAML and rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Counter => "counter",
        }
    }

    /// Whether a longer time of the same use comes to more.
    pub fn adds_up(self) -> bool {
        matches!(self, Self::Sum | Self::Counter)
    }

    /// Of quotas that need no explanation.
    pub fn usual(quota: &str) -> Option<Self> {
        match quota.strip_suffix(DAILY_ENDING).unwrap_or(quota) {
            "users" | "seats" | "models" | "concurrent_training" => Some(Self::Max),
            "storage_gb" => Some(Self::Mean),
            "api_requests" | "gpu_hours" | "tokens_in" | "tokens_out" => Some(Self::Sum),
            _ => None,
        }
    }
}

/// Ending of quotas that each civil day has.
pub const DAILY_ENDING: &str = "_per_day";

/// How much a tier may use, and what it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaTier {
    /// By the name of the quota.
    pub limits: BTreeMap<String, QuotaLimit>,
    /// Of a month.
    pub price: TierPrice,
}

/// How much may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaLimit {
    /// As much as anybody likes.
    Unlimited,
    /// So much.
    Of(Quantity),
}

/// What a month of a tier costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TierPrice {
    /// Not told.
    None,
    /// As the tenant's contract says.
    Contract,
    /// So much, in 1/10000 of the currency.
    Of(i64),
}

/// Whose usage is metered against which quotas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageContract {
    /// Its name.
    pub id: UsageId,
    /// Dataset of `usage.v1`.
    pub dataset: DatasetId,
    /// The one service that counts; all without it.
    pub service: Option<String>,
    /// Versions of the quotas, oldest first.
    pub quotas: Vec<Quotas>,
    /// Meters of quotas, as rows of this dataset name them, where they have another name.
    pub meters: BTreeMap<String, String>,
    /// Share of a limit from which a tenant is warned.
    pub warn: Share,
    /// The zone of periods and days.
    pub timezone: chrono_tz::Tz,
    /// Zones of tenants that have another one.
    pub timezones: BTreeMap<String, chrono_tz::Tz>,
    /// The tier of each tenant at first.
    pub tenants: BTreeMap<String, String>,
    /// Later tiers, by day.
    pub changes: Vec<TierChange>,
    /// Seconds from the end of a period until its figures are final.
    pub settle_seconds: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

impl UsageContract {
    /// The version of the quotas for a period that begins on this day.
    pub fn quotas_on(&self, first: NaiveDate) -> Option<&Quotas> {
        self.quotas.iter().rev().find(|quotas| quotas.effective <= first)
    }

    /// A tenant's tiers in a period: the first day of each, and its name.
    pub fn tiers_of(&self, tenant: &str, period: SlaPeriod) -> Vec<(NaiveDate, &str)> {
        tiers_between((&self.tenants, &self.changes), tenant, period)
    }

    /// The zone that a tenant's days are counted in.
    pub fn zone_of(&self, tenant: &str) -> chrono_tz::Tz {
        self.timezones.get(tenant).copied().unwrap_or(self.timezone)
    }

    /// The meter of a quota, as rows name it.
    pub fn meter_of<'a>(&'a self, quota: &str, meter: &'a QuotaMeter) -> &'a str {
        self.meters.get(quota).unwrap_or(&meter.meter)
    }
}
