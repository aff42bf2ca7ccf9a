//! `slas/*.yaml`: support agreements and calendars, and jobs that judge them.

use expect_test::{Expect, expect};
use schemas::{ALWAYS, DefinitionError, JobKind, Lake, PeriodLength, Share, TicketMetric};

use crate::sla::{is_refused, with_datasets};

const CALENDAR: &str = "calendar: berlin
version: 1
effective: 2026-01-01
timezone: Europe/Berlin
hours:
  mon: \"09:00-17:30\"
  fri: [\"13:00-15:00\", \"09:00-12:00\"]
holidays: [2026-10-03, 2026-12-25]
";

const SUPPORT: &str = "support: helpdesk
dataset: tickets
calendar: berlin
calendars: {globex: 24x7}
period: quarter
timezone: UTC
limits:
  - version: 2
    effective: 2027-01-01
    tier: {pro: {p1: {response: 15m}}, free: {p1: {response: 8h}}}
  - version: 1
    effective: 2026-01-01
    tier:
      pro: {p1: {response: 30m, resolution: 4h}, p4: {resolution: 40h}}
      free: {p1: {response: 8h}}
share: {response: \"95\"}
warn: \"75\"
pauses: [waiting_customer]
tenants: {acme: pro, globex: free}
settle: 24h
";

const JOB: &str = "job: support-monthly
kind: sla
sla: helpdesk
into: results
outputs: [{format: html, to: \"support/{interval.end:%Y-%m-%d}/\"}]
";

const DATASETS: [(&str, &str); 2] = [("tickets", "ticket.v1"), ("results", "sla_result.v1")];

fn lake(files: &[(&str, &str)]) -> Result<Lake, Vec<DefinitionError>> {
    with_datasets(&DATASETS, files)
}

/// What is wrong when a text of the agreement or of the calendar is another one.
#[track_caller]
fn says(from: &str, to: &str, expected: Expect) {
    assert!(SUPPORT.contains(from) || CALENDAR.contains(from), "{from}");
    let (support, calendar) = (SUPPORT.replacen(from, to, 1), CALENDAR.replacen(from, to, 1));
    is_refused(lake(&[("slas/a.yaml", &support), ("slas/b.yaml", &calendar)]), expected);
}

#[test]
fn an_agreement_its_calendar_and_its_job_are_read_whole() {
    let files = [("slas/helpdesk.yaml", SUPPORT), ("slas/berlin.yaml", CALENDAR), ("jobs/support.yaml", JOB)];
    let lake = lake(&files).expect("is right");
    let support = &lake.supports[0];
    assert_eq!((support.id.as_str(), support.dataset.as_str()), ("helpdesk", "tickets"));
    assert_eq!((support.period, support.timezone.name()), (PeriodLength::Quarter, "UTC"));
    assert_eq!(support.settle_seconds, 86_400);
    let versions: Vec<u32> = support.limits.iter().map(|limits| limits.version).collect();
    assert_eq!(versions, [1, 2]);
    let on = |day: &str| support.limits_on(day.parse().expect("a day")).map(|limits| limits.version);
    assert_eq!((on("2025-10-01"), on("2026-10-01"), on("2027-01-01")), (None, Some(1), Some(2)));
    let [p1, p2, _, p4] = support.limits[0].tiers["pro"];
    assert_eq!((p1.response_seconds, p1.resolution_seconds), (Some(1_800), Some(14_400)));
    assert_eq!((p2.response_seconds, p4.response_seconds, p4.resolution_seconds), (None, None, Some(144_000)));
    let share = |text: &str| Share::of_percent(text).expect("a percentage");
    let targets = TicketMetric::ALL.map(|metric| support.target(metric));
    assert_eq!((targets, support.warn), ([share("95"), share("100")], share("75")));
    assert_eq!(support.pauses.iter().collect::<Vec<_>>(), ["waiting_customer"]);
    let [calendar] = support.calendar_of("acme") else { panic!("one version") };
    assert_eq!((calendar.name.as_str(), calendar.version, calendar.timezone.name()), ("berlin", 1, "Europe/Berlin"));
    let friday = calendar.hours_on("2026-10-02".parse().expect("a day"));
    assert_eq!(friday.iter().map(|span| (span.from, span.to)).collect::<Vec<_>>(), [(540, 720), (780, 900)]);
    assert!(calendar.hours_on("2026-10-03".parse().expect("a day")).is_empty(), "a holiday");
    assert!(calendar.hours_on("2026-10-06".parse().expect("a day")).is_empty(), "a Tuesday");
    assert_eq!(support.calendar_of("globex")[0].name, ALWAYS);
    let job = lake.jobs.iter().find(|job| job.id.as_str() == "support-monthly").expect("the job");
    let JobKind::Sla(spec) = &job.kind else { panic!("{:?}", job.kind) };
    assert_eq!((spec.sla.as_str(), spec.periods), ("helpdesk", 1));
}

#[test]
fn what_an_agreement_leaves_out_has_a_meaning() {
    let short = "support: helpdesk\ndataset: tickets\nlimits: [{version: 1, effective: 2026-01-01, tier: {pro: {p1: {response: \
                 1h}}}}]\ntenants: {acme: pro}\n";
    let support = lake(&[("slas/helpdesk.yaml", short)]).expect("is right").supports.remove(0);
    assert_eq!((support.period, support.timezone.name()), (PeriodLength::Month, "Europe/Berlin"));
    assert_eq!(support.calendar_of("acme")[0].name, ALWAYS);
    let share = |text: &str| Share::of_percent(text).expect("a percentage");
    assert_eq!((support.response, support.resolution, support.warn), (share("100"), share("100"), share("80")));
    assert_eq!(support.pauses.iter().collect::<Vec<_>>(), ["third_party", "waiting_customer"]);
    assert_eq!(support.settle_seconds, 72 * 3_600);
    // A calendar without a zone has the lake's.
    let calendar = CALENDAR.replace("timezone: Europe/Berlin\n", "");
    let support = lake(&[("slas/a.yaml", SUPPORT), ("slas/b.yaml", &calendar)]).expect("is right").supports.remove(0);
    assert_eq!(support.calendar_of("acme")[0].timezone.name(), "Europe/Berlin");
}

#[test]
fn hours_that_nobody_can_keep_are_refused() {
    let fri = "[\"13:00-15:00\", \"09:00-12:00\"]";
    says(
        fri,
        "[\"09:00-12:00\", \"11:30-15:00\"]",
        expect![[r#"slas/b.yaml:7:24: fri: "11:30-15:00" overlaps "09:00-12:00"; write hours that do not"#]],
    );
    says(
        "09:00-17:30",
        "17:30-09:00",
        expect![[
            r#"slas/b.yaml:6:8: mon: "17:30-09:00" ends before it begins, or when it does; write hours over midnight as two, up to "24:00" and from "00:00""#
        ]],
    );
    says(
        "09:00-17:30",
        "09:00-09:00",
        expect![[
            r#"slas/b.yaml:6:8: mon: "09:00-09:00" ends before it begins, or when it does; write hours over midnight as two, up to "24:00" and from "00:00""#
        ]],
    );
    says(
        "09:00-17:30",
        "9-17",
        expect![[r#"slas/b.yaml:6:8: mon: "9-17" are no hours; write for example "09:00-17:30""#]],
    );
    says(
        "09:00-17:30",
        "09:00-24:01",
        expect![[r#"slas/b.yaml:6:8: mon: "09:00-24:01" are no hours; write for example "09:00-17:30""#]],
    );
    says(
        "09:00-17:30",
        "09:60-17:30",
        expect![[r#"slas/b.yaml:6:8: mon: "09:60-17:30" are no hours; write for example "09:00-17:30""#]],
    );
    says(
        "fri: [\"13:00-15:00\", \"09:00-12:00\"]",
        "friday: \"09:00-12:00\"",
        expect![[r#"slas/b.yaml:7:3: unknown key "friday"; keys are: mon, tue, wed, thu, fri, sat, sun"#]],
    );
    says(
        "  mon: \"09:00-17:30\"\n  fri: [\"13:00-15:00\", \"09:00-12:00\"]\n",
        "  {}\n",
        expect![[r#"slas/b.yaml:6:3: hours are empty, and no clock would run; add for example mon: "09:00-17:00""#]],
    );
    says(
        "2026-10-03",
        "2026-02-30",
        expect![[r#"slas/b.yaml:8:12: "2026-02-30" is not a day; write for example 2026-06-30"#]],
    );
    says(
        "timezone: Europe/Berlin",
        "timezone: Mars/Olympus",
        expect![[
            r#"slas/b.yaml:4:11: timezone "Mars/Olympus" is not an IANA zone; the nearest are Africa/Maseru, America/Manaus, America/Marigot"#
        ]],
    );
    says(
        "calendar: berlin\nversion: 1",
        "calendar: 24x7\nversion: 1",
        expect![[
            r#"slas/b.yaml:1:11: calendar "24x7" is not a name; use 1 to 64 of a-z, 0-9, _ and -, a letter first"#
        ]],
    );
}

#[test]
fn limits_that_nobody_can_keep_are_refused() {
    says(
        "response: 30m",
        "response: 0m",
        expect![[r#"slas/a.yaml:14:28: response "0m" is empty; it must be longer than 0"#]],
    );
    says(
        "response: 30m",
        "response: 2d",
        expect![[
            r#"slas/a.yaml:14:28: response "2d" is in days or weeks, and business days differ; write hours, for example 24h"#
        ]],
    );
    says(
        "response: 30m",
        "response: soon",
        expect![[r#"slas/a.yaml:14:28: response "soon" is not a length of time; write for example 30d, 24h or 15m"#]],
    );
    says(
        "p4: {resolution: 40h}",
        "p5: {resolution: 40h}",
        expect![[r#"slas/a.yaml:14:50: unknown key "p5"; did you mean "p1"? keys are: p1, p2, p3, p4"#]],
    );
    says(
        "p4: {resolution: 40h}",
        "p4: {}",
        expect![
            "slas/a.yaml:14:54: a priority has no limit; add response or resolution, for example response: 30m, or leave it out"
        ],
    );
    says(
        "{p1: {response: 15m}}",
        "{}",
        expect![[
            r#"slas/a.yaml:10:17: tier "pro" has no limits; add for example p1: {response: 30m}, or leave it out"#
        ]],
    );
    says(
        "version: 2\n    effective: 2027-01-01",
        "version: 1\n    effective: 2027-01-01",
        expect![
            "slas/a.yaml:11:14: limits overlap: a version 1, or one from 2026-01-01, is already there; give this one the next version and a later day"
        ],
    );
    says(
        "version: 2\n    effective: 2027-01-01",
        "version: 2\n    effective: 2026-01-01",
        expect![
            "slas/a.yaml:11:14: limits overlap: a version 1, or one from 2026-01-01, is already there; give this one the next version and a later day"
        ],
    );
    says(
        "share: {response: \"95\"}",
        "share: {response: \"101\"}",
        expect![[
            r#"slas/a.yaml:16:19: response "101" is not a percentage; write 0 to 100 with at most 6 decimals, for example 99.9"#
        ]],
    );
}

#[test]
fn what_an_agreement_cannot_mean_is_refused() {
    says(
        "acme: pro",
        "acme: gold",
        expect![[
            r#"slas/a.yaml:19:17: tier "gold" is not in version 1 of limits of support "helpdesk"; there are: free, pro"#
        ]],
    );
    says(
        "calendar: berlin\ncalendars",
        "calendar: berln\ncalendars",
        expect![[
            r#"slas/a.yaml:3:11: calendar names calendar "berln", which does not exist; there are: 24x7, berlin"#
        ]],
    );
    says(
        "{globex: 24x7}",
        "{initech: 24x7}",
        expect![[
            r#"slas/a.yaml:4:22: calendars name tenant "initech", which has no tier in tenants; add it there first"#
        ]],
    );
    says(
        "dataset: tickets",
        "dataset: results",
        expect![[
            r#"slas/a.yaml:2:10: dataset names dataset "results" of schema sla_result.v1; name one of schema ticket.v1"#
        ]],
    );
    says(
        "pauses: [waiting_customer]",
        "pauses: [\"\"]",
        expect!["slas/a.yaml:18:10: pauses is empty; write something"],
    );
    // An SLA and an agreement of one name: a job could mean either.
    let sla = "sla: helpdesk\nservice: api\nprobes: {dataset: probes}\ntenants: {acme: pro}\n";
    let datasets = [("tickets", "ticket.v1"), ("results", "sla_result.v1"), ("probes", "probe.v1")];
    let files = [("slas/a.yaml", SUPPORT), ("slas/b.yaml", CALENDAR), ("slas/c.yaml", sla)];
    is_refused(
        with_datasets(&datasets, &files),
        expect![[r#"slas/c.yaml:1:6: sla "helpdesk" is already described in slas/a.yaml; rename one of them"#]],
    );
    // Versions of a calendar with two wall clocks.
    let moved =
        CALENDAR.replace("version: 1\neffective: 2026", "version: 2\neffective: 2027").replace("Berlin", "Paris");
    let files = [("slas/a.yaml", SUPPORT), ("slas/b.yaml", CALENDAR), ("slas/c.yaml", moved.as_str())];
    is_refused(
        lake(&files),
        expect![[
            r#"slas/a.yaml:3:11: versions 1 and 2 of calendar "berlin" have different zones, Europe/Berlin and Europe/Paris; give the later one another name"#
        ]],
    );
    let files = [("slas/a.yaml", SUPPORT), ("slas/b.yaml", CALENDAR), ("slas/c.yaml", CALENDAR)];
    is_refused(
        lake(&files),
        expect![[
            r#"slas/c.yaml:2:10: versions of calendar "berlin" overlap: version 1 from 2026-01-01 is already there; give this one the next version and a later day, or another name"#
        ]],
    );
}
