//! Intervals and what is due, by chance: whatever runners are there, whatever is edited, nothing overlaps or is left out.

pub(crate) mod faulty;
mod simulation;
mod streams;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::{CatchUp, Concurrency, Cron, Dialect, Interval, JobId, Schedule, parse_rfc3339};

use super::due::{Busy, Facts, MissedReason, Pause, sort_out};
use super::known::{KnownRun, Standing};
use super::slots::{Slot, slots, unclear};
use super::upstream::lacking;

fn at(text: &str) -> DateTime<Utc> {
    parse_rfc3339(text).expect("an instant")
}

fn cron(pattern: &str, zone: Tz) -> Cron {
    Cron::parse(pattern, Dialect::Posix, zone).expect("a pattern")
}

fn schedule(pattern: &str, catch_up: CatchUp, concurrency: Concurrency) -> Schedule {
    Schedule {
        cron: cron(pattern, Tz::UTC),
        start: None,
        catch_up,
        starting_deadline_seconds: 24 * 3600,
        lateness_seconds: 0,
        jitter_seconds: 0,
        concurrency,
        revise_within_seconds: None,
    }
}

/// What is recorded of a job, in place of a ledger.
#[derive(Debug, Clone, Default)]
struct Recorded {
    runs: BTreeMap<DateTime<Utc>, (Interval, KnownRun)>,
}

impl Recorded {
    fn run(&mut self, interval: Interval) -> &mut KnownRun {
        let (known, run) = self.runs.entry(interval.end).or_insert_with(|| (interval, KnownRun::of(interval.end)));
        assert_eq!(*known, interval, "a run has one interval");
        run
    }

    fn set(&mut self, interval: Interval, standing: Standing) {
        self.run(interval).standing = standing;
    }

    /// What a listing tells, and what is read where it does not tell enough.
    fn known(&self, cron: &Cron, begin: DateTime<Utc>) -> Vec<KnownRun> {
        let mut known: Vec<KnownRun> = self.runs.values().map(|(_, run)| run.clone()).collect();
        for index in unclear(cron, begin, &known) {
            known[index].interval = self.runs.get(&known[index].instant).map(|(interval, _)| *interval);
        }
        known
    }
}

/// The state of one simulated job.
struct Simulated {
    chance: ChaCha8Rng,
    recorded: Recorded,
    begin: DateTime<Utc>,
    now: DateTime<Utc>,
    schedule: Schedule,
    pauses: Vec<Pause>,
    busy: Option<Busy>,
}

const PATTERNS: [(&str, Tz); 8] = [
    ("0 * * * *", Tz::UTC),
    ("*/7 * * * *", Tz::UTC),
    ("30 2 * * *", Tz::Europe__Berlin),
    ("15,45 2 * * *", Tz::America__New_York),
    ("30 1-3 * * *", Tz::Australia__Lord_Howe),
    ("0 */2 * * *", Tz::Asia__Kolkata),
    ("0 9 * * MON-FRI", Tz::Europe__Berlin),
    ("0 0 1 * *", Tz::America__Santiago),
];

impl Simulated {
    fn new(seed: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let begin = at("2026-03-27T00:00:00Z") + TimeDelta::minutes(chance.random_range(0..600));
        let mut one = Self {
            recorded: Recorded::default(),
            begin,
            now: begin,
            schedule: schedule("0 * * * *", CatchUp::Latest, Concurrency::Queue),
            pauses: Vec::new(),
            busy: None,
            chance,
        };
        one.edit();
        one
    }

    fn edit(&mut self) {
        let (pattern, zone) = PATTERNS[self.chance.random_range(0..PATTERNS.len())];
        let catch_up = match self.chance.random_range(0..4) {
            0 => CatchUp::None,
            1 => CatchUp::Latest,
            2 => CatchUp::All,
            _ => CatchUp::Newest(self.chance.random_range(1..4)),
        };
        let concurrency = if self.chance.random_bool(0.5) { Concurrency::Queue } else { Concurrency::Forbid };
        self.schedule = Schedule {
            cron: cron(pattern, zone),
            starting_deadline_seconds: self.chance.random_range(0..200_000),
            lateness_seconds: if self.chance.random_bool(0.3) { self.chance.random_range(0..7_200) } else { 0 },
            jitter_seconds: if self.chance.random_bool(0.3) { self.chance.random_range(0..600) } else { 0 },
            ..schedule("0 * * * *", catch_up, concurrency)
        };
    }

    fn slots(&self) -> Vec<Slot> {
        let known = self.recorded.known(&self.schedule.cron, self.begin);
        slots(&self.schedule.cron, self.begin, self.now, &known)
    }

    /// A runner looks, and works for a while.
    fn look(&mut self) {
        let job = JobId::parse("job").expect("a name");
        let facts = Facts {
            job: &job,
            schedule: Some(&self.schedule),
            pauses: &self.pauses,
            again: &[],
            busy: self.busy,
            now: self.now,
        };
        let sorted = sort_out(self.slots(), &facts);
        for (slot, _) in &sorted.missed {
            self.recorded.set(slot.interval, Standing::Missed);
        }
        for slot in &sorted.queued {
            self.recorded.set(slot.interval, Standing::Queued);
        }
        let Some(open) = sorted.open.first() else { return };
        assert!(open.due_at <= self.now);
        assert!(open.slot.standing() != Some(Standing::Committed), "nothing is computed twice");
        let from = self.now;
        self.now += TimeDelta::minutes(self.chance.random_range(0..300));
        let standing = match self.chance.random_range(0..10) {
            0 => Standing::Begun,
            1 => Standing::Failed,
            _ => Standing::Committed,
        };
        self.recorded.run(open.slot.interval).begun.push(1);
        self.recorded.set(open.slot.interval, standing);
        self.busy = Some(Busy { from, until: (standing != Standing::Begun).then_some(self.now) });
    }

    fn step(&mut self) {
        let longest = if self.chance.random_bool(0.1) { 6_000 } else { 90 };
        self.now += TimeDelta::minutes(self.chance.random_range(0..longest));
        match self.chance.random_range(0..40) {
            0 => self.edit(),
            1 if self.pauses.last().is_none_or(|pause| pause.until.is_some()) => {
                self.pauses.push(Pause { from: self.now, until: None });
            }
            2 | 3 => {
                if let Some(pause) = self.pauses.last_mut() {
                    pause.until = pause.until.or(Some(self.now));
                }
            }
            _ => self.look(),
        }
    }

    /// Every interval follows the one before it, and each is recorded once.
    fn check(&self, seed: u64) {
        let mut end = self.begin;
        for slot in self.slots() {
            assert_eq!(slot.interval.start, end, "seed {seed}: a gap or an overlap at {end}");
            assert!(slot.interval.end > slot.interval.start, "seed {seed}: an empty interval at {end}");
            end = slot.interval.end;
        }
        let mut recorded_end = self.begin;
        for (interval, _) in self.recorded.runs.values() {
            assert!(interval.start >= recorded_end, "seed {seed}: overlap at {}", interval.start);
            recorded_end = interval.end;
        }
        // What is recorded stays what it was, whatever the schedule says now.
        let of_slots: BTreeMap<_, _> =
            self.slots().into_iter().map(|slot| (slot.interval.end, slot.interval)).collect();
        for (instant, (interval, _)) in &self.recorded.runs {
            assert_eq!(of_slots.get(instant), Some(interval), "seed {seed}");
        }
    }
}

#[test]
fn intervals_neither_overlap_nor_leave_a_gap() {
    for seed in 0..300 {
        let mut one = Simulated::new(seed);
        for _ in 0..60 {
            one.step();
        }
        one.check(seed);
    }
}

/// A runner that is always there computes each interval: of ten years, or of a few days in each of many years.
#[test]
fn a_runner_that_is_there_misses_nothing() {
    let years = std::env::var("AUDITLAKE_YEARS").ok().and_then(|years| years.parse().ok()).unwrap_or(1_i64);
    let job = JobId::parse("job").expect("a name");
    let begin = at("2026-01-01T00:00:00Z");
    let mut computed = 0;
    for number in 0..50_usize {
        let (pattern, zone) = PATTERNS[number % PATTERNS.len()];
        let schedule =
            Schedule { cron: cron(pattern, zone), ..schedule("0 * * * *", CatchUp::Latest, Concurrency::Queue) };
        let (mut from, mut now, mut own) = (begin, begin, 0);
        let until = begin + TimeDelta::days(365 * years);
        while let Some(fire) = schedule.cron.next_after(now).filter(|fire| *fire <= until) {
            now = fire;
            let facts = Facts { job: &job, schedule: Some(&schedule), pauses: &[], again: &[], busy: None, now };
            let sorted = sort_out(slots(&schedule.cron, from, now, &[]), &facts);
            assert_eq!((sorted.missed.len(), sorted.open.len()), (0, 1), "{pattern} at {now}");
            assert_eq!(sorted.open[0].slot.interval, Interval { start: from, end: fire });
            // It is closed, and nothing before it is looked at again.
            from = fire;
            own += 1;
        }
        assert_eq!(own, schedule.cron.between(begin, until).count(), "{pattern}");
        computed += own;
    }
    assert!(computed > 100_000, "{computed}");
}

fn missed(
    catch_up: CatchUp,
    concurrency: Concurrency,
    busy: Option<Busy>,
    now: &str,
) -> (Vec<String>, Vec<MissedReason>) {
    let job = JobId::parse("job").expect("a name");
    let schedule = schedule("0 * * * *", catch_up, concurrency);
    let slots = slots(&schedule.cron, at("2026-03-04T09:00:00Z"), at(now), &[]);
    let facts = Facts { job: &job, schedule: Some(&schedule), pauses: &[], again: &[], busy, now: at(now) };
    let sorted = sort_out(slots, &facts);
    let open = sorted.open.iter().map(|open| open.slot.interval.end.format("%H").to_string()).collect();
    (open, sorted.missed.into_iter().map(|(_, reason)| reason).collect())
}

#[test]
fn intervals_that_elapse_during_a_run_are_queued_or_forbidden() {
    let busy = Some(Busy { from: at("2026-03-04T10:00:01Z"), until: Some(at("2026-03-04T12:30:00Z")) });
    // 10 elapsed before the run began, and is late; 11 and 12 elapsed while it was at work; 13 is new.
    let (open, reasons) = missed(CatchUp::Latest, Concurrency::Queue, busy, "2026-03-04T13:00:00Z");
    assert_eq!((open, reasons), (vec!["11".into(), "12".into(), "13".into()], vec![MissedReason::Superseded]));
    let (open, reasons) = missed(CatchUp::Latest, Concurrency::Forbid, busy, "2026-03-04T13:00:00Z");
    assert_eq!(open, ["13"]);
    assert_eq!(reasons, [MissedReason::Superseded, MissedReason::Overlap, MissedReason::Overlap]);
    let at_work = Some(Busy { from: at("2026-03-04T09:59:59Z"), until: None });
    let (open, _) = missed(CatchUp::None, Concurrency::Queue, at_work, "2026-03-04T13:00:00Z");
    assert_eq!(open, ["10", "11", "12", "13"]);
}

fn slot(start: &str, end: &str, standing: Option<Standing>) -> Slot {
    let interval =
        Interval { start: at(&format!("2026-03-04T{start}:00Z")), end: at(&format!("2026-03-04T{end}:00Z")) };
    let known = standing.map(|standing| KnownRun { standing, ..KnownRun::of(interval.end) });
    Slot { interval, known }
}

#[test]
fn what_a_run_waits_for_is_there_or_named() {
    use schemas::{After, AfterInterval};
    let committed = Some(Standing::Committed);
    let theirs = [
        slot("00:00", "01:00", committed),
        slot("01:00", "02:00", committed),
        slot("02:00", "03:00", Some(Standing::Failed)),
        slot("03:00", "04:00", committed),
        slot("04:00", "05:00", None),
    ];
    let ask = |interval, start: &str, end: &str| {
        let after = After { job: JobId::parse("up").expect("a name"), interval, wait_seconds: 0 };
        lacking(&after, (None, &theirs), slot(start, end, None).interval)
    };
    assert_eq!(ask(AfterInterval::Covering, "00:00", "02:00"), None);
    assert_eq!(ask(AfterInterval::Covering, "00:30", "01:30"), None);
    let third = Some("up@20260304T030000Z, which is failed".to_owned());
    assert_eq!(ask(AfterInterval::Covering, "00:00", "04:00"), third);
    let fifth = Some("up@20260304T050000Z, which is not started".to_owned());
    assert_eq!(ask(AfterInterval::Covering, "03:00", "05:00"), fifth);
    let none = ask(AfterInterval::Covering, "05:00", "06:00").expect("nothing is there");
    assert!(none.contains("[2026-03-04T05:00:00Z, 2026-03-04T06:00:00Z), of which there is none"), "{none}");
    assert_eq!(ask(AfterInterval::Same, "00:00", "02:00"), None);
    assert_eq!(ask(AfterInterval::Same, "00:00", "03:00"), third);
    assert_eq!(ask(AfterInterval::Latest, "03:00", "09:00"), None);
    assert_eq!(ask(AfterInterval::Latest, "04:00", "09:00"), fifth);
}
