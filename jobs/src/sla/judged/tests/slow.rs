//! A month judged minute by minute, by the words of the rules and with nothing shared but the definitions.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// What is compared: of each part and metric, and what is paid.
type Row = (String, u128, u128, u64, u64, &'static str, u32);

/// A month, as it happened.
pub(super) struct Month {
    pub(super) sla: Sla,
    pub(super) tiers: Tiers,
    pub(super) period: SlaPeriod,
    interval: Interval,
    counted: Vec<Counted>,
    windows: Vec<Window>,
    fee: i128,
}

/// The figures of a judged month.
pub(super) fn figures(judged: &JudgedPeriod) -> (Vec<Row>, i64) {
    let row = |tier: &str, one: &Attained| {
        let name = format!("{tier} {}", one.metric);
        let (good, valid) = (u128::from(one.good), u128::from(one.valid));
        (name, good, valid, one.excluded, one.unknown, one.status.as_str(), one.credit.get())
    };
    let rows = judged.parts.iter().flat_map(|part| part.attained.iter().map(|one| row(&part.tier, one)));
    (rows.collect(), judged.credit.as_ref().expect("fees").amount)
}

impl Month {
    pub(super) fn random(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let zones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"];
        let mut sla = sla(zones[random.random_range(0..zones.len())], "basic");
        sla.method =
            [SlaMethod::Timeslices, SlaMethod::Occurrences, SlaMethod::RatioTimeslices][random.random_range(0..3)];
        sla.slices.min_bad = random.random_range(1..4);
        sla.slices.minutes = [1, 1, 5, 60][random.random_range(0..4)];
        let month = format!("{}-{:02}", random.random_range(2026..2031), random.random_range(1..13));
        let period = sla.period.parse(&month).expect("a month");
        if random.random_bool(0.4) {
            let from = period.first() + chrono::Days::new(random.random_range(0..28));
            sla.changes = vec![TierChange { tenant: "acme".to_owned(), from, tier: "enterprise".to_owned() }];
        }
        let interval = period.interval(CivilZone::from(sla.timezone)).expect("in the calendar");
        let minutes = (interval.end - interval.start).num_minutes();
        let slices = usize::try_from(minutes).expect("few").div_ceil(sla.slices.minutes as usize);
        let good = Counted { total: 300, failed: 1, slow: 3, is_measured: true };
        let mut counted = vec![good; slices];
        for _ in 0..random.random_range(0..30) {
            let from = random.random_range(0..slices);
            let until = slices.min(from + random.random_range(1..60));
            let total = random.random_range(0..400);
            let failed = random.random_range(0..=total);
            let is_measured = total > 0 || random.random_bool(0.9);
            counted[from..until].fill(Counted { total, failed, slow: random.random_range(0..=total), is_measured });
        }
        let tiers = sla.tiers[0].clone();
        let windows = (0..random.random_range(0..4)).map(|number| window(&mut random, number, interval)).collect();
        Self { sla, tiers, period, interval, counted, windows, fee: random.random_range(0..100_000_000_000_000_000) }
    }

    pub(super) fn measured(&self) -> Measurements {
        let slices = of_requests(self.interval, self.sla.slices, self.counted.clone());
        let fees = vec![FeeRow { billed_cost: self.fee, ..fee(0) }];
        Measurements {
            slices,
            windows: self.windows.clone(),
            fees: Some(fees),
            targets: vec![(0, Some(0))],
            minutes: Vec::new(),
        }
    }

    fn start(&self, slice: usize) -> DateTime<Utc> {
        self.interval.start + self.length() * i32::try_from(slice).expect("few")
    }

    fn length(&self) -> TimeDelta {
        TimeDelta::minutes(self.sla.slices.minutes.into())
    }

    /// More than a tenth of enough requests failed, and so did those beside it for long enough.
    fn is_bad(&self, slice: usize) -> bool {
        let alone = |slice: usize| {
            let counted = self.counted[slice];
            counted.total >= 100 && counted.failed * 10 > counted.total
        };
        if !alone(slice) {
            return false;
        }
        let before = (0..slice).rev().take_while(|other| alone(*other)).count();
        let after = (slice + 1..self.counted.len()).take_while(|other| alone(*other)).count();
        before + 1 + after >= self.sla.slices.min_bad as usize
    }

    /// Slices that lie in a window that holds; of maintenance the first 240 minutes.
    fn excluded(&self) -> Vec<bool> {
        let mut windows: Vec<&Window> = self.windows.iter().collect();
        windows.sort_by_key(|window| window.starts_at);
        let mut excluded = vec![false; self.counted.len()];
        let mut maintenance = 240 / u64::from(self.sla.slices.minutes);
        for window in windows {
            let holds = match window.kind.as_str() {
                "maintenance" => window.announced_at.is_some_and(|at| at + TimeDelta::hours(72) <= window.starts_at),
                "correction" => true,
                _ => window.ticket_ref.is_some(),
            };
            for slice in (0..excluded.len()).filter(|_| holds) {
                let (start, end) = (self.start(slice), self.start(slice) + self.length());
                if excluded[slice] || start < window.starts_at || end > window.ends_at {
                    continue;
                }
                if window.kind == "maintenance" {
                    if maintenance == 0 {
                        continue;
                    }
                    maintenance -= 1;
                }
                excluded[slice] = true;
            }
        }
        excluded
    }

    /// The same figures.
    pub(super) fn figures(&self) -> (Vec<Row>, i64) {
        let (excluded, zone) = (self.excluded(), CivilZone::from(self.sla.timezone));
        let bad: Vec<bool> = (0..self.counted.len()).map(|slice| self.is_bad(slice)).collect();
        let change = self.sla.changes.first().map(|change| change.from).filter(|from| *from > self.period.first());
        let first_tier = match (change, self.sla.changes.first()) {
            (None, Some(_)) => "enterprise",
            _ => "basic",
        };
        let mut parts = vec![(first_tier, self.period.first(), change.unwrap_or(self.period.next()))];
        parts.extend(change.map(|from| ("enterprise", from, self.period.next())));
        let (mut rows, mut owed) = (Vec::new(), Vec::new());
        for (tier, from, until) in parts {
            let first_of = zone.start_of(from).expect("a day");
            let next = zone.start_of(until).expect("a day");
            let within = (0..self.counted.len()).filter(|slice| (first_of..next).contains(&self.start(*slice)));
            let within: Vec<usize> = within.collect();
            let credits = self.part(tier, &within, (&bad, &excluded), &mut rows);
            owed.push((credits, (until - from).num_days()));
        }
        (rows, self.paid(&owed))
    }

    /// Adds the rows of a part; the largest of its credits, in hundredths of a per cent.
    fn part(&self, tier: &str, within: &[usize], (bad, excluded): (&[bool], &[bool]), rows: &mut Vec<Row>) -> u32 {
        // Promises of the shipped tiers, in millionths: uptime and errors.
        let (uptime, errors) = if tier == "basic" { (995_000, 20_000) } else { (999_900, 5_000) };
        let counts: Vec<usize> = within.iter().copied().filter(|slice| !excluded[*slice]).collect();
        let left_out = (within.len() - counts.len()) as u64;
        let is_unknown = |slice: &usize| self.counted[*slice].total == 0 && !self.counted[*slice].is_measured;
        let unknown = counts.iter().filter(|slice| is_unknown(slice)).count() as u64;
        let known: Vec<usize> = counts.iter().copied().filter(|slice| !is_unknown(slice)).collect();
        let total: u128 = counts.iter().map(|slice| u128::from(self.counted[*slice].total)).sum();
        let failed: u128 = counts.iter().map(|slice| u128::from(self.counted[*slice].failed)).sum();
        let slow: u128 = counts.iter().map(|slice| u128::from(self.counted[*slice].slow)).sum();
        let billion = 1_000_000_000;
        let (good, valid) = match self.sla.method {
            SlaMethod::Timeslices => (known.iter().filter(|slice| !bad[**slice]).count() as u128, known.len() as u128),
            SlaMethod::Occurrences => (total - failed, total),
            SlaMethod::RatioTimeslices => {
                let ratio = |slice: &usize| match self.counted[*slice] {
                    Counted { total: 0, .. } => billion,
                    Counted { total, failed, .. } => u128::from(total - failed) * billion / u128::from(total),
                };
                (known.iter().map(ratio).sum(), known.len() as u128 * billion)
            }
        };
        let is_unclear = unknown * 100 > within.len() as u64;
        let status = |good: u128, valid: u128, millionths: u128, is_unclear: bool| match valid {
            _ if is_unclear => "not_evaluated",
            0 => "not_applicable",
            _ if good * 1_000_000 >= millionths * valid => "ok",
            _ => "missed",
        };
        let is_below = |per_cent: u128| good * 100 < per_cent * valid;
        let uptime = status(good, valid, uptime, is_unclear);
        let errors = status(total - failed, total, 1_000_000 - errors, is_unclear);
        let uptime_credit = match uptime {
            "missed" if is_below(95) => 5_000,
            "missed" if is_below(99) => 2_500,
            "missed" => 1_000,
            _ => 0,
        };
        let errors_credit = if errors == "missed" { 1_000 } else { 0 };
        let mut add = |metric: &str, good, valid, status, credit| {
            rows.push((format!("{tier} {metric}"), good, valid, left_out, unknown, status, credit));
        };
        add("uptime", good, valid, uptime, uptime_credit);
        add("errors", total - failed, total, errors, errors_credit);
        // No request was counted by the tier's own target.
        add("latency", total - slow, total, "not_evaluated", 0);
        uptime_credit.max(errors_credit)
    }

    /// Cents, half away from zero, of nothing that is negative; below one euro nothing is paid.
    fn paid(&self, owed: &[(u32, i64)]) -> i64 {
        let days: i64 = owed.iter().map(|(_, days)| days).sum();
        let sum: i128 = owed.iter().map(|(credit, days)| i128::from(*credit) * i128::from(*days)).sum();
        let exact = self.fee * sum;
        let unit = i128::from(days) * 10_000 * 10_000_000_000;
        let (cents, rest) = (exact / unit, exact % unit);
        let cents = if rest * 2 >= unit { cents + 1 } else { cents };
        if cents < 100 { 0 } else { i64::try_from(cents).expect("small") * 100 }
    }
}

fn window(random: &mut ChaCha8Rng, number: u32, interval: Interval) -> Window {
    let minutes = (interval.end - interval.start).num_minutes();
    let kinds = ["maintenance", "maintenance", "correction", "customer_fault"];
    let starts_at = interval.start + TimeDelta::seconds(random.random_range(-3_600..minutes * 60));
    Window {
        id: format!("x-{number}"),
        revision: 1,
        kind: kinds[random.random_range(0..kinds.len())].to_owned(),
        starts_at,
        ends_at: starts_at + TimeDelta::seconds(random.random_range(1..20_000)),
        announced_at: random.random_bool(0.8).then(|| starts_at - TimeDelta::hours(random.random_range(60..100))),
        approved_by: "ops".to_owned(),
        ticket_ref: random.random_bool(0.7).then(|| "OPS-1".to_owned()),
        region: None,
        reason: String::new(),
    }
}
