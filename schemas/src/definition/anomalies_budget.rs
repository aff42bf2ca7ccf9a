//! Budgets of a job for anomalies: SLAs, and when what they spare is used up too fast.

use super::anomalies_job::COOL_DOWN_SECONDS_DEFAULT;
use super::duration;
use super::problem::Problems;
use super::raw_anomalies::{RawBudget, RawBurnRule};
use super::sla::percent;
use super::sla_job::sla;
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::anomaly::{BudgetSpec, BurnRule, BurnSeverity};

/// Part of the long window that the short one is, if nothing says so.
const SHORT_PART: u32 = 12;
/// Longest window.
const MINUTES_MAX: u64 = 31 * 24 * 60;

pub(super) fn budgets(given: At<Vec<RawBudget>>, around: &Surroundings, problems: &mut Problems) -> Vec<BudgetSpec> {
    if given.value.is_empty() {
        problems.add(given.place, "budgets is empty; name an SLA, for example [{sla: api}]");
    }
    let mut kept: Vec<BudgetSpec> = Vec::new();
    for raw in given.value {
        let named = problems.keep(raw.sla.place, sla(&raw.sla.value, around));
        let rules = raw.rules.map_or_else(BurnRule::usual, |given| rules(given, problems));
        let cool_down = duration::given_seconds("cool_down", raw.cool_down, problems);
        let Some(sla) = named else { continue };
        if around.supports.iter().any(|support| support.id == sla) {
            let message = format!("sla \"{sla}\" is about tickets of support, which have no error budget; name an SLA");
            problems.add(raw.sla.place, message);
        }
        if kept.iter().any(|other| other.sla == sla) {
            problems.add(raw.sla.place, format!("sla \"{sla}\" stands here twice; keep one, with all of its rules"));
        }
        kept.push(BudgetSpec { sla, rules, cool_down_seconds: cool_down.unwrap_or(COOL_DOWN_SECONDS_DEFAULT) });
    }
    kept
}

/// The most severe first, then the one with the shortest long window.
fn rules(given: At<Vec<RawBurnRule>>, problems: &mut Problems) -> Vec<BurnRule> {
    if given.value.is_empty() {
        let message = "rules is empty; leave it out for the usual ones, or write for example [{share: \"2\", long: 1h, short: 5m, \
                       severity: critical}]";
        problems.add(given.place, message);
    }
    let mut all: Vec<BurnRule> = given.value.into_iter().filter_map(|raw| rule(&raw, problems)).collect();
    all.sort_by_key(|rule| (std::cmp::Reverse(rule.severity), rule.long_minutes));
    all
}

fn rule(raw: &RawBurnRule, problems: &mut Problems) -> Option<BurnRule> {
    let share = percent("share", &raw.share, problems);
    if share.is_some_and(|share| share.num() == 0) {
        problems.add(raw.share.place, "share \"0\" is no part of a budget; write for example \"2\"");
    }
    let long = minutes("long", &raw.long, problems);
    let short = match &raw.short {
        Some(given) => minutes("short", given, problems).filter(|short| {
            let is_shorter = long.is_none_or(|long| *short < long);
            if !is_shorter {
                let message = format!("short {:?} is not shorter than long {:?}", given.value, raw.long.value);
                problems.add(given.place, message);
            }
            is_shorter
        }),
        None => long.map(|long| long.div_ceil(SHORT_PART)),
    };
    Some(BurnRule {
        share: share?,
        long_minutes: long?,
        short_minutes: short?,
        severity: raw.severity.unwrap_or(BurnSeverity::High),
    })
}

/// Whole minutes, a month at most.
fn minutes(key: &str, given: &At<String>, problems: &mut Problems) -> Option<u32> {
    let seconds = problems.keep(given.place, duration::seconds(key, &given.value))?;
    if !seconds.is_multiple_of(60) || seconds / 60 > MINUTES_MAX {
        let message =
            format!("{key} {:?} is not a window of whole minutes, 31d at most; write for example 1h", given.value);
        problems.add(given.place, message);
        return None;
    }
    u32::try_from(seconds / 60).ok()
}
