//! Windows that do not count: which of them hold, and by which rule the others do not. What fails its rule is told.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use schemas::ExclusionRule;
use serde::{Deserialize, Serialize};

use super::slices::Slices;

/// A window, as its row has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    /// The exclusion.
    pub(super) id: String,
    /// Revision in force.
    pub(super) revision: i32,
    /// `maintenance`, `customer_fault`, `force_majeure` or `correction`.
    pub(super) kind: String,
    /// Its beginning.
    pub(super) starts_at: DateTime<Utc>,
    /// Its end, exclusive.
    pub(super) ends_at: DateTime<Utc>,
    /// When those concerned were told.
    pub(super) announced_at: Option<DateTime<Utc>>,
    /// Who approved it.
    pub(super) approved_by: String,
    /// The ticket it belongs to.
    pub(super) ticket_ref: Option<String>,
    /// The region it is for.
    pub(super) region: Option<String>,
    /// Why, as statements print it.
    pub(super) reason: String,
}

/// What became of a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Applied {
    /// The window.
    pub(super) window: Window,
    /// Slices that do not count because of it, and of no window before it.
    pub(super) slices: u64,
    /// Why it does not count, or not whole.
    pub(super) ignored: Option<String>,
}

/// The windows in their order, and for each slice that does not count the number of its window.
pub(super) fn exclude(
    slices: &Slices,
    mut windows: Vec<Window>,
    (rule, regions): (&ExclusionRule, &[String]),
) -> (Vec<Applied>, BTreeMap<usize, usize>) {
    windows.sort_by(|a, b| (a.starts_at, &a.id).cmp(&(b.starts_at, &b.id)));
    let minutes = u64::try_from(slices.length.num_minutes()).unwrap_or(1).max(1);
    let mut left = rule.maintenance_minutes_max / minutes;
    let mut excluded = BTreeMap::new();
    let mut applied = Vec::new();
    for window in windows {
        let mut ignored = fault(&window, rule, regions);
        let mut taken = 0;
        if ignored.is_none() {
            for slice in slices.within(schemas::Interval { start: window.starts_at, end: window.ends_at }) {
                // Only what lies wholly inside, and each slice once.
                let is_inside = slices.start_of(slice) + slices.length <= window.ends_at;
                if !is_inside || excluded.contains_key(&slice) {
                    continue;
                }
                if window.kind == "maintenance" {
                    if left == 0 {
                        ignored = Some(format!(
                            "maintenance of a period beyond {} minutes counts; {taken} slices of it were left out",
                            rule.maintenance_minutes_max
                        ));
                        break;
                    }
                    left -= 1;
                }
                excluded.insert(slice, applied.len());
                taken += 1;
            }
        }
        applied.push(Applied { window, slices: taken, ignored });
    }
    (applied, excluded)
}

/// Which rule a window fails.
fn fault(window: &Window, rule: &ExclusionRule, regions: &[String]) -> Option<String> {
    if window.ends_at <= window.starts_at {
        return Some("it ends before it begins".to_owned());
    }
    if let Some(region) = window.region.as_ref().filter(|region| regions != std::slice::from_ref(*region)) {
        return Some(format!("it is for region {region}, and the SLA is for others, too"));
    }
    if window.approved_by.trim().is_empty() {
        return Some("nobody approved it".to_owned());
    }
    match window.kind.as_str() {
        "maintenance" => {
            let notice = TimeDelta::try_seconds(i64::try_from(rule.notice_seconds).ok()?)?;
            let by = window.starts_at.checked_sub_signed(notice)?;
            match window.announced_at {
                None => Some("maintenance must be announced, and it was not".to_owned()),
                Some(at) if at > by => Some(format!(
                    "maintenance must be announced {} hours before, by {}, and was at {}",
                    rule.notice_seconds / 3_600,
                    schemas::rfc3339(by),
                    schemas::rfc3339(at)
                )),
                Some(_) => None,
            }
        }
        "customer_fault" | "force_majeure" if window.ticket_ref.as_ref().is_none_or(|text| text.trim().is_empty()) => {
            Some(format!("{} needs a ticket, and none is named", window.kind))
        }
        "customer_fault" | "force_majeure" | "correction" => None,
        other => Some(format!("its kind {other:?} is none that counts")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sla::slices::{Counted, Verdict};
    use schemas::{Share, SliceRule, parse_rfc3339};

    fn at(text: &str) -> DateTime<Utc> {
        parse_rfc3339(text).expect("an instant")
    }

    fn slices(minutes: usize) -> Slices {
        let rule = SliceRule { minutes: 1, min_total: 1, bad: Share::NONE, min_bad: 1 };
        Slices::new(at("2026-09-01T00:00:00Z"), rule, vec![Counted::default(); minutes], vec![Verdict::Good; minutes])
    }

    fn window(id: &str, kind: &str, (start, end): (&str, &str)) -> Window {
        Window {
            id: id.to_owned(),
            revision: 1,
            kind: kind.to_owned(),
            starts_at: at(start),
            ends_at: at(end),
            announced_at: Some(at("2026-08-28T23:59:00Z")),
            approved_by: "ops".to_owned(),
            ticket_ref: Some("OPS-1".to_owned()),
            region: None,
            reason: "reason".to_owned(),
        }
    }

    fn rule() -> ExclusionRule {
        let dataset = schemas::DatasetId::parse("exclusions").expect("a name");
        ExclusionRule { dataset, notice_seconds: 72 * 3_600, maintenance_minutes_max: 5 }
    }

    #[test]
    fn a_slice_does_not_count_where_it_lies_wholly_inside_and_only_once() {
        let windows = vec![
            window("b", "correction", ("2026-09-01T00:02:00Z", "2026-09-01T00:05:00Z")),
            window("a", "correction", ("2026-09-01T00:00:30Z", "2026-09-01T00:03:30Z")),
        ];
        let (applied, excluded) = exclude(&slices(10), windows, (&rule(), &[]));
        assert_eq!(excluded.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);
        let taken: Vec<_> = applied.iter().map(|one| (one.window.id.as_str(), one.slices, &one.ignored)).collect();
        assert_eq!(taken, [("a", 2, &None), ("b", 2, &None)]);
    }

    #[test]
    fn what_fails_its_rule_counts_and_is_told() {
        let span = ("2026-09-01T00:00:00Z", "2026-09-01T00:02:00Z");
        let base = |kind| window("x", kind, span);
        let late = Window { announced_at: Some(at("2026-08-29T00:00:01Z")), ..base("maintenance") };
        let cases = [
            (base("maintenance"), None),
            (late, Some("must be announced 72 hours before, by 2026-08-29T00:00:00Z, and was at 2026-08-29T00:00:01Z")),
            (Window { announced_at: None, ..base("maintenance") }, Some("and it was not")),
            (Window { approved_by: " ".to_owned(), ..base("correction") }, Some("nobody approved it")),
            (Window { ticket_ref: None, ..base("customer_fault") }, Some("customer_fault needs a ticket")),
            (Window { ticket_ref: None, ..base("correction") }, None),
            (base("force_majeure"), None),
            (base("holiday"), Some("is none that counts")),
            (Window { ends_at: at(span.0), ..base("correction") }, Some("ends before it begins")),
            (Window { region: Some("eu".to_owned()), ..base("correction") }, Some("is for region eu")),
        ];
        for (window, expected) in cases {
            let (applied, excluded) = exclude(&slices(10), vec![window], (&rule(), &[]));
            match expected {
                None => assert_eq!((applied[0].ignored.as_deref(), excluded.len()), (None, 2)),
                Some(part) => {
                    let why = applied[0].ignored.as_deref().expect("ignored");
                    assert!(why.contains(part) && excluded.is_empty(), "{why}");
                }
            }
        }
        let of_region = Window { region: Some("eu".to_owned()), ..base("correction") };
        let (_, excluded) = exclude(&slices(10), vec![of_region], (&rule(), &["eu".to_owned()]));
        assert_eq!(excluded.len(), 2, "the only region of the SLA");
    }

    #[test]
    fn maintenance_beyond_its_cap_counts() {
        let windows = vec![
            window("a", "maintenance", ("2026-09-01T00:00:00Z", "2026-09-01T00:03:00Z")),
            window("b", "maintenance", ("2026-09-01T00:04:00Z", "2026-09-01T00:08:00Z")),
        ];
        let (applied, excluded) = exclude(&slices(10), windows, (&rule(), &[]));
        assert_eq!(excluded.keys().copied().collect::<Vec<_>>(), [0, 1, 2, 4, 5]);
        let why = applied[1].ignored.as_deref().expect("told");
        assert_eq!(why, "maintenance of a period beyond 5 minutes counts; 2 slices of it were left out");
    }
}
