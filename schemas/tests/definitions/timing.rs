//! When jobs run, as their files say it.

use chrono_tz::Tz;
use schemas::{
    After, AfterInterval, CatchUp, Concurrency, Dialect, Job, JobId, JobKind, Lake, Retry, SourceFile, Timing, check,
    in_order, rfc3339,
};

use crate::acme::{acme, file, plus, with};

#[track_caller]
fn job<'a>(lake: &'a Lake, name: &str) -> &'a Job {
    lake.job(&JobId::parse(name).expect("a name")).expect("declared")
}

#[track_caller]
fn checked(files: &[SourceFile]) -> Lake {
    check(files).expect("is right")
}

#[test]
fn a_job_says_when_it_runs() {
    let lake = checked(&acme());
    let Timing { schedule, after, retry, timeout_seconds, slow_after_seconds, .. } = &job(&lake, "verify-daily").timing;
    let schedule = schedule.as_ref().expect("a schedule");
    let cron = &schedule.cron;
    assert_eq!((cron.text(), cron.dialect(), cron.zone()), ("30 6 * * MON-FRI", Dialect::Posix, Tz::America__New_York));
    assert_eq!(schedule.start.map(rfc3339).as_deref(), Some("2026-01-01T05:00:00Z"));
    assert_eq!((schedule.catch_up, schedule.concurrency), (CatchUp::Newest(48), Concurrency::Forbid));
    let lengths = (schedule.starting_deadline_seconds, schedule.lateness_seconds, schedule.jitter_seconds);
    assert_eq!(lengths, (6 * 3_600, 900, 300));
    let waits =
        |job: &str, interval, wait_seconds| After { job: JobId::parse(job).expect("a name"), interval, wait_seconds };
    let trail = waits("ingest-trail", AfterInterval::Covering, 86_400);
    assert_eq!(*after, [trail, waits("soc2-daily", AfterInterval::Latest, 4 * 3_600)]);
    assert_eq!(*retry, Retry { max: 5, base_seconds: 10, factor: 3, cap_seconds: 600 });
    assert_eq!((*timeout_seconds, *slow_after_seconds), (Some(3_600), Some(1_200)));
    let follows = &job(&lake, "retention-daily").timing;
    let same = [waits("ingest-app", AfterInterval::Same, 86_400)];
    assert_eq!((&follows.schedule, follows.after.as_slice()), (&None, same.as_slice()));
}

#[test]
fn what_is_left_out_has_a_default() {
    let short = plus("jobs/verify-daily.yaml", b"job: verify-daily\nkind: verify\nschedule: {cron: '@daily'}\n");
    let lake = checked(&short);
    let Timing { schedule, after, retry, timeout_seconds, slow_after_seconds, .. } = &job(&lake, "verify-daily").timing;
    let schedule = schedule.as_ref().expect("a schedule");
    assert_eq!(schedule.cron.zone(), Tz::Europe__Berlin, "the lake's");
    assert_eq!((schedule.start, schedule.catch_up, schedule.concurrency), (None, CatchUp::Latest, Concurrency::Queue));
    let lengths = (schedule.starting_deadline_seconds, schedule.lateness_seconds, schedule.jitter_seconds);
    assert_eq!(lengths, (86_400, 0, 0));
    assert_eq!((after.len(), *timeout_seconds, *slow_after_seconds), (0, None, None));
    assert_eq!(*retry, Retry { max: 3, base_seconds: 30, factor: 2, cap_seconds: 900 });
    assert_eq!(job(&lake, "soc2-daily").timing, Timing::default());
    let mut nowhere = short;
    nowhere.retain(|file| file.path != "lake.yaml");
    nowhere.push(file("lake.yaml", b"lake: acme\nstore: file:./data\n"));
    let lake = checked(&nowhere);
    let schedule = job(&lake, "verify-daily").timing.schedule.as_ref();
    assert_eq!(schedule.map(|schedule| schedule.cron.zone()), Some(Tz::UTC));
}

#[test]
fn a_first_interval_begins_with_a_day_of_the_zone_or_at_an_instant() {
    for (zone, start, at) in [
        ("America/New_York", "2026-07-01", "2026-07-01T04:00:00Z"),
        ("UTC", "2026-01-01T06:00:00+02:00", "2026-01-01T04:00:00Z"),
        // Midnight is skipped.
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z"),
        // So is the whole day.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),
        // Midnight comes twice.
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"),
    ] {
        let text = format!("timezone: {zone}\n  start: {start}");
        let lake = checked(&with("jobs/verify-daily.yaml", "timezone: America/New_York\n  start: 2026-01-01", &text));
        let schedule = job(&lake, "verify-daily").timing.schedule.as_ref();
        assert_eq!(schedule.and_then(|one| one.start).map(rfc3339).as_deref(), Some(at), "{start} in {zone}");
    }
}

#[test]
fn every_word_of_catch_up_means_itself() {
    for (word, meant) in [("none", CatchUp::None), ("latest", CatchUp::Latest), ("all", CatchUp::All)] {
        let lake = checked(&with("jobs/verify-daily.yaml", "{all: 48}", word));
        let schedule = job(&lake, "verify-daily").timing.schedule.as_ref();
        assert_eq!(schedule.map(|schedule| schedule.catch_up), Some(meant));
    }
}

#[test]
fn a_job_that_is_due_needs_no_window() {
    let kinds = [
        ("jobs/soc2-daily.yaml", "window: 30d\n", "soc2-daily"),
        ("jobs/tenant-month.yaml", "window: 30d\n", "tenant-month"),
        ("jobs/denied-daily.yaml", "window: 1d\n", "denied-daily"),
    ];
    for (path, window, name) in kinds {
        for (timing, has_window) in [
            ("schedule: {cron: '@daily'}\n".to_owned(), false),
            ("after: [{job: ingest-trail}]\n".to_owned(), false),
            (format!("schedule: {{cron: '@daily'}}\n{window}"), true),
            (window.to_owned(), true),
        ] {
            let lake = checked(&with(path, window, &timing));
            let given = match &job(&lake, name).kind {
                JobKind::ComplianceReport(spec) => spec.window_seconds,
                JobKind::Query(spec) => spec.window_seconds,
                JobKind::Export(spec) => spec.window_seconds,
                other => panic!("{other:?}"),
            };
            assert_eq!(given.is_some(), has_window, "{name} with {timing}");
        }
        let errors = check(&with(path, window, "retry: {max: 1}\n")).map(drop).expect_err("is refused");
        assert!(matches!(errors.as_slice(), [one] if one.message.starts_with("window is required: ")), "{errors:?}");
    }
}

/// A lake of verifications, each with the jobs that it waits for.
fn chain(waits: &[(&str, &[&str])]) -> Vec<SourceFile> {
    let mut files = vec![file("lake.yaml", b"lake: acme\nstore: file:./data\n")];
    for (name, after) in waits {
        let listed: Vec<String> = after.iter().map(|job| format!("{{job: {job}}}")).collect();
        let after = if listed.is_empty() { String::new() } else { format!("after: [{}]\n", listed.join(", ")) };
        let text = format!("job: {name}\nkind: verify\nschedule: {{cron: '@daily'}}\n{after}");
        files.push(file(&format!("jobs/{name}.yaml"), text.as_bytes()));
    }
    files
}

#[test]
fn jobs_come_behind_those_that_they_wait_for() {
    let order = |waits: &[(&str, &[&str])]| {
        let lake = checked(&chain(waits));
        in_order(&lake.jobs).into_iter().map(|job| job.id.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(order(&[]), "");
    assert_eq!(order(&[("c", &[]), ("a", &[]), ("b", &[])]), "a b c");
    assert_eq!(order(&[("a", &["c"]), ("b", &[]), ("c", &[])]), "b c a");
    assert_eq!(order(&[("a", &["b", "d"]), ("b", &["d"]), ("c", &["a"]), ("d", &[]), ("e", &[])]), "d b a c e");
    // What is not among the jobs holds nobody up.
    let lake = checked(&chain(&[("a", &["b"]), ("b", &[])]));
    assert_eq!(in_order(&lake.jobs[..1]).len(), 1);
}

#[test]
fn what_covers_no_time_is_not_waited_for_to_cover_any() {
    let said = |of_a: &str, after: &str| {
        let mut files = chain(&[]);
        files.push(file("jobs/a.yaml", format!("job: a\nkind: verify\n{of_a}").as_bytes()));
        files.push(file(
            "jobs/b.yaml",
            format!("job: b\nkind: verify\nschedule: {{cron: '@daily'}}\nafter: [{after}]\n").as_bytes(),
        ));
        let errors = check(&files).map(drop).err().unwrap_or_default();
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        said("", "{job: a}"),
        "jobs/b.yaml:4:15: runs of job \"a\" cover no time, as it has neither schedule nor window, so none is ever waited for \
         with success; give it a schedule, or write interval: latest"
    );
    assert_eq!(said("", "{job: a, interval: latest}"), "");
    assert_eq!(said("schedule: {cron: '@hourly'}\n", "{job: a}"), "");
}

#[test]
fn jobs_that_wait_for_one_another_are_refused_once_for_each_circle() {
    let said = |waits: &[(&str, &[&str])]| {
        let errors = check(&chain(waits)).map(drop).err().unwrap_or_default();
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(said(&[("a", &["b"]), ("b", &["c"]), ("c", &[])]), "");
    assert_eq!(
        said(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["a"])]),
        "jobs/a.yaml:4:15: job \"a\" waits for \"b\", which waits for \"c\", which waits for \"a\"; take one of these out"
    );
    let two = said(&[("a", &["z", "b"]), ("b", &["a"]), ("p", &["q"]), ("q", &["p"]), ("z", &[])]);
    assert_eq!(
        two,
        "jobs/a.yaml:4:25: job \"a\" waits for \"b\", which waits for \"a\"; take one of these out\n\
         jobs/p.yaml:4:15: job \"p\" waits for \"q\", which waits for \"p\"; take one of these out"
    );
    // The shorter way is the one that is told.
    let short = said(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &["a"])]);
    assert!(short.contains("\"a\" waits for \"c\", which waits for \"a\""), "{short}");
}
