//! Questions by chance: small worlds in which everything meets everything, mostly near the instants that decide.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Months, NaiveDate, TimeDelta, Utc};
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use schemas::{
    CaseId, ColumnMatch, DatasetId, Disposition, Due, HoldScope, INFERRED, InPlace, Pattern, RetentionPolicy,
    RetentionRule, RowMatch, Span, Standard,
};

use super::super::{Archived, OpenCase};
use super::given::{audit, empty_policy};
use super::oracle::Question;
use super::table::{Form, Row, TimeForm};
use crate::subject::Persons;
use crate::subject::given::{known, reference};

const TYPES: [&str; 5] = ["user.login", "user.logout", "session.opened", "legal_hold.placed", ""];
const TENANTS: [&str; 3] = ["acme", "acme-eu", "globex"];
const OUTCOMES: [&str; 3] = ["success", "denied", "Denied"];
const CLASSES: [&str; 3] = ["pii", "phi", "public"];
const PEOPLE: [&str; 4] = ["user-4", "user-42", "José", "7"];

/// A question by chance.
pub(super) fn question(chance: &mut ChaCha8Rng) -> Question {
    let now = now(chance);
    let policy = policy(chance);
    let mut dataset = audit();
    if chance.random_bool(0.2) {
        dataset.schema = &INFERRED;
    }
    if chance.random_bool(0.1) {
        dataset.tenant = String::new();
    }
    dataset.data_classes = some_of(chance, &CLASSES, 0.2);
    dataset.subjects = some_of(chance, &["actor_id", "subject_id"], 0.7);
    let form = form(chance);
    let spans = spans(&policy);
    let rows = (0..chance.random_range(0..12)).map(|_| row(chance, form, now, &spans)).collect();
    let holds = (0..chance.random_range(0..4)).map(|number| hold(chance, number, now)).collect();
    let archived = chance.random_bool(0.1).then(|| Archived {
        rule: "rest".to_owned(),
        at: now - TimeDelta::days(chance.random_range(0..800)),
        keep: chance.random_bool(0.9).then(|| span(chance)),
    });
    Question { policy, holds, dataset, now, rows, form, archived }
}

/// An instant, often one at which calendars are peculiar.
fn now(chance: &mut ChaCha8Rng) -> DateTime<Utc> {
    let (year, month) = (chance.random_range(2020..2033), chance.random_range(1..=12));
    let day = *[1, 15, 28, 29, 30, 31].choose(chance).expect("some");
    let date = NaiveDate::from_ymd_opt(year, month, day);
    let date = date.or_else(|| NaiveDate::from_ymd_opt(year, month, 28)).expect("a day");
    let clock = *[0, 1, 43_200_000, 86_399_999].choose(chance).expect("some");
    date.and_hms_opt(0, 0, 0).expect("midnight").and_utc() + TimeDelta::milliseconds(clock)
}

fn span(chance: &mut ChaCha8Rng) -> Span {
    *[
        Span::Hours(1),
        Span::Hours(24),
        Span::Hours(90 * 24),
        Span::Hours(365 * 24),
        Span::Hours(2_555 * 24),
        Span::Months(1),
        Span::Months(3),
        Span::Months(12),
        Span::Months(84),
    ]
    .choose(chance)
    .expect("some")
}

fn some_of(chance: &mut ChaCha8Rng, of: &[&str], share: f64) -> Vec<String> {
    of.iter().filter(|_| chance.random_bool(share)).map(|&word| word.to_owned()).collect()
}

fn patterns(chance: &mut ChaCha8Rng, of: &[&str]) -> Vec<Pattern> {
    let one = |chance: &mut ChaCha8Rng| {
        let word = of.choose(chance).expect("some");
        let cut = chance.random_range(0..=word.len());
        match chance.random_range(0..4) {
            0 => format!("{}*", &word[..cut]),
            1 if cut > 0 => word[..cut].to_owned(),
            _ if word.is_empty() => "*".to_owned(),
            _ => (*word).to_owned(),
        }
    };
    (0..chance.random_range(1..4)).map(|_| Pattern::parse(&one(chance)).expect("a pattern")).collect()
}

fn matching(chance: &mut ChaCha8Rng) -> RowMatch {
    let mut columns = Vec::new();
    for (column, words) in
        [("event_type", &TYPES[..]), ("tenant_id", &TENANTS), ("outcome", &OUTCOMES), ("code", &["0", "1", "12", "-1"])]
    {
        if chance.random_bool(0.2) {
            columns.push(ColumnMatch { column: column.to_owned(), values: patterns(chance, words) });
        }
    }
    if chance.random_bool(0.1) {
        columns.push(ColumnMatch { column: "flag".to_owned(), values: patterns(chance, &["true", "false"]) });
    }
    let classes = if chance.random_bool(0.2) { some_of(chance, &CLASSES, 0.5) } else { Vec::new() };
    RowMatch { columns, classes }
}

fn disposition(chance: &mut ChaCha8Rng) -> Disposition {
    match chance.random_range(0..4) {
        0 => {
            let keep = chance.random_bool(0.5).then(|| span(chance));
            Disposition::Archive { keep, storage_class: None }
        }
        1 => Disposition::Delete,
        _ => {
            let mut columns = BTreeMap::new();
            for column in ["src_ip", "subject_id", "user_agent"] {
                if chance.random_bool(0.5) {
                    let method = match chance.random_range(0..3) {
                        0 => InPlace::Redact,
                        1 => InPlace::Constant { value: "gone".to_owned() },
                        _ => InPlace::TruncateIp { v4: 24, v6: 48 },
                    };
                    columns.insert(column.to_owned(), method);
                }
            }
            Disposition::Anonymize(columns)
        }
    }
}

fn policy(chance: &mut ChaCha8Rng) -> RetentionPolicy {
    let mut names = ["rest", "eu-logins", "a", "z"];
    names.shuffle(chance);
    let rule = |name: &&str, chance: &mut ChaCha8Rng| {
        let has = (chance.random_bool(0.35), chance.random_bool(0.75));
        RetentionRule {
            name: (*name).to_owned(),
            rows: matching(chance),
            minimum: has.0.then(|| span(chance)),
            maximum: has.1.then(|| Due { after: span(chance), disposition: disposition(chance) }),
        }
    };
    let count = chance.random_range(0..=names.len());
    let rules = names[..count].iter().map(|name| rule(name, chance)).collect();
    let standards = Standard::ALL.into_iter().filter(|_| chance.random_bool(0.12)).collect();
    let never_delete = if chance.random_bool(0.4) { patterns(chance, &TYPES[2..4]) } else { Vec::new() };
    RetentionPolicy { rules, standards, never_delete, enabled: chance.random_bool(0.97), ..empty_policy() }
}

/// Every length of time of the policy.
fn spans(policy: &RetentionPolicy) -> Vec<Span> {
    let of_rule = |rule: &RetentionRule| [rule.minimum, rule.maximum.as_ref().map(|due| due.after)];
    let of_rules = policy.rules.iter().flat_map(of_rule).flatten();
    of_rules.chain(policy.standards.iter().map(|standard| standard.minimum())).collect()
}

fn form(chance: &mut ChaCha8Rng) -> Form {
    let kind = |chance: &mut ChaCha8Rng| chance.random_bool(0.92).then(|| chance.random_range(0..60));
    Form {
        time: *TimeForm::ALL.choose(chance).expect("some"),
        event_type: kind(chance),
        tenant: kind(chance),
        outcome: kind(chance),
        code: kind(chance),
        flag: chance.random_bool(0.9),
        classes: kind(chance),
        actor: kind(chance),
        subject: kind(chance),
    }
}

/// An instant that lies where some length of time is just over, or just not.
fn beginning(chance: &mut ChaCha8Rng, now: DateTime<Utc>, spans: &[Span]) -> DateTime<Utc> {
    let back = match spans.choose(chance) {
        Some(Span::Hours(hours)) => now - TimeDelta::hours(i64::from(*hours)),
        Some(Span::Months(months)) => now - Months::new(*months),
        None => now,
    };
    let near = match chance.random_range(0..5) {
        0 => TimeDelta::zero(),
        1 => TimeDelta::microseconds(chance.random_range(-2..=2)),
        2 => TimeDelta::days(chance.random_range(-4..=4)),
        3 => TimeDelta::hours(chance.random_range(-80..=80)),
        _ => TimeDelta::days(chance.random_range(-3_000..=3_000)),
    };
    back + near
}

fn row(chance: &mut ChaCha8Rng, form: Form, now: DateTime<Utc>, spans: &[Span]) -> Row {
    let word = |chance: &mut ChaCha8Rng, of: &[&str]| {
        chance.random_bool(0.88).then(|| (*of.choose(chance).expect("some")).to_owned())
    };
    let at_ns = beginning(chance, now, spans).timestamp_nanos_opt().expect("near") + chance.random_range(-1..=1);
    let is_unsigned = form.code.is_some_and(|kind| kind % 4 == 3);
    let classes = chance.random_bool(0.8).then(|| {
        let mut classes: Vec<Option<String>> = some_of(chance, &CLASSES, 0.3).into_iter().map(Some).collect();
        if chance.random_bool(0.1) {
            classes.insert(0, None);
        }
        classes
    });
    let row = Row {
        time: chance.random_bool(0.93).then(|| at_ns.div_euclid(form.time.unit_ns())),
        event_type: word(chance, &TYPES),
        tenant: word(chance, &TENANTS),
        outcome: word(chance, &OUTCOMES),
        code: chance.random_bool(0.88).then(|| chance.random_range(if is_unsigned { 0..14 } else { -2..14 })),
        flag: chance.random_bool(0.88).then(|| chance.random_bool(0.5)),
        classes,
        actor: word(chance, &PEOPLE),
        subject: word(chance, &PEOPLE),
    };
    Row {
        event_type: row.event_type.filter(|_| form.event_type.is_some()),
        tenant: row.tenant.filter(|_| form.tenant.is_some()),
        outcome: row.outcome.filter(|_| form.outcome.is_some()),
        code: row.code.filter(|_| form.code.is_some()),
        flag: row.flag.filter(|_| form.flag),
        classes: row.classes.filter(|_| form.classes.is_some()),
        actor: row.actor.filter(|_| form.actor.is_some()),
        subject: row.subject.filter(|_| form.subject.is_some()),
        ..row
    }
}

fn hold(chance: &mut ChaCha8Rng, number: u32, now: DateTime<Utc>) -> OpenCase {
    let dataset = |name: &str| DatasetId::parse(name).expect("a name");
    let datasets = match chance.random_range(0..10) {
        0..6 => Vec::new(),
        6..9 => vec![dataset("other"), dataset("audit")],
        _ => vec![dataset("other")],
    };
    let mut scope = HoldScope { datasets, ..HoldScope::default() };
    if chance.random_bool(0.5) {
        scope.tenants = some_of(chance, &TENANTS, 0.4);
    }
    if chance.random_bool(0.4) {
        scope.event_types = patterns(chance, &TYPES);
    }
    if chance.random_bool(0.4) {
        scope.from = Some(now - TimeDelta::days(chance.random_range(0..4_000)));
    }
    if chance.random_bool(0.4) {
        scope.to = Some(now - TimeDelta::days(chance.random_range(-10..4_000)));
    }
    if chance.random_bool(0.4) {
        scope.subjects = some_of(chance, &PEOPLE, 0.4).iter().map(|name| reference(name)).collect();
    }
    let known = chance.random_bool(0.9).then(known);
    let whose = (!scope.subjects.is_empty()).then(|| Arc::new(Persons::new(&scope.subjects, known.as_ref())));
    let case = CaseId::parse(&format!("2026-{}", 900 - number)).expect("a case");
    OpenCase { case, scope, by: "alice".to_owned(), at: now, whose }
}
