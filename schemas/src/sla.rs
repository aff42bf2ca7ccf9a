//! SLAs: what is promised to whom, how it is measured, and what is owed where it was missed.
//!
//! Percentages are fractions and money is decimal, as both end in disputes. Absent: measuring and judging, which `jobs/sla`
//! does, and prices.

mod period;
mod share;
mod statement;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use period::{PeriodLength, SlaPeriod};
pub use share::{BasisPoints, Share, percent_of};
pub use statement::{
    SlaStatement, StatementCredit, StatementDay, StatementExclusion, StatementPart, StatementProvenance,
    StatementResult, StatementRevision, StatementRun,
};

use crate::id::{DatasetId, SlaId, TiersId};

/// A version of the promises of each tier, and of what is owed where one is missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiers {
    /// Their name.
    pub id: TiersId,
    /// Version, from 1.
    pub version: u32,
    /// First day of the periods that it holds for.
    pub effective: NaiveDate,
    /// Promises by the name of the tier.
    pub tiers: BTreeMap<String, Tier>,
    /// What is owed.
    pub credits: Credits,
    /// The most of the fee of a period that is owed.
    pub cap: BasisPoints,
    /// Amounts below this one are not paid, in 1/10000 of the currency.
    pub minimum: i64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// What one tier is promised; what it does not name is not promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tier {
    /// Least share of time that is good.
    pub uptime: Option<Share>,
    /// Duration that at least 95 of 100 requests stay within, microseconds.
    pub p95_us: Option<i64>,
    /// Largest share of requests that fail.
    pub errors: Option<Share>,
    /// Whether what is owed is paid.
    pub money: bool,
}

/// What is owed for what was missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credits {
    /// Of uptime: the last band that holds counts.
    pub uptime: Vec<Band>,
    /// Of latency.
    pub latency: BasisPoints,
    /// Of errors.
    pub errors: BasisPoints,
}

/// A step of a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// It holds below this.
    pub below: Below,
    /// Part of the fee.
    pub credit: BasisPoints,
}

/// What uptime is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Below {
    /// The tier's own target.
    Target,
    /// A fixed share.
    Share(Share),
}

/// How time or requests are counted, by the names of OpenSLO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlaMethod {
    /// Slices that are not bad, of valid ones.
    Timeslices,
    /// Good requests or checks, of all outside of excluded slices.
    Occurrences,
    /// The sum of each slice's good ratio, of valid slices.
    RatioTimeslices,
}

impl SlaMethod {
    /// The word in YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeslices => "timeslices",
            Self::Occurrences => "occurrences",
            Self::RatioTimeslices => "ratio_timeslices",
        }
    }
}

/// An SLA: a service, how it is measured, and who was promised what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sla {
    /// Its name.
    pub id: SlaId,
    /// The service, as rows name it.
    pub service: String,
    /// Where measurements come from.
    pub measured: Measured,
    /// How they are counted.
    pub method: SlaMethod,
    /// What it is judged for.
    pub period: PeriodLength,
    /// The contract's zone.
    pub timezone: chrono_tz::Tz,
    /// What a bad slice is.
    pub slices: SliceRule,
    /// Largest share of slices of which nothing is known.
    pub max_unknown: Share,
    /// Versions of the tiers, oldest first.
    pub tiers: Vec<Tiers>,
    /// The tier of each tenant at first.
    pub tenants: BTreeMap<String, String>,
    /// Later tiers, by day.
    pub changes: Vec<TierChange>,
    /// Windows that do not count.
    pub exclusions: Option<ExclusionRule>,
    /// What credits are a part of.
    pub fees: Option<FeeRule>,
    /// Seconds from the end of a period until its figures are final.
    pub settle_seconds: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// An objective of OpenSLO that is measured elsewhere: it is known, and there is nothing to judge it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnboundSlo {
    /// Its name.
    pub id: SlaId,
    /// The service.
    pub service: String,
    /// Why nothing is judged, and what to do.
    pub why: String,
}

/// Where measurements come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measured {
    /// Requests counted by the minute.
    Requests {
        /// Dataset of `request_1m.v1`.
        dataset: DatasetId,
        /// Groups of routes that count; none means all.
        routes: Vec<String>,
        /// Regions that count; none means all.
        regions: Vec<String>,
    },
    /// Checks from outside.
    Probes {
        /// Dataset of `probe.v1`.
        dataset: DatasetId,
        /// Whose checks count for every tenant; without it, each tenant's own.
        tenant: Option<String>,
        /// Locations that must fail; a majority of those reporting without it.
        quorum: Option<u32>,
        /// Seconds that a check speaks for; twice its interval without it.
        stale_after_seconds: Option<u64>,
    },
}

impl Measured {
    /// The dataset with them.
    pub fn dataset(&self) -> &DatasetId {
        match self {
            Self::Requests { dataset, .. } | Self::Probes { dataset, .. } => dataset,
        }
    }
}

/// What a slice is, and a bad one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SliceRule {
    /// Its length.
    pub minutes: u32,
    /// Requests below which it is not bad.
    pub min_total: u64,
    /// Share of failed requests above which it is bad.
    pub bad: Share,
    /// Bad slices in a row below which they do not count.
    pub min_bad: u32,
}

/// A tenant's tier from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierChange {
    /// Whose.
    pub tenant: String,
    /// First day, in the contract's zone.
    pub from: NaiveDate,
    /// The tier.
    pub tier: String,
}

/// Which windows do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExclusionRule {
    /// Dataset of `exclusion.v1`.
    pub dataset: DatasetId,
    /// Seconds that maintenance is announced before it begins, at least.
    pub notice_seconds: u64,
    /// Minutes of maintenance of a period that do not count, at most.
    pub maintenance_minutes_max: u64,
}

/// What credits are a part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeRule {
    /// Dataset of `usage.v1`.
    pub dataset: DatasetId,
    /// The service, as bills name it.
    pub service: String,
    /// ISO 4217.
    pub currency: String,
    /// Decimals of the currency's smallest unit.
    pub decimals: u32,
}

impl Sla {
    /// The version of the tiers for a period that begins on this day.
    pub fn tiers_on(&self, first: NaiveDate) -> Option<&Tiers> {
        self.tiers.iter().rev().find(|tiers| tiers.effective <= first)
    }

    /// A tenant's tiers in a period: the first day of each, and its name.
    pub fn tiers_of(&self, tenant: &str, period: SlaPeriod) -> Vec<(NaiveDate, &str)> {
        tiers_between((&self.tenants, &self.changes), tenant, period)
    }
}

/// A tenant's tiers in a period, by first tiers and changes sorted by day: the first day of each, and its name.
pub(crate) fn tiers_between<'a>(
    (tenants, changes): (&'a BTreeMap<String, String>, &'a [TierChange]),
    tenant: &str,
    period: SlaPeriod,
) -> Vec<(NaiveDate, &'a str)> {
    let Some(first) = tenants.get(tenant) else { return Vec::new() };
    let mut parts: Vec<(NaiveDate, &str)> = vec![(period.first(), first)];
    for change in changes.iter().filter(|change| change.tenant == tenant && change.from < period.next()) {
        if change.from <= period.first() {
            parts[0].1 = &change.tier;
        } else if parts.last().is_some_and(|(_, tier)| *tier != change.tier) {
            parts.push((change.from, &change.tier));
        }
    }
    parts
}
