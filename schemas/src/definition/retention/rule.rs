//! The rules of a policy.
//!
//! Two of its lengths of time are compared as what they are for rows: one ends before another only if it does for every
//! event of the years 1970 to 2069. `2555d` ends before `7y`, whose days are 2,556 or 2,557; `365d` against `1y` depends
//! on the year, and then the minimum wins where it is later.

use std::collections::BTreeMap;

use super::super::checked::Dataset;
use super::super::problem::{Place, Problems};
use super::super::raw_retention::{RawArchive, RawDisposition, RawInPlace, RawRetentionRule};
use super::super::yaml::At;
use super::{InRule, in_place, rows, span};
use crate::id::name;
use crate::retention::{Disposition, Due, RetentionRule, Span, Standard};

/// Longest word for a storage class.
const STORAGE_CLASS_BYTES_MAX: usize = 64;

/// What rules are checked against.
pub(super) struct Rules<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) standards: &'a [Standard],
}

impl Rules<'_> {
    pub(super) fn build(&self, listed: At<Vec<At<RawRetentionRule>>>, problems: &mut Problems) -> Vec<RetentionRule> {
        let mut rules: Vec<RetentionRule> = Vec::new();
        let mut places: Vec<Place> = Vec::new();
        for At { value: raw, .. } in listed.value {
            let place = raw.rule.place;
            let Some(name) = problems.keep(place, name("rule", &raw.rule.value)) else { continue };
            if rules.iter().any(|other| other.name == name) {
                problems.add(place, format!("rule \"{name}\" stands here twice; rename one"));
            }
            rules.push(self.rule(name, raw, problems));
            places.push(place);
        }
        in_place::check_telling(&rules, &places, problems);
        rules
    }

    fn rule(&self, name: String, raw: RawRetentionRule, problems: &mut Problems) -> RetentionRule {
        let within = InRule { name: &name, place: raw.rule.place };
        let length = |what: &str, given: &At<String>, problems: &mut Problems| {
            span(&format!("rule \"{name}\": {what}"), given, problems).map(|span| (span, given.value.clone()))
        };
        let place = raw.maximum.as_ref().map_or(within.place, |maximum| maximum.place);
        let has = (raw.minimum.is_some(), raw.maximum.is_some(), raw.disposition.is_some());
        let minimum = raw.minimum.as_ref().and_then(|given| length("minimum", given, problems));
        let maximum = raw.maximum.as_ref().and_then(|given| length("maximum", given, problems));
        match has {
            (false, false, false) => within.add(
                within.place,
                "it has neither minimum nor maximum; add for example minimum: 6mo, or maximum: 730d with disposition: delete",
                problems,
            ),
            (_, true, false) => within.add(
                place,
                "it has a maximum and does not say what is done then; add disposition: delete, archive or anonymize",
                problems,
            ),
            (_, false, true) => within.add(
                raw.disposition.as_ref().map_or(within.place, |given| given.place),
                "it has a disposition and does not say when; add for example maximum: 730d",
                problems,
            ),
            _ => {}
        }
        if let (Some((min, least)), Some((max, most))) = (&minimum, &maximum)
            && min.always_outlasts(*max)
        {
            let message = format!(
                "minimum {least:?} ends after maximum {most:?} for every row, so none would go when it is due; write \
                 a maximum of {least} or more, or a smaller minimum"
            );
            within.add(place, &message, problems);
        }
        let rows = raw.rows.map(|given| rows::build(given, self.dataset, within, problems)).unwrap_or_default();
        let disposition = self.disposition(within, raw.disposition, raw.anonymize, raw.archive, problems);
        if let (Some((max, most)), Some(Disposition::Delete)) = (&maximum, &disposition) {
            self.check_legal_minimum(within, place, *max, most, problems);
        }
        let maximum = maximum.zip(disposition).map(|((after, _), disposition)| Due { after, disposition });
        let minimum = minimum.map(|(span, _)| span);
        RetentionRule { name, rows, minimum, maximum }
    }

    /// Whoever states a standard and deletes sooner means one of the two otherwise. To archive or to anonymize sooner is
    /// no error: the standard keeps the rows where and as they are, and the plan shows the conflict.
    fn check_legal_minimum(&self, within: InRule<'_>, at: Place, max: Span, most: &str, problems: &mut Problems) {
        for standard in self.standards.iter().filter(|standard| standard.minimum().always_outlasts(max)) {
            let (standard, minimum) = (standard.as_str(), standard.minimum());
            let message = format!(
                "it deletes after {most:?}, below the legal minimum: standard {standard} keeps every row {minimum}; \
                 write maximum: {minimum} or more, or leave {standard} out of standards"
            );
            within.add(at, &message, problems);
        }
    }

    fn disposition(
        &self,
        within: InRule<'_>,
        given: Option<At<RawDisposition>>,
        anonymize: Option<At<BTreeMap<String, At<RawInPlace>>>>,
        archive: Option<At<RawArchive>>,
        problems: &mut Problems,
    ) -> Option<Disposition> {
        let word = given.as_ref().map(|given| given.value);
        for (key, at, of) in [
            ("anonymize", anonymize.as_ref().map(|given| given.place), RawDisposition::Anonymize),
            ("archive", archive.as_ref().map(|given| given.place), RawDisposition::Archive),
        ] {
            if let Some(at) = at.filter(|_| word != Some(of)) {
                let message = format!("{key} is for disposition: {key}; write that, or leave it out");
                within.add(at, &message, problems);
            }
        }
        Some(match given?.value {
            RawDisposition::Delete => Disposition::Delete,
            RawDisposition::Archive => archived(archive, within, problems),
            RawDisposition::Anonymize => {
                let Some(listed) = anonymize else {
                    let message = "it anonymizes and names no column; add for example anonymize: {src_ip: {method: \
                                   truncate_ip}}";
                    within.add(within.place, message, problems);
                    return None;
                };
                Disposition::Anonymize(in_place::build(listed, self.dataset, within, problems))
            }
        })
    }
}

fn archived(given: Option<At<RawArchive>>, within: InRule<'_>, problems: &mut Problems) -> Disposition {
    let Some(At { value: RawArchive { keep, storage_class }, .. }) = given else {
        return Disposition::Archive { keep: None, storage_class: None };
    };
    let keep = keep.and_then(|given| span(&format!("rule \"{}\": keep", within.name), &given, problems));
    let storage_class = storage_class.map(|given| {
        let word = given.value;
        let fits = (1..=STORAGE_CLASS_BYTES_MAX).contains(&word.len())
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if !fits {
            let message = format!(
                "storage_class {word:?} is no word of a store; use 1 to {STORAGE_CLASS_BYTES_MAX} letters, digits, _ \
                 and -, for example GLACIER_IR"
            );
            within.add(given.place, &message, problems);
        }
        word
    });
    Disposition::Archive { keep, storage_class }
}
