//! What steps of cases say was withdrawn, and what stands in its place, for whoever finds a file of a run gone.
//!
//! A file may have been withdrawn for one person after the other: what stands in its place was withdrawn as well, then. And of
//! two that began with the same file, one wrote what counts. So whatever may stand in a place is told, and what is there counts.

use std::collections::{BTreeMap, BTreeSet};

use engine::subject::subject_cases;
use engine::{EngineError, Lakefront};
use schemas::{CaseRecord, CaseStep, WithdrawnObject};

/// What was withdrawn.
#[derive(Debug, Default)]
pub(crate) struct Withdrawals {
    /// Paths with the SHA-256 of what lay there.
    gone: BTreeSet<(String, String)>,
    /// By path, what may stand in its place.
    instead: BTreeMap<String, Vec<WithdrawnObject>>,
}

impl Withdrawals {
    /// As the cases of a lake say.
    ///
    /// # Errors
    /// When a record of a case is damaged, or the store fails.
    pub(crate) async fn read(front: &Lakefront) -> Result<Self, EngineError> {
        let mut all = Self::default();
        for case in subject_cases(front).await? {
            case.records.into_iter().for_each(|record| all.take(record.what));
        }
        Ok(all)
    }

    /// Takes in what a record of a case says. Nothing where it is no such record.
    pub(crate) fn take_record(&mut self, record: &[u8]) {
        if let Ok(record) = serde_json::from_slice::<CaseRecord>(record) {
            self.take(record.what);
        }
    }

    fn take(&mut self, step: CaseStep) {
        let CaseStep::Withdrawn { objects, instead, .. } = step else { return };
        if let (Some(instead), [object]) = (instead, objects.as_slice()) {
            self.instead.entry(object.path.clone()).or_default().push(instead);
        }
        self.gone.extend(objects.into_iter().filter_map(|object| Some((object.path, object.sha256?))));
    }

    /// Whether an object with this SHA-256 was withdrawn there.
    pub(crate) fn explain(&self, path: &str, sha256: &str) -> bool {
        self.gone.contains(&(path.to_owned(), sha256.to_owned()))
    }

    /// Every object that may stand in the place of one, those in the place of these among them.
    pub(crate) fn in_place_of(&self, path: &str) -> Vec<&WithdrawnObject> {
        let mut all: Vec<&WithdrawnObject> = self.instead.get(path).into_iter().flatten().collect();
        let mut next = 0;
        while let Some(one) = all.get(next).copied() {
            for further in self.instead.get(&one.path).into_iter().flatten() {
                if !all.contains(&further) {
                    all.push(further);
                }
            }
            next += 1;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: &str, to: Option<&str>) -> CaseStep {
        let object = |path: &str| WithdrawnObject { path: path.to_owned(), sha256: Some(format!("sha of {path}")) };
        CaseStep::Withdrawn {
            what: "rows".to_owned(),
            objects: vec![object(from)],
            instead: to.map(object),
            mark: None,
            then: String::new(),
        }
    }

    #[test]
    fn what_stands_in_a_place_is_followed_as_far_as_it_goes() {
        let mut all = Withdrawals::default();
        // One died before they wrote anything, another one went on, and so did a third after them.
        for (from, to) in [("f", Some("f.1")), ("f", Some("f.2")), ("f.2", Some("f.23")), ("e", None)] {
            all.take(step(from, to));
        }
        let of = |path: &str| all.in_place_of(path).iter().map(|one| one.path.clone()).collect::<Vec<_>>();
        assert_eq!(of("f"), ["f.1", "f.2", "f.23"]);
        assert_eq!(of("f.2"), ["f.23"]);
        assert_eq!(of("e"), [] as [&str; 0]);
        assert!(all.explain("f", "sha of f") && all.explain("e", "sha of e"));
        assert!(!all.explain("f", "sha of e") && !all.explain("f.23", "sha of f.23"));
        // A record that leads back ends, too.
        all.take(step("f.23", Some("f")));
        assert_eq!(all.in_place_of("f").len(), 4);
    }
}
