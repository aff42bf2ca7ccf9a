//! Support agreements: how soon tickets are answered and resolved, in the business time of a calendar.
//!
//! Absent: judging tickets, which `jobs/support` does, and money: nothing is owed for a ticket that took too long.

mod calendar;
mod statement;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use calendar::{ALWAYS, Calendar, DaySpan, OpenSpan, open_spans};
pub use statement::{
    SupportClock, SupportGroup, SupportPause, SupportPromise, SupportProvenance, SupportStatement, SupportTicket,
};

use crate::id::{DatasetId, SlaId};
use crate::sla::{PeriodLength, Share};

/// What is promised about tickets, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportAgreement {
    /// Its name, which no SLA has.
    pub id: SlaId,
    /// Dataset of `ticket.v1`.
    pub dataset: DatasetId,
    /// What it is judged for, by the instant at which tickets were opened.
    pub period: PeriodLength,
    /// The contract's zone.
    pub timezone: chrono_tz::Tz,
    /// Versions of the calendar of tenants that have none of their own, oldest first.
    pub calendar: Vec<Calendar>,
    /// The same of tenants that have one.
    pub calendars: BTreeMap<String, Vec<Calendar>>,
    /// Versions of the limits, oldest first.
    pub limits: Vec<SupportLimits>,
    /// Least share of tickets that are answered within their limit.
    pub response: Share,
    /// Least share of tickets that are resolved within their limit.
    pub resolution: Share,
    /// Share of a limit from which on a ticket that is open is warned of.
    pub warn: Share,
    /// Reasons of pauses for which clocks stand still.
    pub pauses: BTreeSet<String>,
    /// The tier of each tenant; the one that decides stands in the ticket.
    pub tenants: BTreeMap<String, String>,
    /// Seconds from the end of a period until its figures are final.
    pub settle_seconds: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A version of the limits of every tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportLimits {
    /// Version, from 1.
    pub version: u32,
    /// First day of the periods that it holds for.
    pub effective: NaiveDate,
    /// By the name of the tier.
    pub tiers: BTreeMap<String, [TicketLimits; PRIORITIES]>,
}

/// Priorities of tickets: 1, the highest, to 4.
pub const PRIORITIES: usize = 4;

/// Limits of one priority; what is left out is not promised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TicketLimits {
    /// Business seconds until somebody answers.
    pub response_seconds: Option<u64>,
    /// Business seconds until it is resolved.
    pub resolution_seconds: Option<u64>,
}

/// What is promised about a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketMetric {
    /// That somebody answers.
    Response,
    /// That it is resolved.
    Resolution,
}

impl TicketMetric {
    /// Both, in the order in which they happen.
    pub const ALL: [Self; 2] = [Self::Response, Self::Resolution];

    /// The word in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Resolution => "resolution",
        }
    }
}

impl TicketLimits {
    /// The limit of a metric.
    pub fn seconds(self, metric: TicketMetric) -> Option<u64> {
        match metric {
            TicketMetric::Response => self.response_seconds,
            TicketMetric::Resolution => self.resolution_seconds,
        }
    }
}

impl SupportAgreement {
    /// The version of the limits for a period that begins on this day.
    pub fn limits_on(&self, first: NaiveDate) -> Option<&SupportLimits> {
        self.limits.iter().rev().find(|limits| limits.effective <= first)
    }

    /// Versions of a tenant's calendar, oldest first.
    pub fn calendar_of(&self, tenant: &str) -> &[Calendar] {
        self.calendars.get(tenant).unwrap_or(&self.calendar)
    }

    /// The share of tickets that must keep a limit.
    pub fn target(&self, metric: TicketMetric) -> Share {
        match metric {
            TicketMetric::Response => self.response,
            TicketMetric::Resolution => self.resolution,
        }
    }
}
