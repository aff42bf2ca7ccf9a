//! Sentences about single rows.

use expect_test::{Expect, expect};
use schemas::{HoldScope, RetentionPolicy, Standard};

use super::super::{Archived, Explained, Judge, OpenCase};
use super::given::{archive, audit, case, of_type, only, patterns, policy, redact, rule, span};
use super::table::{Form, Row, at, batch, row};

const NOW: &str = "2030-06-01T00:00:00Z";

fn explained(judge: &Judge, row: Row) -> Explained {
    let rows = batch(&[Row::default(), row], Form::PLAIN);
    assert_eq!(judge.explain(&rows, 2), Ok(None));
    let explained = judge.explain(&rows, 1).expect("explained").expect("a row");
    let json = serde_json::to_string(&explained).expect("JSON");
    assert_eq!(serde_json::from_str::<Explained>(&json).expect("JSON"), explained);
    explained
}

#[track_caller]
fn check(policy: &RetentionPolicy, holds: &[OpenCase], row: Row, expected: Expect) {
    let judge = Judge::new(policy, holds, &audit(), at(NOW));
    expected.assert_eq(&explained(&judge, row).to_string());
}

/// Rules to the archive and against names of people, with standards.
fn with(standards: Vec<Standard>) -> RetentionPolicy {
    let rest = rule("rest", None, Some(("2555d", archive())));
    let login = only(rule("logins", Some("6mo"), Some(("730d", redact(&["src_ip"])))), "event_type", &["user.*"]);
    RetentionPolicy { standards, never_delete: patterns(&["legal_hold.*"]), ..policy(vec![rest, login]) }
}

fn read(time: &str) -> Row {
    of_type(time, "data.read")
}

#[test]
fn a_row_that_goes_or_will_go_says_by_which_rule() {
    let policy = with(Vec::new());
    check(
        &policy,
        &[],
        read("2020-01-01T12:00:00Z"),
        expect![[r#"due since 2026-12-30T12:00:00Z: rule "rest", archive"#]],
    );
    check(
        &policy,
        &[],
        of_type("2028-01-01T12:00:00Z", "user.login"),
        expect![[r#"due since 2029-12-31T12:00:00Z: rule "logins", anonymize"#]],
    );
    check(
        &policy,
        &[],
        read("2030-01-01T12:00:00Z"),
        expect![[r#"kept until 2036-12-30T12:00:00Z: rule "rest", archive after 2555d"#]],
    );
}

#[test]
fn a_row_below_its_minimum_says_until_when() {
    let sox = with(vec![Standard::Sox]);
    check(
        &sox,
        &[],
        read("2024-02-29T12:00:00Z"),
        expect![[
            r#"kept until 2031-02-28T12:00:00Z: standard sox, 7y; rule "rest" would archive it from 2031-02-27T12:00:00Z on"#
        ]],
    );
    check(
        &sox,
        &[],
        read("2023-06-02T00:00:00Z"),
        expect![[
            r#"kept until 2030-06-02T00:00:00Z: standard sox, 7y; rule "rest" would archive it from 2030-05-31T00:00:00Z on"#
        ]],
    );
    let rest = rule("rest", None, Some(("2555d", archive())));
    let denied = only(rule("denied", Some("11y"), None), "outcome", &["denied"]);
    check(
        &policy(vec![rest, denied]),
        &[],
        read("2020-01-01T12:00:00Z"),
        expect![[
            r#"kept until 2031-01-01T12:00:00Z: the minimum of rule "denied", 11y, as its outcome is not known; rule "rest" would archive it from 2026-12-30T12:00:00Z on"#
        ]],
    );
}

#[test]
fn a_row_that_is_never_removed_says_by_which_type() {
    let policy = with(Vec::new());
    check(
        &policy,
        &[],
        of_type("2020-01-01T12:00:00Z", "legal_hold.placed"),
        expect![[
            r#"kept for ever: never_delete names legal_hold.*; rule "rest" would archive it from 2026-12-30T12:00:00Z on"#
        ]],
    );
    check(
        &policy,
        &[],
        of_type("2030-01-01T12:00:00Z", "legal_hold.placed"),
        expect![[
            r#"kept for ever: never_delete names legal_hold.*; rule "rest" would archive it from 2036-12-30T12:00:00Z on"#
        ]],
    );
    check(
        &policy,
        &[],
        row("2020-01-01T12:00:00Z"),
        expect![[
            r#"kept for ever: never_delete may name it, as its event_type is not known; rule "rest" would archive it from 2026-12-30T12:00:00Z on"#
        ]],
    );
}

#[test]
fn a_row_that_nothing_demands_is_kept_for_ever() {
    check(
        &with(Vec::new()),
        &[],
        Row { time: None, ..read(NOW) },
        expect!["kept for ever: a row without a time never expires"],
    );
    let login = only(rule("logins", None, Some(("730d", redact(&["src_ip"])))), "event_type", &["user.*"]);
    check(
        &policy(vec![login]),
        &[],
        read("2020-01-01T12:00:00Z"),
        expect!["kept for ever: no rule that matches it has a maximum"],
    );
    check(
        &policy(Vec::new()),
        &[],
        read("2020-01-01T12:00:00Z"),
        expect!["kept for ever: no rule that matches it has a maximum"],
    );
}

#[test]
fn a_held_row_names_the_case_and_who_placed_it() {
    let held = [case("2026-114", HoldScope { tenants: vec!["acme".to_owned()], ..HoldScope::default() })];
    check(
        &with(Vec::new()),
        &held,
        read("2020-01-01T12:00:00Z"),
        expect![[
            r#"held by case 2026-114 (placed by alice, 2026-11-03T08:00:00Z), as its tenant_id is not known; rule "rest" would archive it from 2026-12-30T12:00:00Z on"#
        ]],
    );
    let acme = Row { tenant: Some("acme".to_owned()), ..read("2030-01-01T12:00:00Z") };
    check(
        &with(Vec::new()),
        &held,
        acme,
        expect![[
            r#"held by case 2026-114 (placed by alice, 2026-11-03T08:00:00Z); rule "rest" would archive it from 2036-12-30T12:00:00Z on"#
        ]],
    );
}

#[test]
fn an_archived_row_has_its_sentence() {
    let archived = Archived { rule: "rest".to_owned(), at: at("2029-06-01T00:00:00Z"), keep: Some(span("1y")) };
    let judge = Judge::of_archive(&policy(Vec::new()), &[], &audit(), at(NOW), &archived);
    let sentence = explained(&judge, row("2020-01-01T12:00:00Z")).to_string();
    expect![[r#"due since 2030-06-01T00:00:00Z: rule "rest", delete"#]].assert_eq(&sentence);
}

#[test]
fn everything_that_was_asked_about_a_row_is_told() {
    let login = only(rule("logins", Some("6mo"), Some(("730d", redact(&["src_ip"])))), "event_type", &["user.*"]);
    let never_delete = patterns(&["legal_hold.*"]);
    let policy = RetentionPolicy { standards: vec![Standard::PciDss], never_delete, ..policy(vec![login]) };
    let held = case("2026-114", HoldScope { tenants: vec!["acme".to_owned()], ..HoldScope::default() });
    let judge = Judge::new(&policy, &[held], &audit(), at(NOW));
    let row = Row { tenant: Some("globex".to_owned()), ..row("2029-12-01T12:00:00Z") };
    let json = serde_json::to_string_pretty(&explained(&judge, row)).expect("JSON");
    expect![[r#"
        {
          "now": "2030-06-01T00:00:00Z",
          "time": "2029-12-01T12:00:00Z",
          "maxima": [
            {
              "rule": "logins",
              "met": {
                "met": "unknown",
                "column": "event_type"
              },
              "deed": "anonymize",
              "after": "730d",
              "due": "2031-12-01T12:00:00Z"
            }
          ],
          "minima": [
            {
              "protection": {
                "by": "minimum",
                "rule": "logins"
              },
              "met": {
                "met": "unknown",
                "column": "event_type"
              },
              "keeps": "6mo",
              "until": "2030-06-01T12:00:00Z"
            },
            {
              "protection": {
                "by": "standard",
                "standard": "pci_dss"
              },
              "met": {
                "met": "yes"
              },
              "keeps": "1y",
              "until": "2030-12-01T12:00:00Z"
            }
          ],
          "cases": [
            {
              "case": "2026-114",
              "by": "alice",
              "at": "2026-11-03T08:00:00Z",
              "met": {
                "met": "no"
              }
            }
          ],
          "never_delete": {
            "met": "unknown",
            "column": "event_type"
          },
          "outcome": {
            "outcome": "kept"
          },
          "sentence": "kept for ever: no rule that matches it has a maximum; rule \"logins\" does not count, as its event_type is not known"
        }"#]]
    .assert_eq(&json);
}
