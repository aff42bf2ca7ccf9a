//! Policies, cases and datasets that tests begin with.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::{
    AUDIT, ApprovalRule, CaseId, ColumnMatch, Dataset, DatasetId, Disposition, Due, ErasureMode, ErasureRule,
    HoldScope, InPlace, Pattern, PolicyId, RetentionPolicy, RetentionRule, RowMatch, Span, WithinMinimum,
};

use super::super::OpenCase;
use super::table::{Row, at, row};
use crate::subject::Persons;
use crate::subject::given::known;

/// A policy without rules.
pub(super) fn empty_policy() -> RetentionPolicy {
    RetentionPolicy {
        id: PolicyId::parse("audit").expect("a name"),
        dataset: DatasetId::parse("audit").expect("a name"),
        enabled: true,
        rules: Vec::new(),
        standards: Vec::new(),
        never_delete: Vec::new(),
        erasure: ErasureRule { mode: ErasureMode::Delete, within_minimum: WithinMinimum::Anonymize },
        grace_seconds: 86_400,
        approval: ApprovalRule { approvers: 1, not_planner: true, valid_for_seconds: 604_800, brake_ppm: 200_000 },
        copies: Vec::new(),
        sha256: String::new(),
    }
}

/// The dataset `audit`.
pub(super) fn audit() -> Dataset {
    Dataset {
        id: DatasetId::parse("audit").expect("a name"),
        location: "audit/".to_owned(),
        elsewhere: None,
        schema: &AUDIT,
        map: None,
        time: Some("time".to_owned()),
        tenant: "tenant_id".to_owned(),
        subjects: Vec::new(),
        classes: BTreeMap::new(),
        data_classes: Vec::new(),
        portable: std::collections::BTreeSet::new(),
    }
}

/// A length of time.
pub(super) fn span(text: &str) -> Span {
    Span::parse(text).expect("a span")
}

/// To the archive, for a year.
pub(super) fn archive() -> Disposition {
    Disposition::Archive { keep: Some(span("1y")), storage_class: Some("GLACIER_IR".to_owned()) }
}

/// These columns become NULL.
pub(super) fn redact(columns: &[&str]) -> Disposition {
    Disposition::Anonymize(columns.iter().map(|&column| (column.to_owned(), InPlace::Redact)).collect())
}

/// A rule about every row.
pub(super) fn rule(name: &str, minimum: Option<&str>, maximum: Option<(&str, Disposition)>) -> RetentionRule {
    RetentionRule {
        name: name.to_owned(),
        rows: RowMatch::default(),
        minimum: minimum.map(span),
        maximum: maximum.map(|(after, disposition)| Due { after: span(after), disposition }),
    }
}

/// Patterns.
pub(super) fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::parse(text).expect("a pattern")).collect()
}

/// The rule, about rows with one of the values alone.
pub(super) fn only(mut rule: RetentionRule, column: &str, values: &[&str]) -> RetentionRule {
    rule.rows.columns.push(ColumnMatch { column: column.to_owned(), values: patterns(values) });
    rule
}

/// A policy of these rules.
pub(super) fn policy(rules: Vec<RetentionRule>) -> RetentionPolicy {
    RetentionPolicy { rules, ..empty_policy() }
}

/// An open case, of persons that are known.
pub(super) fn case(number: &str, scope: HoldScope) -> OpenCase {
    let case = CaseId::parse(number).expect("a case");
    let whose = (!scope.subjects.is_empty()).then(|| Arc::new(Persons::new(&scope.subjects, Some(&known()))));
    OpenCase { case, scope, by: "alice".to_owned(), at: at("2026-11-03T08:00:00Z"), whose }
}

/// A row of an instant and a type.
pub(super) fn of_type(time: &str, event_type: &str) -> Row {
    Row { event_type: Some(event_type.to_owned()), ..row(time) }
}
