//! The same decision once more, row by row and with no thought of speed, written from the document alone.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, DurationRound, TimeDelta, Timelike, Utc};
use schemas::{
    CaseId, ColumnMatch, Dataset, Disposition, ErasureMode, ErasureRule, RetentionPolicy, RowMatch, Span, WithinMinimum,
};

use super::super::{Archived, Deed, Erased, OpenCase, Protection, Treatment, Winner};
use super::table::{Form, Row};
use crate::subject::given::reference;

/// A question: what becomes of these rows?
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) policy: RetentionPolicy,
    pub(super) holds: Vec<OpenCase>,
    pub(super) dataset: Dataset,
    pub(super) now: DateTime<Utc>,
    pub(super) rows: Vec<Row>,
    pub(super) form: Form,
    pub(super) archived: Option<Archived>,
}

/// A first and a last instant.
type Extent = Option<(DateTime<Utc>, DateTime<Utc>)>;
/// Rows, when due, until when kept.
pub(super) type Lost = BTreeMap<(String, Deed, Winner), (u64, Extent, Extent)>;

/// What becomes of them.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) treatments: Vec<Option<Treatment>>,
    /// What protects each row, whether or not anything is due.
    pub(super) is_protected: Vec<bool>,
    pub(super) without_time: u64,
    pub(super) past_maximum: BTreeMap<Protection, u64>,
    pub(super) waiting: BTreeMap<CaseId, u64>,
    pub(super) lost: Lost,
}

/// A rule that is due on a row.
#[derive(Debug, Clone)]
struct DueRule {
    name: String,
    since: DateTime<Utc>,
    disposition: Disposition,
}

pub(super) fn answer(question: &Question) -> Answer {
    let mut answer = Answer::default();
    for row in &question.rows {
        answer_row(question, row, &mut answer);
    }
    answer
}

fn answer_row(question: &Question, row: &Row, answer: &mut Answer) {
    let holding: BTreeSet<&CaseId> =
        question.holds.iter().filter(|hold| is_held(hold, row, question)).map(|hold| &hold.case).collect();
    let minima = minima(question, row);
    let is_never = is_never(question, row);
    let due = due(question, row);
    answer.without_time += u64::from(row.time.is_none());
    answer.is_protected.push(!holding.is_empty() || !minima.is_empty());
    if due.is_empty() {
        answer.treatments.push(None);
        return;
    }
    for case in &holding {
        *answer.waiting.entry((*case).clone()).or_default() += 1;
    }
    let latest = minima.iter().map(|(_, until)| *until).max();
    let latest = latest.and_then(|latest| minima.iter().find(|(_, until)| *until == latest)).cloned();
    let mut reasons = BTreeSet::new();
    let mut free = Vec::new();
    for rule in due {
        let is_removal = matches!(rule.disposition, Disposition::Delete | Disposition::Archive { .. });
        let (protection, until) = if let Some(case) = holding.first() {
            (Protection::Hold { case: (*case).clone() }, None)
        } else if is_never && is_removal {
            (Protection::NeverDelete, None)
        } else if let Some((protection, until)) = &latest {
            (protection.clone(), Some(*until))
        } else {
            free.push(rule);
            continue;
        };
        reasons.insert(protection.clone());
        lose(&mut answer.lost, &rule, Winner::Protection { protection }, until);
    }
    if free.is_empty() {
        // Protections are ordered as they are named: cases, then `never_delete`, then minima.
        let reason = reasons.into_iter().next().expect("something keeps it");
        *answer.past_maximum.entry(reason).or_default() += 1;
        answer.treatments.push(None);
    } else {
        answer.treatments.push(Some(treat(free, &mut answer.lost)));
    }
}

fn treat(mut free: Vec<DueRule>, lost: &mut Lost) -> Treatment {
    free.sort_by_key(|rule| (rule.since, rule.name.clone()));
    let mildest = free.iter().map(|rule| rule.disposition.destroys()).min().expect("one");
    let (mut same, others): (Vec<_>, Vec<_>) =
        free.into_iter().partition(|rule| rule.disposition.destroys() == mildest);
    if mildest == 1 && !same.iter().any(|one| same.iter().any(|other| differ(one, other))) {
        same.sort_by_key(|rule| rule.name.clone());
    }
    let first = same[0].clone();
    for rule in &others {
        let winner = Winner::Milder { rule: first.name.clone(), deed: Deed::of(&first.disposition) };
        lose(lost, rule, winner, None);
    }
    for (place, rule) in same.iter().enumerate() {
        let earlier = match mildest {
            1 => same[..place].iter().find(|earlier| differ(earlier, rule)),
            _ => Some(&first).filter(|first| first.disposition != rule.disposition),
        };
        if let Some(earlier) = earlier {
            lose(lost, rule, Winner::Earlier { rule: earlier.name.clone() }, None);
        }
    }
    match mildest {
        0 => Treatment::Archive { rule: first.name },
        1 => Treatment::Anonymize { rules: same.into_iter().map(|rule| rule.name).collect() },
        _ => Treatment::Delete { rule: first.name },
    }
}

fn differ(one: &DueRule, other: &DueRule) -> bool {
    match (&one.disposition, &other.disposition) {
        (Disposition::Anonymize(ours), Disposition::Anonymize(theirs)) => {
            ours.iter().any(|(column, method)| theirs.get(column).is_some_and(|another| another != method))
        }
        _ => false,
    }
}

fn lose(lost: &mut Lost, rule: &DueRule, winner: Winner, until: Option<DateTime<Utc>>) {
    let key = (rule.name.clone(), Deed::of(&rule.disposition), winner);
    let (rows, due, kept) = lost.entry(key).or_default();
    *rows += 1;
    widen(due, rule.since);
    if let Some(until) = until {
        widen(kept, until);
    }
}

fn widen(extent: &mut Extent, at: DateTime<Utc>) {
    let (first, last) = extent.unwrap_or((at, at));
    *extent = Some((first.min(at), last.max(at)));
}

/// The instants that decide and that are printed; they differ by less than a microsecond.
fn ages_from(question: &Question, row: &Row) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let (_, exact) = question.form.time.instants(row.time?);
    let cut = exact.duration_trunc(TimeDelta::microseconds(1)).expect("near");
    let next = cut + TimeDelta::microseconds(1);
    let printed =
        if cut == exact || next.num_seconds_from_midnight() == 0 && next.nanosecond() == 0 { cut } else { next };
    Some((exact, printed))
}

fn is_over(span: Span, from: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    span.after(from).is_some_and(|end| end <= now)
}

fn due(question: &Question, row: &Row) -> Vec<DueRule> {
    let Some((exact, printed)) = ages_from(question, row) else { return Vec::new() };
    if !question.policy.enabled {
        return Vec::new();
    }
    if let Some(archived) = &question.archived {
        let end = archived.keep.and_then(|keep| keep.after(archived.at)).filter(|end| *end <= question.now);
        let rule = |since| DueRule { name: archived.rule.clone(), since, disposition: Disposition::Delete };
        return end.map(rule).into_iter().collect();
    }
    let mut due = Vec::new();
    for rule in &question.policy.rules {
        let Some(maximum) = &rule.maximum else { continue };
        if says(&rule.rows, row, question) == Some(true) && is_over(maximum.after, exact, question.now) {
            let since = maximum.after.after(printed).expect("it is over");
            due.push(DueRule { name: rule.name.clone(), since, disposition: maximum.disposition.clone() });
        }
    }
    due
}

/// Minima that the row is below, in the order in which one is named of several that end at once.
fn minima(question: &Question, row: &Row) -> Vec<(Protection, DateTime<Utc>)> {
    let never = DateTime::<Utc>::MAX_UTC;
    let young = |span: Span| match ages_from(question, row) {
        None => Some(never),
        Some((exact, _)) if is_over(span, exact, question.now) => None,
        Some((_, printed)) => Some(span.after(printed).unwrap_or(never)),
    };
    let mut minima: Vec<(Protection, DateTime<Utc>)> = Vec::new();
    let mut rules: Vec<_> = question.policy.rules.iter().collect();
    rules.sort_by_key(|rule| rule.name.clone());
    for rule in rules {
        let Some(until) = rule.minimum.and_then(young) else { continue };
        if says(&rule.rows, row, question) != Some(false) {
            minima.push((Protection::Minimum { rule: rule.name.clone() }, until));
        }
    }
    let mut standards = question.policy.standards.clone();
    standards.sort();
    for standard in standards {
        minima.extend(young(standard.minimum()).map(|until| (Protection::Standard { standard }, until)));
    }
    minima
}

fn is_never(question: &Question, row: &Row) -> bool {
    let has_types = !question.dataset.is_inferred() || question.form.event_type.is_some();
    let patterns = &question.policy.never_delete;
    let is_named = row.event_type.as_ref().is_none_or(|of| patterns.iter().any(|pattern| pattern.matches(of)));
    has_types && !patterns.is_empty() && is_named
}

/// Whether the row meets all that is said; none when nobody knows.
fn says(rows: &RowMatch, row: &Row, question: &Question) -> Option<bool> {
    let mut said: Vec<Option<bool>> = rows.columns.iter().map(|column| says_column(column, row)).collect();
    if !rows.classes.is_empty() {
        said.push(says_classes(&rows.classes, row, &question.dataset));
    }
    all(&said)
}

fn all(said: &[Option<bool>]) -> Option<bool> {
    if said.contains(&Some(false)) {
        Some(false)
    } else if said.contains(&None) {
        None
    } else {
        Some(true)
    }
}

fn says_column(column: &ColumnMatch, row: &Row) -> Option<bool> {
    let text = match column.column.as_str() {
        "event_type" => row.event_type.clone(),
        "tenant_id" => row.tenant.clone(),
        "outcome" => row.outcome.clone(),
        "code" => row.code.map(|code| code.to_string()),
        "flag" => row.flag.map(|flag| flag.to_string()),
        _ => None,
    }?;
    Some(column.values.iter().any(|pattern| pattern.matches(&text)))
}

fn says_classes(wanted: &[String], row: &Row, dataset: &Dataset) -> Option<bool> {
    match row.classes.as_deref() {
        None if dataset.data_classes.is_empty() => None,
        None | Some([]) => Some(dataset.data_classes.iter().any(|class| wanted.contains(class))),
        Some(classes) if classes.iter().flatten().any(|class| wanted.contains(class)) => Some(true),
        Some(classes) if classes.contains(&None) => None,
        Some(_) => Some(false),
    }
}

/// Whether the row may be one that the case is about.
fn is_held(hold: &OpenCase, row: &Row, question: &Question) -> bool {
    let scope = &hold.scope;
    let is_of_dataset = scope.datasets.is_empty() || scope.datasets.contains(&question.dataset.id);
    let tenant = row.tenant.as_ref().filter(|_| !question.dataset.tenant.is_empty());
    let is_of_tenant = scope.tenants.is_empty() || tenant.is_none_or(|tenant| scope.tenants.contains(tenant));
    let is_type = |of: &String| scope.event_types.iter().any(|pattern| pattern.matches(of));
    let is_of_type = scope.event_types.is_empty() || row.event_type.as_ref().is_none_or(is_type);
    let is_in_time = row.time.is_none_or(|time| {
        let (first, last) = question.form.time.instants(time);
        scope.from.is_none_or(|from| last >= from) && scope.to.is_none_or(|to| first < to)
    });
    is_of_dataset && is_of_tenant && is_of_type && is_in_time && is_theirs(hold, row, question)
}

/// Whether the row may name one of the persons of a case.
fn is_theirs(hold: &OpenCase, row: &Row, question: &Question) -> bool {
    let Some(persons) = &hold.whose else { return true };
    let columns = [("actor_id", &row.actor, question.form.actor), ("subject_id", &row.subject, question.form.subject)];
    columns.into_iter().filter(|(column, ..)| question.dataset.subjects.iter().any(|of| of == column)).any(
        |(_, value, form)| match persons.key_missing() {
            Some(_) => form.is_some() && value.is_some(),
            None => value.as_ref().is_some_and(|value| hold.scope.subjects.contains(&reference(value))),
        },
    )
}

/// What the erasure of a person does to one of the person's rows.
pub(super) fn erased(question: &Question, row: &Row, rule: ErasureRule) -> Erased {
    let holding: BTreeSet<&CaseId> =
        question.holds.iter().filter(|hold| is_held(hold, row, question)).map(|hold| &hold.case).collect();
    if let Some(case) = holding.first() {
        return Erased::Refuse { because: Protection::Hold { case: (*case).clone() } };
    }
    let minima = minima(question, row);
    let latest = minima.iter().map(|(_, until)| *until).max();
    let minimum = minima.into_iter().find(|(_, until)| Some(*until) == latest).map(|(minimum, _)| minimum);
    match (rule.within_minimum, minimum) {
        (WithinMinimum::Refuse, Some(because)) => Erased::Refuse { because },
        _ if rule.mode == ErasureMode::Anonymize => Erased::Anonymize { because: None },
        _ if is_never(question, row) => Erased::Anonymize { because: Some(Protection::NeverDelete) },
        (WithinMinimum::Anonymize, Some(because)) => Erased::Anonymize { because: Some(because) },
        (_, None) => Erased::Delete,
    }
}
