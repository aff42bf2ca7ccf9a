//! Golden figures, and random months against an implementation that follows the rules minute by minute.

mod slow;

use super::*;
use crate::sla::attained::SlaStatus;
use crate::sla::slices::{Counted, count, of_requests};
use chrono::TimeDelta;
use schemas::{
    DatasetId, ExclusionRule, FeeRule, PeriodLength, Share, SlaId, SlaMethod, SliceRule, Tier, TierChange,
    shipped_tiers,
};

fn share(text: &str) -> Share {
    Share::of_percent(text).expect("a percentage")
}

pub(in crate::sla) fn sla(zone: &str, tier: &str) -> Sla {
    Sla {
        id: SlaId::parse("api").expect("a name"),
        service: "api".to_owned(),
        measured: Measured::Requests {
            dataset: DatasetId::parse("requests").expect("a name"),
            routes: Vec::new(),
            regions: Vec::new(),
        },
        method: SlaMethod::Timeslices,
        period: PeriodLength::Month,
        timezone: zone.parse().expect("a zone"),
        slices: SliceRule { minutes: 1, min_total: 100, bad: share("10"), min_bad: 1 },
        max_unknown: share("1"),
        tiers: shipped_tiers().to_vec(),
        tenants: BTreeMap::from([("acme".to_owned(), tier.to_owned())]),
        changes: Vec::new(),
        exclusions: Some(ExclusionRule {
            dataset: DatasetId::parse("exclusions").expect("a name"),
            notice_seconds: 72 * 3_600,
            maintenance_minutes_max: 240,
        }),
        fees: Some(FeeRule {
            dataset: DatasetId::parse("usage").expect("a name"),
            service: "api".to_owned(),
            currency: "EUR".to_owned(),
            decimals: 2,
        }),
        settle_seconds: 0,
        sha256: String::new(),
    }
}

fn tiers(uptime: &str) -> Tiers {
    let tier = Tier { uptime: Some(share(uptime)), p95_us: None, errors: None, money: true };
    Tiers { tiers: BTreeMap::from([("pro".to_owned(), tier)]), ..shipped_tiers()[0].clone() }
}

fn fee(cost: i128) -> FeeRow {
    FeeRow {
        usage_id: "u".to_owned(),
        billed_cost: cost * 1_000_000_000_000,
        currency: "EUR".to_owned(),
        raw_ref: String::new(),
    }
}

/// A month whose slices are good but for the first, which are as `bad` has them.
fn measured(sla: &Sla, period: SlaPeriod, bad: usize) -> Measurements {
    let interval = period.interval(CivilZone::from(sla.timezone)).expect("in the calendar");
    let good = Counted { total: 100, failed: 0, slow: 0, is_measured: true };
    let mut counted = vec![good; count(interval, sla.slices)];
    counted[..bad].fill(Counted { failed: 50, ..good });
    let slices = of_requests(interval, sla.slices, counted);
    Measurements {
        slices,
        windows: Vec::new(),
        fees: Some(vec![fee(500)]),
        targets: vec![(0, None)],
        minutes: Vec::new(),
    }
}

fn uptime(zone: &str, month: &str, (target, bad): (&str, usize)) -> Attained {
    let (sla, tiers) = (sla(zone, "pro"), tiers(target));
    let period = PeriodLength::Month.parse(month).expect("a month");
    let judged = judge((&sla, &tiers), ("acme", period), &measured(&sla, period, bad)).expect("judged").period;
    judged.parts[0].attained[0].clone()
}

#[test]
fn as_many_bad_minutes_as_the_target_spares_still_attain() {
    let months = [
        ("UTC", "2026-02", 40_320, [403, 201, 40, 4]),
        ("UTC", "2026-09", 43_200, [432, 216, 43, 4]),
        ("Europe/Berlin", "2026-03", 44_580, [445, 222, 44, 4]),
        ("UTC", "2026-12", 44_640, [446, 223, 44, 4]),
        ("Europe/Berlin", "2026-10", 44_700, [447, 223, 44, 4]),
        // A leap year's February.
        ("UTC", "2028-02", 41_760, [417, 208, 41, 4]),
    ];
    for (zone, month, minutes, spared) in months {
        for (target, bad) in ["99.0", "99.5", "99.9", "99.99"].into_iter().zip(spared) {
            let kept = uptime(zone, month, (target, bad));
            assert_eq!(
                (kept.status, kept.valid, kept.budget_left),
                (SlaStatus::Ok, minutes, Some(0)),
                "{month} {target}"
            );
            let missed = uptime(zone, month, (target, bad + 1));
            assert_eq!((missed.status, missed.budget_left), (SlaStatus::Missed, Some(-1)), "{month} {target}");
        }
    }
    let shown = |bad| {
        let one = uptime("UTC", "2026-09", ("99.9", bad));
        schemas::percent_of(one.good, one.valid, 4)
    };
    assert_eq!([shown(43), shown(44)], ["99.9004", "99.8981"]);
}

#[test]
fn the_last_band_that_holds_counts() {
    let credit = |bad| uptime("UTC", "2026-09", ("99.9", bad)).credit.get();
    assert_eq!([43, 44, 432, 433, 2_160, 2_161, 43_200].map(credit), [0, 1_000, 1_000, 2_500, 2_500, 5_000, 5_000]);
}

#[test]
fn the_largest_credit_counts_and_not_the_sum() {
    let sla = sla("UTC", "pro");
    let period = PeriodLength::Month.parse("2026-09").expect("a month");
    let mut measured = measured(&sla, period, 500);
    measured.targets = vec![(0, Some(200_000))];
    for slice in &mut measured.slices.counted {
        slice.slow = 10;
    }
    let judged = judge((&sla, &sla.tiers[0]), ("acme", period), &measured).expect("judged").period;
    let part = &judged.parts[0];
    let told: Vec<_> = part.attained.iter().map(|one| (one.metric, one.status, one.credit.get())).collect();
    let (missed, kept) = (SlaStatus::Missed, SlaStatus::Ok);
    let expected = [(Metric::Uptime, missed, 2_500), (Metric::Errors, kept, 0), (Metric::Latency, missed, 1_000)];
    assert_eq!(told, expected);
    assert_eq!((part.owed_for, part.amount), (Some(Metric::Uptime), Some(1_250_000)));
    // Slow requests that were counted by another target decide nothing.
    measured.targets = vec![(0, Some(200_000)), (40_000, Some(250_000))];
    let judged = judge((&sla, &sla.tiers[0]), ("acme", period), &measured).expect("judged").period;
    let latency = &judged.parts[0].attained[2];
    assert_eq!(latency.status, SlaStatus::NotEvaluated);
    let why = latency.why.as_deref().expect("told");
    assert_eq!(why, "slow requests were counted over 250000 µs, and 200000 µs are promised");
}

#[test]
fn what_is_not_known_is_neither_kept_nor_missed() {
    let sla = sla("UTC", "pro");
    let period = PeriodLength::Month.parse("2026-09").expect("a month");
    let with_unknown = |unknown: usize| {
        let mut measured = measured(&sla, period, 44);
        measured.slices.verdicts[1_000..1_000 + unknown].fill(Verdict::Unknown);
        let judged = judge((&sla, &tiers("99.9")), ("acme", period), &measured).expect("judged").period;
        (judged.parts[0].attained[0].clone(), judged.credit.expect("fees").amount)
    };
    let (few, credit) = with_unknown(432);
    assert_eq!((few.status, few.valid, few.unknown, credit), (SlaStatus::Missed, 43_200 - 432, 432, 500_000));
    let (many, credit) = with_unknown(433);
    assert_eq!((many.status, many.budget_left, credit), (SlaStatus::NotEvaluated, None, 0));
    assert!(many.why.is_some_and(|why| why.contains("nothing is known of 1.00 % of the slices")));
    let (sla, mut nothing) = (&sla, measured(&sla, period, 0));
    nothing.slices.verdicts.fill(Verdict::Unknown);
    let free = Sla { max_unknown: share("100"), ..sla.clone() };
    let judged = judge((&free, &tiers("99.9")), ("acme", period), &nothing).expect("judged").period;
    assert_eq!(judged.parts[0].attained[0].status, SlaStatus::NotApplicable);
}

#[test]
fn another_currency_gives_no_amount() {
    let sla = sla("UTC", "pro");
    let period = PeriodLength::Month.parse("2026-09").expect("a month");
    let mut measured = measured(&sla, period, 44);
    let dollars = FeeRow { usage_id: "u-2".to_owned(), currency: "USD".to_owned(), ..fee(1) };
    measured.fees = Some(vec![fee(500), dollars]);
    let judged = judge((&sla, &tiers("99.9")), ("acme", period), &measured).expect("judged").period;
    assert_eq!(judged.credit, None);
    assert!(judged.no_credit.is_some_and(|why| why.starts_with("charge u-2 is in USD, and the contract is in EUR")));
    measured.fees = Some(Vec::new());
    let judged = judge((&sla, &tiers("99.9")), ("acme", period), &measured).expect("judged").period;
    assert!(judged.credit.and_then(|credit| credit.note).is_some_and(|note| note.contains("no charge of service api")));
}

#[test]
fn a_tenant_that_changes_its_tier_is_judged_in_parts() {
    let mut sla = sla("Europe/Berlin", "basic");
    let from = "2026-09-15".parse().expect("a day");
    sla.changes = vec![TierChange { tenant: "acme".to_owned(), from, tier: "enterprise".to_owned() }];
    let period = PeriodLength::Month.parse("2026-09").expect("a month");
    let mut measured = measured(&sla, period, 0);
    // Ten bad minutes in each part: basic bears them, enterprise does not.
    let second = measured.slices.within(Interval {
        start: CivilZone::from(sla.timezone).start_of(from).expect("a day"),
        end: measured.slices.start + TimeDelta::days(40),
    });
    for slice in (0..10).chain(second.start..second.start + 10) {
        measured.slices.verdicts[slice] = Verdict::Bad;
    }
    let judged = judge((&sla, &sla.tiers[0]), ("acme", period), &measured).expect("judged").period;
    let told: Vec<_> = judged
        .parts
        .iter()
        .map(|part| (part.tier.as_str(), part.days, part.attained[0].valid, part.attained[0].status, part.amount))
        .collect();
    // 500.00 × 10 % × 16/30 = 26.67.
    let expected = [
        ("basic", 14, 14 * 1_440, SlaStatus::Ok, Some(0)),
        ("enterprise", 16, 16 * 1_440, SlaStatus::Missed, Some(266_700)),
    ];
    assert_eq!(told, expected);
}

#[test]
fn figures_are_those_of_a_slow_implementation() {
    let months = std::env::var("AUDITLAKE_MONTHS").ok().and_then(|count| count.parse().ok()).unwrap_or(300);
    for seed in 0..months {
        let month = slow::Month::random(seed);
        let judged =
            judge((&month.sla, &month.tiers), ("acme", month.period), &month.measured()).expect("judged").period;
        assert_eq!(slow::figures(&judged), month.figures(), "seed {seed}");
    }
}
