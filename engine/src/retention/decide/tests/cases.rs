//! Cases of the document, one a test, with the trap of seven years that are never 2,555 days.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::{DateTime, TimeDelta, Utc};
use expect_test::{Expect, expect};
use schemas::{
    CaseId, Dataset, DatasetId, Disposition, ErasureMode, ErasureRule, HoldRecord, HoldScope, HoldStep, INFERRED,
    InPlace, Remedy, RetentionPolicy, RetentionRule, Span, Standard, USAGE, WithinMinimum,
};

use super::super::{Archived, Deed, Erased, Judge, OpenCase, Protection, Treatment, Verdicts, Winner};
use super::given::{archive, audit, case, of_type, only, patterns, policy, redact, rule, span};
use super::table::{Form, Row, TimeForm, at, batch, row};

const NOW: &str = "2030-06-01T00:00:00Z";

fn judge_at(policy: &RetentionPolicy, holds: &[OpenCase], now: DateTime<Utc>) -> Judge {
    Judge::new(policy, holds, &audit(), now)
}

fn decided(policy: &RetentionPolicy, holds: &[OpenCase], now: &str, rows: &[Row]) -> Verdicts {
    judge_at(policy, holds, at(now)).decide(&batch(rows, Form::PLAIN)).expect("decided")
}

/// Compares what becomes of each row: `-` for what stays, else the deed and its rules.
#[track_caller]
fn check(policy: &RetentionPolicy, now: &str, rows: &[Row], expected: &[&str]) -> Verdicts {
    check_held(policy, &[], now, rows, expected)
}

#[track_caller]
fn check_held(policy: &RetentionPolicy, holds: &[OpenCase], now: &str, rows: &[Row], expected: &[&str]) -> Verdicts {
    let verdicts = decided(policy, holds, now, rows);
    let word = |row: usize| match verdicts.of_row(row) {
        None => "-".to_owned(),
        Some(treatment) => format!("{} {}", treatment.deed(), treatment.rules().join("+")),
    };
    let words: Vec<String> = (0..rows.len()).map(word).collect();
    assert_eq!(words, expected, "{verdicts:#?}");
    verdicts
}

#[track_caller]
fn check_conflicts(verdicts: &Verdicts, expected: Expect) {
    let reasons: Vec<String> = verdicts.tally.conflicts().into_iter().map(|conflict| conflict.reason).collect();
    expected.assert_eq(&reasons.join("\n"));
}

#[test]
fn audit_with_sox_is_a_conflict_on_every_row_and_the_minimum_wins() {
    let policy = RetentionPolicy {
        standards: vec![Standard::Sox],
        ..policy(vec![rule("rest", None, Some(("2555d", archive())))])
    };
    // Every day of more than four years, so that every position to leap days is among them.
    for day in 0..1_600 {
        let begin = at("2015-01-01T09:30:00Z") + TimeDelta::days(day);
        let end = Span::Months(84).after(begin).expect("near");
        let rows = batch(&[Row { time: Some(begin.timestamp_micros()), ..Row::default() }], Form::PLAIN);
        for now in [begin + TimeDelta::days(2_555), end - TimeDelta::milliseconds(1)] {
            let verdicts = judge_at(&policy, &[], now).decide(&rows).expect("decided");
            assert_eq!(verdicts.of_row(0), None, "{begin}");
            let conflicts = verdicts.tally.conflicts();
            let sox = Protection::Standard { standard: Standard::Sox };
            assert_eq!(conflicts.len(), 1, "{begin}");
            assert_eq!(conflicts[0].winner, Winner::Protection { protection: sox.clone() }, "{begin}");
            assert_eq!(conflicts[0].until.expect("it ends").last, end, "{begin}");
            assert_eq!(verdicts.tally.past_maximum, BTreeMap::from([(sox, 1)]), "{begin}");
        }
        let verdicts = judge_at(&policy, &[], end).decide(&rows).expect("decided");
        assert_eq!(verdicts.of_row(0), Some(&Treatment::Archive { rule: "rest".to_owned() }), "{begin}");
        assert!(verdicts.tally.conflicts().is_empty(), "{begin}");
    }
}

#[test]
fn months_are_clamped_to_the_end_of_the_month_and_keep_the_time_of_day() {
    let policy = policy(vec![rule("month", None, Some(("1mo", Disposition::Delete)))]);
    let rows = [
        row("2025-01-28T11:00:00Z"),
        row("2025-01-28T11:00:00.001Z"),
        row("2025-01-30T12:00:00Z"),
        row("2025-01-31T10:00:00Z"),
        row("2025-02-01T00:00:00Z"),
    ];
    let (stays, goes) = ("-", "delete month");
    // The fourth row is younger than the third and is due earlier.
    check(&policy, "2025-02-28T11:00:00Z", &rows, &[goes, stays, stays, goes, stays]);
    check(&policy, "2025-02-28T12:00:00Z", &rows, &[goes, goes, goes, goes, stays]);
    check(&policy, "2025-03-01T00:00:00Z", &rows, &[goes; 5]);
}

#[test]
fn years_end_on_28_february_after_a_leap_day() {
    let policy = policy(vec![rule("year", None, Some(("1y", Disposition::Delete)))]);
    let rows = [row("2024-02-28T12:00:00Z"), row("2024-02-29T12:00:00Z"), row("2024-03-01T12:00:00Z")];
    let (stays, goes) = ("-", "delete year");
    check(&policy, "2025-02-28T11:59:59Z", &rows, &[stays; 3]);
    check(&policy, "2025-02-28T12:00:00Z", &rows, &[goes, goes, stays]);
    check(&policy, "2025-03-01T12:00:00Z", &rows, &[goes; 3]);
}

#[test]
fn days_have_24_hours_whatever_clocks_on_walls_do() {
    let policy = policy(vec![rule("day", None, Some(("1d", Disposition::Delete)))]);
    let judge = judge_at(&policy, &[], at("2026-03-29T12:00:00Z"));
    let rows = [row("2026-03-28T12:00:00Z"), row("2026-03-28T12:00:00.000001Z")];
    for time in [TimeForm::Micros, TimeForm::MicrosInZone] {
        let verdicts = judge.decide(&batch(&rows, Form { time, ..Form::PLAIN })).expect("decided");
        assert!(verdicts.of_row(0).is_some() && verdicts.of_row(1).is_none(), "{time:?}");
    }
}

#[test]
fn a_date_counts_as_its_last_instant() {
    let policy = policy(vec![rule("day", None, Some(("1d", Disposition::Delete)))]);
    let rows = [Row { time: Some(20_540), ..Row::default() }];
    for (now, goes) in [("2026-03-29T23:59:59.999Z", false), ("2026-03-30T00:00:00Z", true)] {
        let judge = judge_at(&policy, &[], at(now));
        let verdicts = judge.decide(&batch(&rows, Form { time: TimeForm::Date32, ..Form::PLAIN })).expect("decided");
        assert_eq!(verdicts.of_row(0).is_some(), goes, "{now}");
    }
}

#[test]
fn an_instant_of_nanoseconds_before_midnight_is_not_taken_for_the_next_day() {
    // A month from 30 January ends later than one from 31 January 00:00 does.
    let policy = policy(vec![rule("month", None, Some(("1mo", Disposition::Delete)))]);
    let time = at("2025-01-30T23:59:59.999999Z").timestamp_micros() * 1_000 + 500;
    let rows = batch(&[Row { time: Some(time), ..Row::default() }], Form { time: TimeForm::Nanos, ..Form::PLAIN });
    for (now, goes) in [("2025-02-28T00:00:00Z", 0), ("2025-02-28T23:59:59.999999Z", 0), ("2025-03-01T00:00:00Z", 1)] {
        let verdicts = judge_at(&policy, &[], at(now)).decide(&rows).expect("decided");
        assert_eq!(verdicts.tally.gone(), goes, "{now}");
    }
}

#[test]
fn rows_without_a_time_or_from_the_future_never_expire() {
    let policy = policy(vec![rule("all", None, Some(("1h", Disposition::Delete)))]);
    let beyond = Row { time: Some(i64::MIN), ..Row::default() };
    let verdicts = check(&policy, NOW, &[Row::default(), row("2031-01-01T00:00:00Z"), beyond], &["-"; 3]);
    assert_eq!((verdicts.tally.without_time, verdicts.tally.kept), (2, 3));
    assert!(verdicts.tally.past_maximum.is_empty());
}

#[test]
fn null_matches_a_minimum_and_no_maximum() {
    let maximum = only(rule("go", None, Some(("1d", Disposition::Delete))), "event_type", &["*"]);
    let minimum = only(rule("stay", Some("50y"), None), "outcome", &["denied"]);
    let known = Row { outcome: Some("success".to_owned()), ..of_type("2025-01-01T00:00:00Z", "user.login") };
    let rows = [
        known.clone(),
        Row { event_type: None, ..known.clone() },
        Row { outcome: None, ..known.clone() },
        Row { outcome: Some("denied".to_owned()), ..known },
    ];
    let verdicts = check(&policy(vec![maximum, minimum]), NOW, &rows, &["delete go", "-", "-", "-"]);
    assert_eq!(verdicts.tally.past_maximum.values().sum::<u64>(), 2);
}

#[test]
fn a_column_that_a_file_lacks_is_null() {
    let go = rule("go", None, Some(("1d", Disposition::Delete)));
    let minimum = only(rule("stay", Some("50y"), None), "outcome", &["denied"]);
    let rows = batch(&[row("2025-01-01T00:00:00Z")], Form { outcome: None, ..Form::PLAIN });
    let judge = judge_at(&policy(vec![go.clone(), minimum]), &[], at(NOW));
    assert_eq!(judge.decide(&rows).expect("decided").of_row(0), None);
    let judge = judge_at(&policy(vec![only(go, "outcome", &["*"])]), &[], at(NOW));
    assert_eq!(judge.decide(&rows).expect("decided").of_row(0), None);
}

#[test]
fn without_a_rule_that_matches_rows_are_kept_for_ever() {
    let login = only(rule("logins", None, Some(("1d", Disposition::Delete))), "event_type", &["user.*"]);
    let rows = [of_type("1999-01-01T00:00:00Z", "data.read"), of_type("1999-01-01T00:00:00Z", "user.login")];
    check(&policy(vec![login]), NOW, &rows, &["-", "delete logins"]);
    check(&policy(Vec::new()), NOW, &rows, &["-", "-"]);
    let all = policy(vec![rule("all", None, Some(("1d", Disposition::Delete)))]);
    check(&RetentionPolicy { enabled: false, ..all }, NOW, &rows, &["-", "-"]);
}

#[test]
fn the_latest_minimum_counts_and_the_earliest_maximum() {
    let rules = vec![
        rule("short", Some("1y"), Some(("2y", Disposition::Delete))),
        rule("long", Some("5y"), None),
        rule("early", None, Some(("18mo", Disposition::Delete))),
    ];
    let policy = policy(rules);
    let rows = [row("2026-06-01T00:00:00Z"), row("2025-06-01T00:00:00Z"), row("2028-12-01T00:00:00Z")];
    let verdicts = check(&policy, NOW, &rows, &["-", "delete early", "-"]);
    let long = Protection::Minimum { rule: "long".to_owned() };
    assert_eq!(verdicts.tally.past_maximum, BTreeMap::from([(long, 2)]));
    check_conflicts(
        &verdicts,
        expect![[r#"
            rule "early" would delete 2 rows that are due since 2027-12-01T00:00:00Z to 2030-06-01T00:00:00Z; the minimum of rule "long", 5y, keeps them until 2031-06-01T00:00:00Z to 2033-12-01T00:00:00Z
            rule "short" would delete 1 row that is due since 2028-06-01T00:00:00Z; the minimum of rule "long", 5y, keeps it until 2031-06-01T00:00:00Z"#]],
    );
}

#[test]
fn the_disposition_that_destroys_least_is_taken() {
    let rules = |names: [&str; 3]| {
        let [delete, anonymize, archived] = names;
        policy(vec![
            rule(delete, None, Some(("1y", Disposition::Delete))),
            rule(anonymize, None, Some(("2y", redact(&["src_ip"])))),
            rule(archived, None, Some(("3y", archive()))),
        ])
    };
    let rows = [row("2029-06-01T00:00:00Z"), row("2028-06-01T00:00:00Z"), row("2027-06-01T00:00:00Z")];
    let verdicts = check(&rules(["d", "n", "r"]), NOW, &rows, &["delete d", "anonymize n", "archive r"]);
    check_conflicts(
        &verdicts,
        expect![[r#"
            rule "d" would delete 1 row that is due since 2029-06-01T00:00:00Z; rule "n", anonymize, is due as well and destroys less
            rule "d" would delete 1 row that is due since 2028-06-01T00:00:00Z; rule "r", archive, is due as well and destroys less
            rule "n" would anonymize 1 row that is due since 2029-06-01T00:00:00Z; rule "r", archive, is due as well and destroys less"#]],
    );
    check(&rules(["z", "y", "x"]), NOW, &rows, &["delete z", "anonymize y", "archive x"]);
}

#[test]
fn of_equal_dispositions_the_one_due_earlier_counts_and_then_the_name() {
    let archives = |keep: &str| Disposition::Archive { keep: Some(span(keep)), storage_class: None };
    let late = rule("a", None, Some(("2y", archives("9y"))));
    let early = rule("b", None, Some(("1y", archives("1y"))));
    let twin = rule("c", None, Some(("1y", archives("1y"))));
    let verdicts = check(&policy(vec![late, twin, early]), NOW, &[row("2025-01-01T00:00:00Z")], &["archive b"]);
    check_conflicts(
        &verdicts,
        expect![[
            r#"rule "a" would archive 1 row that is due since 2027-01-01T00:00:00Z; rule "b" is due earlier and does it in another way"#
        ]],
    );
}

#[test]
fn anonymizations_are_all_done_and_a_column_takes_the_earlier_one() {
    let constant = InPlace::Constant { value: "gone".to_owned() };
    let columns = BTreeMap::from([("src_ip".to_owned(), constant.clone()), ("user_agent".to_owned(), InPlace::Redact)]);
    let policy = policy(vec![
        rule("a", None, Some(("2y", redact(&["src_ip", "subject_id"])))),
        rule("b", None, Some(("1y", Disposition::Anonymize(columns)))),
        rule("c", None, Some(("1y", redact(&["user_agent"])))),
    ]);
    let rows = [row("2029-01-01T00:00:00Z"), row("2027-01-01T00:00:00Z")];
    let verdicts = check(&policy, NOW, &rows, &["anonymize b+c", "anonymize b+c+a"]);
    let judge = judge_at(&policy, &[], at(NOW));
    let columns = judge.in_place(verdicts.of_row(1).expect("treated"));
    assert_eq!(columns.keys().collect::<Vec<_>>(), ["src_ip", "subject_id", "user_agent"]);
    assert_eq!(columns["src_ip"], constant);
    check_conflicts(
        &verdicts,
        expect![[
            r#"rule "a" would anonymize 1 row that is due since 2029-01-01T00:00:00Z; rule "b" is due earlier and does it in another way"#
        ]],
    );
}

#[test]
fn never_delete_protects_the_row_and_not_the_person() {
    let delete = rule("delete", None, Some(("1y", Disposition::Delete)));
    let anonymize = rule("anonymize", None, Some(("1y", redact(&["src_ip"]))));
    let never = |rules| RetentionPolicy { never_delete: patterns(&["legal_hold.*"]), ..policy(rules) };
    let unknown = row("2020-01-01T00:00:00Z");
    let rows =
        [of_type("2020-01-01T00:00:00Z", "legal_hold.placed"), of_type("2020-01-01T00:00:00Z", "user.login"), unknown];
    let verdicts = check(&never(vec![delete.clone()]), NOW, &rows, &["-", "delete delete", "-"]);
    assert_eq!(verdicts.tally.past_maximum, BTreeMap::from([(Protection::NeverDelete, 2)]));
    let archived = rule("rest", None, Some(("1y", archive())));
    check(&never(vec![archived.clone()]), NOW, &rows, &["-", "archive rest", "-"]);
    // The archive would be milder, and is no way for these.
    let both = never(vec![archived, delete, anonymize]);
    check(&both, NOW, &rows, &["anonymize anonymize", "archive rest", "anonymize anonymize"]);
}

#[test]
fn a_dataset_without_types_has_none_that_are_never_removed() {
    let delete = rule("delete", None, Some(("1y", Disposition::Delete)));
    let policy = RetentionPolicy { never_delete: patterns(&["legal_hold.*"]), ..policy(vec![delete]) };
    let lacking = batch(&[row("2020-01-01T00:00:00Z")], Form { event_type: None, ..Form::PLAIN });
    let unknown = batch(&[row("2020-01-01T00:00:00Z")], Form::PLAIN);
    for (schema, goes) in [(&schemas::AUDIT, [0, 0]), (&INFERRED, [1, 0]), (&USAGE, [1, 1])] {
        let judge = Judge::new(&policy, &[], &Dataset { schema, ..audit() }, at(NOW));
        let gone = [&lacking, &unknown].map(|rows| judge.decide(rows).expect("decided").tally.gone());
        assert_eq!(gone, goes, "{}", schema.name);
    }
}

#[test]
fn a_hold_outranks_every_policy_until_the_last_case_is_released() {
    let policy = policy(vec![
        rule("go", None, Some(("1y", Disposition::Delete))),
        rule("hide", None, Some(("1y", redact(&["src_ip"])))),
    ]);
    let of = |tenant: &str| Row { tenant: Some(tenant.to_owned()), ..row("2020-01-01T00:00:00Z") };
    let rows = [of("acme"), of("globex"), Row { tenant: None, ..of("") }];
    let acme = case("2026-114", HoldScope { tenants: vec!["acme".to_owned()], ..HoldScope::default() });
    let all = case("2026-2", HoldScope { from: Some(at("2019-01-01T00:00:00Z")), ..HoldScope::default() });
    let hidden = "anonymize hide";
    check_held(&policy, &[], NOW, &rows, &[hidden; 3]);
    let verdicts = check_held(&policy, std::slice::from_ref(&acme), NOW, &rows, &["-", hidden, "-"]);
    assert_eq!(verdicts.tally.waiting, BTreeMap::from([(acme.case.clone(), 2)]));
    let verdicts = check_held(&policy, &[all.clone(), acme.clone()], NOW, &rows, &["-"; 3]);
    assert_eq!(verdicts.tally.waiting, BTreeMap::from([(acme.case.clone(), 2), (all.case.clone(), 3)]));
    check_conflicts(
        &verdicts,
        expect![[r#"
            rule "go" would delete 2 rows that are due since 2021-01-01T00:00:00Z; case 2026-114 holds them
            rule "go" would delete 1 row that is due since 2021-01-01T00:00:00Z; case 2026-2 holds it
            rule "hide" would anonymize 2 rows that are due since 2021-01-01T00:00:00Z; case 2026-114 holds them
            rule "hide" would anonymize 1 row that is due since 2021-01-01T00:00:00Z; case 2026-2 holds it"#]],
    );
    check_held(&policy, &[all], NOW, &rows, &["-"; 3]);
}

#[test]
fn a_case_holds_what_was_refused_on_the_way_into_its_dataset() {
    let rejected = audit().rejected().expect("its ingests write it");
    let policy = policy(vec![rule("go", None, Some(("1d", Disposition::Delete)))]);
    let rows = batch(&[row("2020-01-01T00:00:00Z")], Form::PLAIN);
    for (dataset, gone) in [("audit", 0), ("other", 1)] {
        let datasets = vec![DatasetId::parse(dataset).expect("a name")];
        let held = case("1", HoldScope { datasets, ..HoldScope::default() });
        let rejected = Dataset { time: Some("time".to_owned()), ..rejected.clone() };
        let judge = Judge::new(&policy, &[held], &rejected, at(NOW));
        assert_eq!(judge.decide(&rows).expect("decided").tally.gone(), gone, "{dataset}");
    }
}

#[test]
fn a_case_holds_rows_of_a_date_that_its_range_touches() {
    let policy = policy(vec![rule("go", None, Some(("1d", Disposition::Delete)))]);
    let rows = [20_538, 20_539, 20_540].map(|day| Row { time: Some(day), ..Row::default() });
    let rows = batch(&rows, Form { time: TimeForm::Date32, ..Form::PLAIN });
    let (from, to) = (Some(at("2026-03-27T18:00:00Z")), Some(at("2026-03-27T19:00:00Z")));
    let judge = judge_at(&policy, &[case("1", HoldScope { from, to, ..HoldScope::default() })], at(NOW));
    let verdicts = judge.decide(&rows).expect("decided");
    assert_eq!([0, 1, 2].map(|row| verdicts.of_row(row).is_some()), [true, false, true]);
}

#[test]
fn classes_are_the_rows_own_or_else_those_of_the_dataset() {
    let mut pii = rule("pii", None, Some(("1d", Disposition::Delete)));
    pii.rows.classes = vec!["pii".to_owned()];
    let classes = |of: Option<Vec<Option<&str>>>| Row {
        classes: of.map(|of| of.into_iter().map(|class| class.map(str::to_owned)).collect()),
        ..row("2020-01-01T00:00:00Z")
    };
    let rows = [
        classes(Some(vec![Some("public"), Some("pii")])),
        classes(Some(vec![Some("public")])),
        classes(Some(vec![Some("public"), None])),
        classes(Some(Vec::new())),
        classes(None),
    ];
    let mut keep = pii.clone();
    (keep.minimum, keep.maximum) = (Some(span("99y")), None);
    let all = rule("all", None, Some(("1d", Disposition::Delete)));
    for (of_dataset, by_maximum, by_minimum) in [
        (vec![], [true, false, false, false, false], [false, true, false, true, false]),
        (vec!["pii"], [true, false, false, true, true], [false, true, false, false, false]),
        (vec!["phi"], [true, false, false, false, false], [false, true, false, true, true]),
    ] {
        let data_classes = of_dataset.iter().map(|&class| class.to_owned()).collect();
        let dataset = Dataset { data_classes, ..audit() };
        let gone = |rules: Vec<RetentionRule>| {
            let judge = Judge::new(&policy(rules), &[], &dataset, at(NOW));
            let verdicts = judge.decide(&batch(&rows, Form::PLAIN)).expect("decided");
            [0, 1, 2, 3, 4].map(|row| verdicts.of_row(row).is_some())
        };
        assert_eq!(gone(vec![pii.clone()]), by_maximum, "{of_dataset:?}");
        assert_eq!(gone(vec![all.clone(), keep.clone()]), by_minimum, "{of_dataset:?}");
    }
}

#[test]
fn an_archived_object_goes_when_its_time_there_is_over() {
    let archived = Archived { rule: "rest".to_owned(), at: at("2029-06-01T00:00:00Z"), keep: Some(span("1y")) };
    let policy = policy(vec![
        rule("rest", None, Some(("2555d", archive()))),
        only(rule("denied", Some("10y"), None), "outcome", &["denied"]),
    ]);
    let judge = |archived: &Archived, now: &str| Judge::of_archive(&policy, &[], &audit(), at(now), archived);
    let old = Row { outcome: Some("success".to_owned()), ..row("2022-01-01T00:00:00Z") };
    let rows = [old.clone(), Row { outcome: Some("denied".to_owned()), ..old.clone() }, Row { time: None, ..old }];
    let rows = batch(&rows, Form::PLAIN);
    let verdicts = judge(&archived, NOW).decide(&rows).expect("decided");
    let rest = Treatment::Delete { rule: "rest".to_owned() };
    assert_eq!([0, 1, 2].map(|row| verdicts.of_row(row)), [Some(&rest), None, None]);
    let verdicts = judge(&archived, "2030-05-31T23:59:59Z").decide(&rows).expect("decided");
    assert_eq!((verdicts.tally.gone(), verdicts.tally.conflicts().len()), (0, 0));
    let for_ever = Archived { keep: None, ..archived };
    assert_eq!(judge(&for_ever, NOW).decide(&rows).expect("decided").tally.gone(), 0);
}

#[test]
fn data_that_is_not_what_the_definitions_say_is_refused_by_name() {
    #[track_caller]
    fn check(columns: Vec<(&str, ArrayRef)>, expected: Expect) {
        let go = rule("go", None, Some(("1d", Disposition::Delete)));
        let mut classes = go.clone();
        classes.rows.classes = vec!["pii".to_owned()];
        let policy = policy(vec![only(go, "score", &["1"]), classes]);
        let rows = RecordBatch::try_from_iter(columns).expect("a batch");
        let error = judge_at(&policy, &[], at(NOW)).decide(&rows).expect_err("refused");
        assert_eq!(error.remedy(), Remedy::InspectData);
        expected.assert_eq(&error.to_string());
    }
    let time = || -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(vec![0])) };
    let text = || -> ArrayRef { Arc::new(StringArray::from(vec!["2020-01-01"])) };
    check(
        vec![("other", time())],
        expect![[
            r#"dataset "audit": its data has no column "time", by which the age of rows is counted; name the right column as time: in its definition, or exclude the object"#
        ]],
    );
    check(
        vec![("time", text())],
        expect![[
            r#"dataset "audit": column "time" is Utf8 and not a timestamp or a date, so rows have no age; name the right column as time: in its definition, or exclude the object"#
        ]],
    );
    let score: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    check(
        vec![("time", time()), ("score", score)],
        expect![[
            r#"dataset "audit": column "score" is Float64, which cannot be compared with the words of a policy or a hold; use a column of text, whole numbers or booleans, or exclude the object"#
        ]],
    );
    check(
        vec![("time", time()), ("data_classes", text())],
        expect![[
            r#"dataset "audit": column "data_classes" is Utf8 and not a list of texts, so the classes of rows are not known; write it as a list of texts, or exclude the object"#
        ]],
    );
}

#[test]
fn the_columns_that_decide_are_named_once_and_time_comes_first() {
    let mut go = only(rule("go", None, Some(("1d", Disposition::Delete))), "outcome", &["denied"]);
    go.rows.classes = vec!["pii".to_owned()];
    let policy = RetentionPolicy { never_delete: patterns(&["legal_hold.*"]), ..policy(vec![go]) };
    let held = case("1", HoldScope { tenants: vec!["acme".to_owned()], ..HoldScope::default() });
    let judge = judge_at(&policy, &[held], at(NOW));
    assert_eq!(judge.columns(), ["time", "data_classes", "event_type", "outcome", "tenant_id"]);
    assert!(!judge.is_idle() && Judge::without_policy(&[], &audit(), at(NOW)).is_idle());
    assert_eq!(Judge::without_policy(&[], &audit(), at(NOW)).columns(), ["time"]);
    let taken = Treatment::Archive { rule: "rest".to_owned() };
    let rest =
        judge_at(&RetentionPolicy { rules: vec![rule("rest", None, Some(("1d", archive())))], ..policy }, &[], at(NOW));
    assert_eq!(rest.archive(&taken), Some((Some(span("1y")), Some("GLACIER_IR"))));
    assert_eq!((judge.archive(&taken), rest.in_place(&taken)), (None, BTreeMap::new()));
}

#[test]
fn a_case_is_open_as_its_last_record_says() {
    let scope = |tenant: &str| HoldScope { tenants: vec![tenant.to_owned()], ..HoldScope::default() };
    let record = |number: u64, what: HoldStep, by: &str| HoldRecord {
        case: CaseId::parse("2026-114").expect("a case"),
        number,
        what,
        by: by.to_owned(),
        reason: "litigation".to_owned(),
        at: at("2026-11-03T08:00:00Z") + TimeDelta::days(i64::try_from(number).expect("few")),
    };
    let records = [
        record(1, HoldStep::Placed { scope: scope("acme") }, "alice"),
        record(2, HoldStep::Released, "bob"),
        record(3, HoldStep::Placed { scope: scope("acme") }, "carol"),
        record(4, HoldStep::Amended { scope: scope("globex") }, "dora"),
    ];
    let open = OpenCase::of(&records, None).expect("open");
    assert_eq!((open.scope, open.by.as_str(), open.at), (scope("globex"), "carol", records[2].at));
    assert_eq!(OpenCase::of(&records[..2], None), None);
    assert_eq!(OpenCase::of(&[], None), None);
}

#[test]
fn an_erasure_meets_holds_minima_and_types() {
    let policy = RetentionPolicy {
        never_delete: patterns(&["legal_hold.*"]),
        ..policy(vec![rule("keep", Some("5y"), None), rule("long", Some("6y"), None)])
    };
    let held = case("2026-114", HoldScope { tenants: vec!["acme".to_owned()], ..HoldScope::default() });
    let of = |time: &str, event_type: &str, tenant: &str| Row {
        tenant: Some(tenant.to_owned()),
        ..of_type(time, event_type)
    };
    let rows = [
        of("2020-01-01T00:00:00Z", "user.login", "globex"),
        of("2025-01-01T00:00:00Z", "user.login", "globex"),
        of("2020-01-01T00:00:00Z", "legal_hold.placed", "globex"),
        of("2025-01-01T00:00:00Z", "legal_hold.placed", "acme"),
        Row { time: None, ..of("2020-01-01T00:00:00Z", "user.login", "globex") },
    ];
    let rows = batch(&rows, Form::PLAIN);
    let judge = judge_at(&policy, std::slice::from_ref(&held), at(NOW));
    let erased = |mode, within_minimum| judge.erase(&rows, ErasureRule { mode, within_minimum }).expect("decided");
    let long = || Protection::Minimum { rule: "long".to_owned() };
    let hold = || Erased::Refuse { because: Protection::Hold { case: held.case.clone() } };
    let anonymized = |because: Protection| Erased::Anonymize { because: Some(because) };
    let refused = |because: Protection| Erased::Refuse { because };
    let by_person = || Erased::Anonymize { because: None };
    let done = erased(ErasureMode::Delete, WithinMinimum::Anonymize);
    let never = anonymized(Protection::NeverDelete);
    // Without a time no minimum ends, so the first is as late as any.
    let keep = || Protection::Minimum { rule: "keep".to_owned() };
    let expected = [Erased::Delete, anonymized(long()), never.clone(), hold(), anonymized(keep())];
    assert_eq!(done.by_row(), expected);
    let below = done.rows[&anonymized(long())];
    assert_eq!((below.rows, below.until.map(|until| until.last)), (1, Some(at("2031-01-01T00:00:00Z"))));
    assert_eq!(done.rows[&anonymized(keep())].until, None);
    let done = erased(ErasureMode::Delete, WithinMinimum::Refuse);
    assert_eq!(done.by_row(), [Erased::Delete, refused(long()), never, hold(), refused(keep())]);
    let done = erased(ErasureMode::Anonymize, WithinMinimum::Anonymize);
    assert_eq!(done.by_row(), [by_person(), by_person(), by_person(), hold(), by_person()]);
    let done = erased(ErasureMode::Anonymize, WithinMinimum::Refuse);
    assert_eq!(done.by_row(), [by_person(), refused(long()), by_person(), hold(), refused(keep())]);
}

#[test]
fn the_words_of_deeds_are_those_of_policies() {
    for disposition in [archive(), redact(&["src_ip"]), Disposition::Delete] {
        let deed = Deed::of(&disposition);
        assert_eq!(deed.as_str(), disposition.as_str());
        assert_eq!(serde_json::to_value(deed).expect("JSON"), deed.as_str());
    }
    let order = [archive(), redact(&[]), Disposition::Delete];
    assert!(order.windows(2).all(|pair| Deed::of(&pair[0]) < Deed::of(&pair[1])));
}
