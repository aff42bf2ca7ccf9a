//! What an SLA came to: uptime, errors and latency, each decided by whole numbers (`good × den ≥ num × valid`).

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use schemas::{BasisPoints, Below, Share, Sla, SlaMethod, Tier, Tiers};
use serde::{Deserialize, Serialize};

use super::slices::{RATIO_UNITS, Slices, Verdict};

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Metric {
    /// Time that is good.
    Uptime,
    /// Requests that do not fail.
    Errors,
    /// Requests that are not slow.
    Latency,
}

impl Metric {
    /// The word in rows.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Uptime => "uptime",
            Self::Errors => "errors",
            Self::Latency => "latency",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a promise was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SlaStatus {
    /// It was.
    Ok,
    /// It was not.
    Missed,
    /// There was nothing to judge.
    NotApplicable,
    /// Too little is known.
    NotEvaluated,
}

impl SlaStatus {
    /// The word in rows.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missed => "missed",
            Self::NotApplicable => "not_applicable",
            Self::NotEvaluated => "not_evaluated",
        }
    }
}

/// The figures of one metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attained {
    /// Which one.
    pub(super) metric: Metric,
    /// How it is counted.
    pub(super) method: String,
    /// Slices, requests, or billionths of slices that are judged.
    pub(super) valid: u64,
    /// Those of them that are good.
    pub(super) good: u64,
    /// Slices that do not count.
    pub(super) excluded: u64,
    /// Slices of which nothing is known.
    pub(super) unknown: u64,
    /// The target as a fraction.
    pub(super) target: Share,
    /// How it was kept.
    pub(super) status: SlaStatus,
    /// What is owed for it by the ladder.
    pub(super) credit: BasisPoints,
    /// The step of the ladder that holds.
    pub(super) band: Option<String>,
    /// How many more may be bad; below zero where too many were.
    pub(super) budget_left: Option<i64>,
    /// Why it was not judged.
    pub(super) why: Option<String>,
}

/// Requests or checks of slices that count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sums {
    /// All of them.
    pub(super) total: u64,
    /// Those that failed.
    pub(super) failed: u64,
    /// Those that were slow.
    pub(super) slow: u64,
}

/// The slices of a part of a period.
pub(super) struct Judged<'s> {
    pub(super) slices: &'s Slices,
    /// Slices that do not count.
    pub(super) excluded: &'s BTreeMap<usize, usize>,
    pub(super) range: Range<usize>,
    /// Why latency cannot be told; none where it can.
    pub(super) no_latency: Option<String>,
}

/// What slices came to.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    all: u64,
    good: u64,
    bad: u64,
    excluded: u64,
    unknown: u64,
    ratios: u64,
    sums: Sums,
}

impl Judged<'_> {
    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for slice in self.range.clone() {
            tally.all += 1;
            if self.excluded.contains_key(&slice) {
                tally.excluded += 1;
                continue;
            }
            let counted = self.slices.counted[slice];
            tally.sums.total += counted.total;
            tally.sums.failed += counted.failed;
            tally.sums.slow += counted.slow;
            match self.slices.verdicts[slice] {
                Verdict::Unknown => {
                    tally.unknown += 1;
                    continue;
                }
                Verdict::Good => tally.good += 1,
                Verdict::Bad => tally.bad += 1,
            }
            let good = u128::from(counted.total - counted.failed) * u128::from(RATIO_UNITS);
            // An idle slice is whole.
            let ratio = good.checked_div(u128::from(counted.total)).unwrap_or(u128::from(RATIO_UNITS));
            tally.ratios += u64::try_from(ratio).unwrap_or(RATIO_UNITS);
        }
        tally
    }

    /// Requests or checks of the slices that count.
    pub(super) fn sums(&self) -> Sums {
        self.tally().sums
    }

    /// Requests or checks of the slices that count, and what the tier promises of them.
    pub(super) fn promised(&self, sla: &Sla, tier: &Tier) -> (Sums, Vec<Promised>) {
        let tally = self.tally();
        (tally.sums, promised(&tally, sla, tier))
    }

    /// The figures of what the tier promises.
    pub(super) fn attained(&self, sla: &Sla, tier: &Tier, tiers: &Tiers) -> Vec<Attained> {
        let tally = self.tally();
        let unknown = sla.max_unknown.is_exceeded_by(tally.unknown, tally.all).then(|| {
            let share = schemas::percent_of(tally.unknown, tally.all, 2);
            format!("nothing is known of {share} % of the slices, and at most {} % may be unknown", sla.max_unknown)
        });
        let judged = promised(&tally, sla, tier).into_iter().map(|one| {
            let no_latency = self.no_latency.clone().filter(|_| one.metric == Metric::Latency);
            judge(one, &tally, no_latency.or_else(|| unknown.clone()))
        });
        let mut all: Vec<Attained> = judged.collect();
        for one in all.iter_mut().filter(|one| one.status == SlaStatus::Missed) {
            (one.credit, one.band) = owed(one, tiers);
        }
        all
    }
}

/// A promise of a tier, and what was counted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Promised {
    pub(super) metric: Metric,
    pub(super) method: SlaMethod,
    pub(super) valid: u64,
    pub(super) good: u64,
    pub(super) target: Share,
}

fn promised(tally: &Tally, sla: &Sla, tier: &Tier) -> Vec<Promised> {
    let mut all = Vec::new();
    if let Some(target) = tier.uptime {
        let (valid, good) = match sla.method {
            SlaMethod::Timeslices => (tally.good + tally.bad, tally.good),
            SlaMethod::Occurrences => (tally.sums.total, tally.sums.total - tally.sums.failed),
            SlaMethod::RatioTimeslices => ((tally.good + tally.bad) * RATIO_UNITS, tally.ratios),
        };
        all.push(Promised { metric: Metric::Uptime, method: sla.method, valid, good, target });
    }
    let mut requests = |metric, bad: u64, target| {
        let (valid, good) = (tally.sums.total, tally.sums.total - bad);
        all.push(Promised { metric, method: SlaMethod::Occurrences, valid, good, target });
    };
    if let Some(errors) = tier.errors {
        requests(Metric::Errors, tally.sums.failed, errors.rest());
    }
    if tier.p95_us.is_some() {
        requests(Metric::Latency, tally.sums.slow, Share::P95);
    }
    all
}

fn judge(promised: Promised, tally: &Tally, why: Option<String>) -> Attained {
    let Promised { metric, method, valid, good, target } = promised;
    let (status, why) = match (valid, why) {
        (_, Some(why)) => (SlaStatus::NotEvaluated, Some(why)),
        (0, None) => {
            let what = if metric == Metric::Uptime { "no slice counts" } else { "there was no request" };
            (SlaStatus::NotApplicable, Some(what.to_owned()))
        }
        (_, None) if target.is_reached_by(good, valid) => (SlaStatus::Ok, None),
        (_, None) => (SlaStatus::Missed, None),
    };
    let left = i128::from(target.spare_of(valid)) - i128::from(valid - good);
    let is_judged = matches!(status, SlaStatus::Ok | SlaStatus::Missed);
    Attained {
        metric,
        method: method.as_str().to_owned(),
        valid,
        good,
        excluded: tally.excluded,
        unknown: tally.unknown,
        target,
        status,
        credit: BasisPoints::NONE,
        band: None,
        budget_left: i64::try_from(left).ok().filter(|_| is_judged),
        why,
    }
}

/// What the ladder owes for a target that was missed: by the last band that holds.
fn owed(missed: &Attained, tiers: &Tiers) -> (BasisPoints, Option<String>) {
    let ladder = &tiers.credits;
    let simple = |credit: BasisPoints| match credit {
        BasisPoints::NONE => (credit, None),
        credit => (credit.min(tiers.cap), Some("missed".to_owned())),
    };
    match missed.metric {
        Metric::Errors => simple(ladder.errors),
        Metric::Latency => simple(ladder.latency),
        Metric::Uptime => {
            let holds = |below: Below| match below {
                Below::Target => true,
                Below::Share(share) => !share.is_reached_by(missed.good, missed.valid),
            };
            match ladder.uptime.iter().rev().find(|band| holds(band.below)) {
                None => (BasisPoints::NONE, None),
                Some(band) => {
                    let below = match band.below {
                        Below::Target => format!("below the target {} %", missed.target),
                        Below::Share(share) => format!("below {share} %"),
                    };
                    (band.credit.min(tiers.cap), Some(below))
                }
            }
        }
    }
}
