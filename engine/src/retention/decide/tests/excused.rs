//! What need not be read: facts that excuse, and facts that look as if they did.

use std::collections::BTreeMap;

use schemas::{HoldScope, RetentionPolicy, Standard};

use super::super::{Archived, GroupFacts, Judge, TextFacts, TimeFacts};
use super::given::{archive, audit, case, only, policy, rule};
use super::table::at;

const NOW: &str = "2025-02-28T11:00:00Z";

fn since(earliest: &str) -> GroupFacts {
    let time = TimeFacts { earliest: Some(at(earliest)), nulls: Some(0) };
    GroupFacts { rows: Some(10), time, texts: BTreeMap::new() }
}

fn with(column: &str, min: &str, max: &str, nulls: u64) -> GroupFacts {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let facts = TextFacts { min: text(min), max: text(max), nulls: Some(nulls) };
    GroupFacts { texts: BTreeMap::from([(column.to_owned(), facts)]), ..since("2020-01-01T00:00:00Z") }
}

#[track_caller]
fn check(judge: &Judge, facts: &GroupFacts, expected: bool) {
    assert_eq!(judge.excuse(facts), expected, "{facts:#?}");
}

#[test]
fn times_excuse_when_all_are_too_young_and_not_before() {
    let judge = Judge::new(&policy(vec![rule("month", None, Some(("1mo", archive())))]), &[], &audit(), at(NOW));
    check(&judge, &GroupFacts::default(), false);
    check(&judge, &since("2025-02-01T00:00:00Z"), true);
    check(&judge, &since("2025-01-28T11:00:00Z"), false);
    // Rows of the evening are not due, and rows of the next mornings are.
    check(&judge, &since("2025-01-28T12:00:00Z"), false);
    check(&judge, &since("2025-01-31T11:00:00Z"), false);
    check(&judge, &since("2025-01-31T11:00:00.000001Z"), true);
    let no_times = TimeFacts { earliest: None, nulls: Some(10) };
    check(&judge, &GroupFacts { time: no_times.clone(), ..since("2020-01-01T00:00:00Z") }, true);
    check(&judge, &GroupFacts { time: no_times, rows: None, ..GroupFacts::default() }, false);
}

#[test]
fn texts_excuse_when_no_word_lies_among_them() {
    let words = only(rule("month", None, Some(("1mo", archive()))), "event_type", &["session.*", "user.login"]);
    let judge = Judge::new(&policy(vec![words]), &[], &audit(), at(NOW));
    let check = |min, max, nulls, expected| check(&judge, &with("event_type", min, max, nulls), expected);
    check("", "", 0, false);
    check("a", "z", 0, false);
    check("a", "seal", 0, true);
    check("a", "session", 0, false);
    check("session.opened", "session.opened", 3, false);
    check("t", "u", 0, false);
    check("user.login", "user.login", 0, false);
    check("user.login2", "user.logout", 0, true);
    // The largest is cut, or both are written by somebody who sorts otherwise.
    check("t", "user.l", 0, false);
    check("v", "a", 0, false);
    check("v", "", 0, false);
    check("", "", 10, true);
    check("", "", 9, false);
}

#[test]
fn what_protects_rows_does_not_excuse_from_naming_the_conflict() {
    let month = rule("month", None, Some(("1mo", archive())));
    let policy = RetentionPolicy { standards: vec![Standard::Sox], ..policy(vec![month]) };
    let judge = Judge::new(&policy, &[case("1", HoldScope::default())], &audit(), at(NOW));
    check(&judge, &since("2025-01-01T00:00:00Z"), false);
}

#[test]
fn classes_excuse_when_no_row_has_its_own_and_the_dataset_has_others() {
    let mut month = rule("month", None, Some(("1mo", archive())));
    month.rows.classes = vec!["pii".to_owned()];
    for (of_dataset, nulls, expected) in
        [("pii", 10, false), ("phi", 10, true), ("", 10, true), ("phi", 9, false), ("", 9, false)]
    {
        let data_classes = if of_dataset.is_empty() { Vec::new() } else { vec![of_dataset.to_owned()] };
        let dataset = schemas::Dataset { data_classes, ..audit() };
        let judge = Judge::new(&policy(vec![month.clone()]), &[], &dataset, at(NOW));
        check(&judge, &with("data_classes", "", "", nulls), expected);
    }
}

#[test]
fn an_archived_object_is_excused_until_it_is_due() {
    let archived = Archived { rule: "rest".to_owned(), at: at("2025-01-01T00:00:00Z"), keep: None };
    for (keep, expected) in [(None, true), (Some("1mo"), false), (Some("2mo"), true)] {
        let keep = keep.map(super::given::span);
        let judge =
            Judge::of_archive(&policy(Vec::new()), &[], &audit(), at(NOW), &Archived { keep, ..archived.clone() });
        check(&judge, &GroupFacts::default(), expected);
    }
}
