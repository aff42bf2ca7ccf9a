//! Objectives of an SLO: each is an SLA whose tenants are of one tier, which is promised the target, and nothing is owed.

use std::collections::BTreeMap;

use super::super::framework::filled;
use super::super::problem::{Place, Problems};
use super::super::raw_openslo::{RawMethod, RawObjective, RawOp};
use super::super::sla::{BAD_DEFAULT, minutes};
use super::super::yaml::At;
use super::indicator::Indicator;
use super::window::Window;
use super::{Told, sha256_of};
use crate::id::{NameError, SlaId, TiersId};
use crate::sla::{BasisPoints, Credits, Measured, Share, Sla, SlaMethod, SliceRule, Tier, Tiers};

/// The one tier of an objective.
const TIER: &str = "slo";
/// Requests below which a slice is not bad: to OpenSLO each slice is as important as another.
const MIN_TOTAL_DEFAULT: u32 = 1;

/// What the objectives of an SLO have in common.
pub(super) struct Context<'a> {
    pub(super) name: &'a At<String>,
    pub(super) service: &'a At<String>,
    pub(super) method: RawMethod,
    /// None where an SLA cannot be judged for it, which is told.
    pub(super) window: Option<Window>,
    /// Whether it has several objectives.
    pub(super) several: bool,
    /// The document.
    pub(super) text: &'a [u8],
}

/// An objective without its indicator.
pub(super) struct Given {
    display_name: Option<At<String>>,
    op: Option<At<RawOp>>,
    value: Option<At<String>>,
    target: Option<At<String>>,
    target_percent: Option<At<String>>,
    slice_target: Option<At<String>>,
    slice_window: Option<At<String>>,
    weight: Option<At<String>>,
}

impl<S> From<RawObjective<S>> for Given {
    fn from(raw: RawObjective<S>) -> Self {
        Self {
            display_name: raw.display_name,
            op: raw.op,
            value: raw.value,
            target: raw.target,
            target_percent: raw.target_percent,
            slice_target: raw.time_slice_target,
            slice_window: raw.time_slice_window,
            weight: raw.composite_weight,
        }
    }
}

impl Context<'_> {
    /// The name of the SLA: that of the SLO, and where it has several objectives also that of the objective, or its number.
    pub(super) fn id(&self, objective: &Given, number: usize) -> Result<SlaId, NameError> {
        let name = &self.name.value;
        if !self.several {
            return SlaId::parse(name);
        }
        let word = |given: &At<String>| {
            let lower = given.value.to_lowercase();
            let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
            words.collect::<Vec<_>>().join("-")
        };
        let own = objective.display_name.as_ref().map(word).filter(|word| !word.is_empty());
        SlaId::parse(&format!("{name}-{}", own.unwrap_or_else(|| (number + 1).to_string())))
    }

    fn method(&self) -> SlaMethod {
        match self.method {
            RawMethod::Occurrences => SlaMethod::Occurrences,
            RawMethod::Timeslices => SlaMethod::Timeslices,
            RawMethod::RatioTimeslices => SlaMethod::RatioTimeslices,
        }
    }
}

/// Checks an objective; the SLA that it is, where rows are bound to it.
pub(super) fn objective(
    context: &Context<'_>,
    id: SlaId,
    (given, indicator): (At<Given>, Indicator),
    told: &mut Told,
) -> Option<Sla> {
    let At { value: given, place } = given;
    let before = told.problems.len();
    told.is_bound = indicator.binding.is_some();
    if let Some(weight) = &given.weight {
        let message = "compositeWeight is not judged: each objective is an SLA of its own; write an SLO for each";
        told.cannot(weight.place, message);
    }
    let target = target((given.target.as_ref(), given.target_percent.as_ref()), place, &mut told.problems);
    let tier = match indicator.is_threshold {
        true => threshold(context, &given, (target?, place), told),
        false => {
            if let Some(op) = &given.op {
                told.notes.add(op.place, "op says nothing of a ratioMetric, and is not read");
            }
            if let Some(value) = &given.value {
                told.notes.add(value.place, "value says nothing of a ratioMetric, and is not read");
            }
            Some(Tier { uptime: target, p95_us: None, errors: None, money: false })
        }
    };
    let slices = slices(context, &given, (&indicator, place), told);
    let service = filled(
        "service",
        At { value: context.service.value.clone(), place: context.service.place },
        &mut told.problems,
    );
    let binding = indicator.binding?;
    if indicator.is_threshold && matches!(binding.measured, Measured::Probes { .. }) {
        told.problems.add(place, "checks from outside do not tell how long requests of tenants took; write requests");
    }
    let (window, tier, slices) = (context.window?, tier?, slices?);
    if told.problems.len() > before {
        return None;
    }
    let sha256 = sha256_of([context.text, &indicator.text]);
    let tiers = Tiers {
        id: TiersId::parse(id.as_str()).ok()?,
        version: 1,
        effective: window.first,
        tiers: BTreeMap::from([(TIER.to_owned(), tier)]),
        credits: Credits { uptime: Vec::new(), latency: BasisPoints::NONE, errors: BasisPoints::NONE },
        cap: BasisPoints::ALL,
        minimum: 0,
        sha256: sha256.clone(),
    };
    Some(Sla {
        id,
        service: binding.service.unwrap_or(service),
        measured: binding.measured,
        method: context.method(),
        period: window.period,
        timezone: window.timezone,
        slices,
        max_unknown: binding.max_unknown,
        tiers: vec![tiers],
        tenants: binding.tenants.into_iter().map(|tenant| (tenant, TIER.to_owned())).collect(),
        changes: Vec::new(),
        exclusions: binding.exclusions,
        fees: None,
        settle_seconds: binding.settle_seconds,
        sha256,
    })
}

/// The target, below 1 as OpenSLO wants it.
fn target(given: (Option<&At<String>>, Option<&At<String>>), place: Place, problems: &mut Problems) -> Option<Share> {
    let (share, at) = match given {
        (Some(part), None) => (Share::of_ratio(&part.value).map_err(|why| format!("target {why}")), part),
        (None, Some(percent)) => {
            (Share::of_percent(&percent.value).map_err(|why| format!("targetPercent {why}")), percent)
        }
        (Some(_), Some(percent)) => {
            problems.add(percent.place, "target and targetPercent say the same; keep one of the two");
            return None;
        }
        (None, None) => {
            problems.add(place, "target is required: part that is good at least, for example 0.999");
            return None;
        }
    };
    let share = problems.keep(at.place, share)?;
    if share.num() == share.den() {
        let message = format!(
            "target {:?} leaves no room for a failure, and OpenSLO wants less than all; write for example 0.9999",
            at.value
        );
        problems.add(at.place, message);
        return None;
    }
    Some(share)
}

/// A value that so many requests stay within: latency, which is judged for 95 of 100.
fn threshold(context: &Context<'_>, given: &Given, (target, place): (Share, Place), told: &mut Told) -> Option<Tier> {
    let is_p95 = !target.is_below(Share::P95) && !Share::P95.is_below(target);
    if !is_p95 || context.method != RawMethod::Occurrences {
        let message = "a threshold is judged for 95 of 100 requests; write target: 0.95 and budgetingMethod: Occurrences, or a \
                       ratioMetric";
        told.cannot(place, message);
    }
    match &given.op {
        Some(At { value: RawOp::Lte, .. }) => {}
        Some(At { value: RawOp::Lt, place }) => {
            told.notes.add(*place, "op lt is read as lte: a request that takes exactly the value is within it");
        }
        Some(other) => told.cannot(other.place, "slow requests are those above a value; write op: lte"),
        None => told.problems.add(place, "op is required of a thresholdMetric; write op: lte"),
    }
    let Some(value) = &given.value else {
        told.problems.add(place, "value is required of a thresholdMetric: milliseconds, for example 500");
        return None;
    };
    let Some(milliseconds) = value.value.parse::<u32>().ok().filter(|value| *value > 0) else {
        told.cannot(
            value.place,
            format!("value {:?} is no whole number of milliseconds; write for example 500", value.value),
        );
        return None;
    };
    Some(Tier { uptime: None, p95_us: Some(i64::from(milliseconds) * 1_000), errors: None, money: false })
}

/// What a slice is, and a bad one.
fn slices(
    context: &Context<'_>,
    given: &Given,
    (indicator, place): (&Indicator, Place),
    told: &mut Told,
) -> Option<SliceRule> {
    let is_sliced = context.method != RawMethod::Occurrences;
    let length = match &given.slice_window {
        Some(window) => minutes("timeSliceWindow", window, &mut told.problems),
        None if is_sliced => {
            told.cannot(place, "timeSliceWindow is required where time is counted in slices; write for example 1m");
            None
        }
        None => Some(1),
    };
    let is_by_probes = indicator.binding.as_ref().is_some_and(|one| matches!(one.measured, Measured::Probes { .. }));
    let is_decided = context.method == RawMethod::Timeslices && !is_by_probes;
    let bad = match &given.slice_target {
        Some(part) => {
            let share = Share::of_ratio(&part.value).map_err(|why| format!("timeSliceTarget {why}"));
            let share = told.problems.keep(part.place, share);
            if is_by_probes {
                let message = "timeSliceTarget is not read: a slice of checks is bad where a quorum of locations fails";
                told.notes.add(part.place, message);
            } else if !is_decided {
                told.notes.add(part.place, "timeSliceTarget decides Timeslices alone, and is not read");
            }
            share.map(Share::rest)
        }
        None if is_decided => {
            told.cannot(place, "timeSliceTarget is required of Timeslices; write for example 0.95");
            None
        }
        None => Share::of_percent(BAD_DEFAULT).ok(),
    };
    let min_total = indicator.binding.as_ref().and_then(|binding| binding.min_total).unwrap_or(MIN_TOTAL_DEFAULT);
    Some(SliceRule { minutes: length?, min_total: u64::from(min_total), bad: bad?, min_bad: 1 })
}
