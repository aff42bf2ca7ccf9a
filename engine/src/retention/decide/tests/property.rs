//! Properties over policies, holds and rows by chance. Every failure prints the seed of its question.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use schemas::{ErasureMode, ErasureRule, WithinMinimum};

use super::super::{Conflict, GroupFacts, Judge, Outcome, TextFacts, TimeFacts, Verdicts};
use super::oracle::{Answer, Lost, Question, answer, erased};
use super::table::{Row, batch};
use super::world;

/// How many questions are asked of the judge and of the oracle, unless `AUDITLAKE_POLICIES` says otherwise.
const QUESTIONS: u64 = 100_000;

fn questions() -> u64 {
    std::env::var("AUDITLAKE_POLICIES").ok().and_then(|count| count.parse().ok()).unwrap_or(QUESTIONS)
}

fn judge(question: &Question) -> Judge {
    let Question { policy, holds, dataset, now, archived, .. } = question;
    match archived {
        Some(archived) => Judge::of_archive(policy, holds, dataset, *now, archived),
        None => Judge::new(policy, holds, dataset, *now),
    }
}

/// The question's rows, at times out of the middle of a longer batch.
fn rows_of(question: &Question, chance: &mut ChaCha8Rng) -> RecordBatch {
    if chance.random_bool(0.5) {
        return batch(&question.rows, question.form);
    }
    let others = chance.random_range(0..70);
    let mut rows: Vec<Row> = (0..others).filter_map(|_| question.rows.first().cloned()).collect();
    let before = rows.len();
    rows.extend(question.rows.iter().cloned());
    rows.extend(question.rows.first().cloned());
    batch(&rows, question.form).slice(before, question.rows.len())
}

fn lost_by(verdicts: &Verdicts) -> Lost {
    let of = |conflict: Conflict| {
        let due = Some((conflict.due.first, conflict.due.last));
        let until = conflict.until.map(|until| (until.first, until.last));
        ((conflict.rule, conflict.deed, conflict.winner), (conflict.rows, due, until))
    };
    verdicts.tally.conflicts().into_iter().map(of).collect()
}

fn compare(question: &Question, expected: &Answer, batch: &RecordBatch, seed: u64) {
    let verdicts = judge(question).decide(batch).expect("every form can be judged");
    let got: Vec<_> = (0..question.rows.len()).map(|row| verdicts.of_row(row).cloned()).collect();
    for (row, treatment) in got.iter().enumerate() {
        let is_protected = expected.is_protected[row] || question.rows[row].time.is_none();
        assert!(!(is_protected && treatment.is_some()), "seed {seed}: row {row} is protected, and {treatment:?}");
    }
    assert_eq!(got, expected.treatments, "seed {seed}: {question:#?}");
    let mut by_run = vec![None; got.len()];
    for (run, treatment) in verdicts.runs() {
        by_run[run].fill(Some(treatment.clone()));
    }
    assert_eq!(by_run, got, "seed {seed}: runs");
    let tally = &verdicts.tally;
    let kept = got.iter().filter(|treatment| treatment.is_none()).count();
    let total: u64 = tally.treated.values().sum();
    let rows = u64::try_from(got.len()).expect("few");
    assert_eq!(tally.kept, u64::try_from(kept).expect("few"), "seed {seed}");
    assert_eq!((tally.rows, tally.kept + total), (rows, rows), "seed {seed}");
    assert_eq!(tally.without_time, expected.without_time, "seed {seed}");
    assert_eq!(tally.past_maximum, expected.past_maximum, "seed {seed}: {question:#?}");
    assert_eq!(tally.waiting, expected.waiting, "seed {seed}: {question:#?}");
    assert_eq!(lost_by(&verdicts), expected.lost, "seed {seed}: {question:#?}");
}

#[test]
fn verdicts_are_those_of_the_document_for_policies_by_chance() {
    let (mut rows, mut treated, mut lost, mut past) = (0, 0, 0, 0);
    for seed in 0..questions() {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let question = world::question(&mut chance);
        let expected = answer(&question);
        compare(&question, &expected, &rows_of(&question, &mut chance), seed);
        rows += expected.treatments.len();
        treated += expected.treatments.iter().flatten().count();
        lost += expected.lost.len();
        past += expected.past_maximum.len();
    }
    // The worlds are such that everything happens often, or the comparison says little.
    assert!(treated * 50 > rows && lost * 50 > rows && past * 50 > rows, "{rows} {treated} {lost} {past}");
}

#[test]
fn batches_add_up_to_what_they_are_together() {
    for seed in 0..questions().min(3_000) {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let question = world::question(&mut chance);
        let judge = judge(&question);
        let rows = rows_of(&question, &mut chance);
        let cut = chance.random_range(0..=rows.num_rows());
        let tally = |rows: &RecordBatch| judge.decide(rows).expect("decided").tally;
        let mut added = tally(&rows.slice(0, cut));
        added.add(tally(&rows.slice(cut, rows.num_rows() - cut)));
        assert_eq!(added, tally(&rows), "seed {seed}");
    }
}

/// The text of a row in a column.
type TextOf = fn(&Row) -> Option<&String>;

/// What a writer might say about the rows: true, and at times cut or left out.
fn facts(question: &Question, chance: &mut ChaCha8Rng) -> GroupFacts {
    let rows = u64::try_from(question.rows.len()).expect("few");
    let nulls =
        |count: usize, chance: &mut ChaCha8Rng| chance.random_bool(0.9).then(|| u64::try_from(count).expect("few"));
    let times = question.rows.iter().filter_map(|row| row.time);
    let earliest = times.min().map(|time| question.form.time.instants(time).0);
    let without_time = question.rows.iter().filter(|row| row.time.is_none()).count();
    let mut facts = GroupFacts {
        rows: chance.random_bool(0.9).then_some(rows),
        time: TimeFacts { earliest: earliest.filter(|_| chance.random_bool(0.9)), nulls: nulls(without_time, chance) },
        texts: BTreeMap::new(),
    };
    let texts: [(&str, TextOf); 3] = [
        ("event_type", |row| row.event_type.as_ref()),
        ("tenant_id", |row| row.tenant.as_ref()),
        ("outcome", |row| row.outcome.as_ref()),
    ];
    for (column, text) in texts {
        let mut values: Vec<&String> = question.rows.iter().filter_map(text).collect();
        values.sort_unstable();
        let cut = |value: Option<&&String>, chance: &mut ChaCha8Rng| {
            let value = value?;
            let keep = if chance.random_bool(0.5) { value.len() } else { chance.random_range(0..=value.len()) };
            chance.random_bool(0.9).then(|| value[..keep].to_owned())
        };
        let (min, max) = (cut(values.first(), chance), cut(values.last(), chance));
        let nulls = nulls(question.rows.len() - values.len(), chance);
        facts.texts.insert(column.to_owned(), TextFacts { min, max, nulls });
    }
    let without_classes = question.rows.iter().filter(|row| row.classes.is_none()).count();
    let of_classes = TextFacts { nulls: nulls(without_classes, chance), ..TextFacts::default() };
    facts.texts.insert("data_classes".to_owned(), of_classes);
    facts
}

#[test]
fn nothing_that_is_excused_would_go_or_be_in_conflict() {
    let (mut excused, mut unremarkable) = (0_u64, 0_u64);
    for seed in 0..questions().min(10_000) {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let question = world::question(&mut chance);
        let judge = judge(&question);
        let facts = facts(&question, &mut chance);
        let tally = judge.decide(&batch(&question.rows, question.form)).expect("decided").tally;
        let is_unremarkable = tally.gone() == 0 && tally.conflicts().is_empty();
        let is_excused = judge.excuse(&facts);
        assert!(is_unremarkable || !is_excused, "seed {seed}: {facts:#?} {question:#?}");
        excused += u64::from(is_excused);
        unremarkable += u64::from(is_unremarkable);
    }
    // Facts that never excused would be right, and of no use.
    assert!(excused * 2 > unremarkable, "{excused} of {unremarkable}");
}

#[test]
fn explanations_come_to_what_is_decided() {
    for seed in 0..questions().min(2_000) {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let question = world::question(&mut chance);
        let judge = judge(&question);
        let rows = batch(&question.rows, question.form);
        let verdicts = judge.decide(&rows).expect("decided");
        for row in 0..question.rows.len() {
            let explained = judge.explain(&rows, row).expect("explained").expect("a row");
            let treatment = match &explained.outcome {
                Outcome::Treated { treatment } => Some(treatment),
                Outcome::Kept | Outcome::KeptPastMaximum { .. } => None,
            };
            assert_eq!(treatment, verdicts.of_row(row), "seed {seed}: {explained:#?}");
            let begins = if treatment.is_some() { &["due"][..] } else { &["kept", "held"] };
            assert!(begins.iter().any(|begin| explained.sentence.starts_with(begin)), "seed {seed}: {explained:#?}");
        }
    }
}

#[test]
fn erasures_are_those_of_the_document_for_policies_by_chance() {
    for seed in 0..questions().min(10_000) {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let question = Question { archived: None, ..world::question(&mut chance) };
        let rule = ErasureRule {
            mode: if chance.random_bool(0.5) { ErasureMode::Delete } else { ErasureMode::Anonymize },
            within_minimum: if chance.random_bool(0.5) { WithinMinimum::Anonymize } else { WithinMinimum::Refuse },
        };
        let done = judge(&question).erase(&rows_of(&question, &mut chance), rule).expect("decided");
        let expected: Vec<_> = question.rows.iter().map(|row| erased(&question, row, rule)).collect();
        assert_eq!(done.by_row(), expected, "seed {seed}: {question:#?}");
        let rows: u64 = done.rows.values().map(|rows| rows.rows).sum();
        assert_eq!(rows, u64::try_from(expected.len()).expect("few"), "seed {seed}");
    }
}
