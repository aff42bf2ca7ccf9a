//! Support agreements and calendars as they are written, before any check. Their rules are those of `raw.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::words::RawWords;
use super::yaml::At;
use crate::sla::PeriodLength;

/// Business hours: `slas/*.yaml` with first key calendar.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Calendar", deny_unknown_fields)]
pub(super) struct RawCalendar {
    /// name of the calendar, for example berlin
    pub(super) calendar: At<String>,
    /// version, from 1; each one is a file of its own
    #[schemars(range(min = 1))]
    pub(super) version: At<u32>,
    /// first day whose hours go by it, for example 2026-01-01
    pub(super) effective: At<String>,
    /// zone of its wall clock, for example Europe/Berlin; that of the lake when left out
    pub(super) timezone: Option<At<String>>,
    /// hours by weekday, for example {mon: "09:00-17:00", fri: ["09:00-12:00", "13:00-15:00"]}; days that are left out are closed
    pub(super) hours: At<RawHours>,
    /// days without hours, for example [2026-12-25]
    #[serde(default)]
    pub(super) holidays: Vec<At<String>>,
}

/// Hours by weekday.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Hours", deny_unknown_fields)]
pub(super) struct RawHours {
    /// Monday, for example "09:00-17:00"
    pub(super) mon: Option<At<RawWords>>,
    /// Tuesday
    pub(super) tue: Option<At<RawWords>>,
    /// Wednesday
    pub(super) wed: Option<At<RawWords>>,
    /// Thursday
    pub(super) thu: Option<At<RawWords>>,
    /// Friday
    pub(super) fri: Option<At<RawWords>>,
    /// Saturday
    pub(super) sat: Option<At<RawWords>>,
    /// Sunday
    pub(super) sun: Option<At<RawWords>>,
}

/// A support agreement: `slas/*.yaml` with first key support.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Support", deny_unknown_fields)]
pub(super) struct RawSupport {
    /// name of the agreement, for example helpdesk; no SLA has the same
    pub(super) support: At<String>,
    /// dataset of schema ticket.v1, for example ticket
    pub(super) dataset: At<String>,
    /// calendar in whose hours clocks run, for example berlin; 24x7, which is always open, when left out
    pub(super) calendar: Option<At<String>>,
    /// calendars of tenants that have another one, for example {globex: 24x7}
    #[serde(default)]
    pub(super) calendars: BTreeMap<String, At<String>>,
    /// month, quarter or week; month when left out
    pub(super) period: Option<PeriodLength>,
    /// the contract's zone, for example Europe/Berlin; that of the lake when left out
    pub(super) timezone: Option<At<String>>,
    /// limits of business time, for example [{version: 1, effective: 2026-01-01, tier: {pro: {p1: {response: 30m, resolution: 4h}}}}]
    pub(super) limits: At<Vec<RawLimits>>,
    /// per cent of tickets that must keep their limit, for example {response: "95", resolution: "90"}; 100 when left out
    pub(super) share: Option<RawShares>,
    /// per cent of a limit from which on an open ticket is warned of; 80 when left out
    pub(super) warn: Option<At<String>>,
    /// reasons of pauses for which clocks stand still; [waiting_customer, third_party] when left out
    pub(super) pauses: Option<Vec<At<String>>>,
    /// tier of each tenant, for example {acme: pro}; the one that decides stands in the ticket
    pub(super) tenants: BTreeMap<String, At<String>>,
    /// time from the end of a period until its figures are final; 72h when left out
    pub(super) settle: Option<At<String>>,
}

/// A version of the limits.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "SupportLimits", deny_unknown_fields)]
pub(super) struct RawLimits {
    /// version, from 1
    #[schemars(range(min = 1))]
    pub(super) version: At<u32>,
    /// first day of the periods that it holds for, for example 2026-01-01
    pub(super) effective: At<String>,
    /// limits by the name of the tier, for example {pro: {p1: {response: 30m, resolution: 4h}}}
    pub(super) tier: BTreeMap<String, At<RawPriorities>>,
}

/// Limits by priority; one that is left out has none.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Priorities", deny_unknown_fields)]
pub(super) struct RawPriorities {
    /// of tickets of priority 1, the highest, for example {response: 30m, resolution: 4h}
    pub(super) p1: Option<At<RawTicketLimits>>,
    /// of tickets of priority 2
    pub(super) p2: Option<At<RawTicketLimits>>,
    /// of tickets of priority 3
    pub(super) p3: Option<At<RawTicketLimits>>,
    /// of tickets of priority 4
    pub(super) p4: Option<At<RawTicketLimits>>,
}

/// Limits of one priority.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "TicketLimits", deny_unknown_fields)]
pub(super) struct RawTicketLimits {
    /// business time until somebody answers, for example 30m
    pub(super) response: Option<At<String>>,
    /// business time until it is resolved, for example 4h
    pub(super) resolution: Option<At<String>>,
}

/// Shares of tickets.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "SupportShares", deny_unknown_fields)]
pub(super) struct RawShares {
    /// per cent of tickets that are answered within their limit, for example "95"
    pub(super) response: Option<At<String>>,
    /// per cent of tickets that are resolved within their limit, for example "90"
    pub(super) resolution: Option<At<String>>,
}
