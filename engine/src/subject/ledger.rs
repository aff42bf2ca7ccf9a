//! The ledger of erasures: who was erased and when, by reference. It outlives the cases, so that what comes back, from a
//! source that is late or a backup that is restored, is known.
//!
//! ```text
//! _auditlake/erasures/<case>.json
//! ```
//!
//! Absent: what is done with rows that came back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::path::Path;
use schemas::CaseId;
use serde::{Deserialize, Serialize};

use super::reference::SubjectKeys;
use crate::error::EngineError;
use crate::store::Lakefront;

/// Where erasures lie.
const ERASURES: &str = "_auditlake/erasures";
/// Records read side by side.
const READ_AT_ONCE: usize = 16;

/// That somebody was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRecord {
    /// The case.
    pub case: CaseId,
    /// Rows up to this instant are gone; newer ones are new data.
    pub at: DateTime<Utc>,
    /// References of the person's identifiers, with their kinds.
    pub subject: BTreeMap<String, String>,
}

/// Where the record of a case lies.
pub fn erasure_path(case: &CaseId) -> Path {
    Path::from(format!("{ERASURES}/{case}.json"))
}

/// Every erasure, by case.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub async fn erasures(lake: &Lakefront) -> Result<Vec<ErasureRecord>, EngineError> {
    let listed = lake.list(&Path::from(ERASURES)).await?;
    let records = stream::iter(listed).map(|meta| async move { lake.read_json(&meta.location).await });
    let records: Vec<Option<ErasureRecord>> = records.buffered(READ_AT_ONCE).try_collect().await?;
    Ok(records.into_iter().flatten().collect())
}

/// Everybody who was erased.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Kinds of identifiers by key.
    kinds: BTreeMap<String, BTreeSet<String>>,
    /// When an identifier was erased last, by its reference, and the case.
    erased: BTreeMap<String, (DateTime<Utc>, CaseId)>,
}

impl Ledger {
    /// Reads it.
    ///
    /// # Errors
    /// When the store fails, or a record is damaged.
    pub async fn read(lake: &Lakefront) -> Result<Self, EngineError> {
        Ok(Self::of(erasures(lake).await?))
    }

    /// Of these records.
    pub fn of(records: impl IntoIterator<Item = ErasureRecord>) -> Self {
        let mut ledger = Self::default();
        for record in records {
            for (reference, kind) in &record.subject {
                let key = reference.split(':').next().unwrap_or_default().to_owned();
                ledger.kinds.entry(key).or_default().insert(kind.clone());
                let last = (record.at, record.case.clone());
                let entry = ledger.erased.entry(reference.clone()).or_insert_with(|| last.clone());
                if *entry < last {
                    *entry = last;
                }
            }
        }
        ledger
    }

    /// Whether nobody was erased.
    pub fn is_empty(&self) -> bool {
        self.erased.is_empty()
    }

    /// Ids of keys that it needs and that are not there.
    pub fn keys_missing(&self, keys: &SubjectKeys) -> Vec<&str> {
        self.kinds.keys().filter(|id| keys.of(id).is_none()).map(String::as_str).collect()
    }

    /// That whoever a value names was erased; `is_kind` says of which kinds the value may be.
    pub fn erased(&self, keys: &SubjectKeys, value: &str, is_kind: impl Fn(&str) -> bool) -> Option<Gone<'_>> {
        let mut last: Option<Gone<'_>> = None;
        for key in keys.all() {
            for kind in self.kinds.get(key.id()).into_iter().flatten().filter(|kind| is_kind(kind)) {
                let found = self.erased.get(&key.reference_of(kind, value));
                let gone = found.map(|(at, case)| Gone { at: *at, case, kind });
                last = last.max(gone);
            }
        }
        last
    }
}

/// That somebody was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gone<'a> {
    /// Rows up to this instant are gone.
    pub at: DateTime<Utc>,
    /// The case.
    pub case: &'a CaseId,
    /// Kind of the identifier by which they are known.
    pub kind: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::SubjectKey;

    fn keys() -> SubjectKeys {
        let key = |id: &str, byte| SubjectKey::new(id, &[byte; 32]).unwrap();
        SubjectKeys { current: key("s26", 1), retired: vec![key("s25", 2)] }
    }

    fn record(case: &str, day: &str, key: &SubjectKey, ids: &[(&str, &str)]) -> ErasureRecord {
        let subject = ids.iter().map(|(kind, value)| (key.reference_of(kind, value), (*kind).to_owned()));
        let at = format!("{day}T00:00:00Z").parse().unwrap();
        ErasureRecord { case: CaseId::parse(case).unwrap(), at, subject: subject.collect() }
    }

    #[test]
    fn whoever_was_erased_is_known_under_every_key_and_nobody_else() {
        let keys = keys();
        let ledger = Ledger::of([
            record("1", "2026-01-01", &keys.retired[0], &[("user", "user-4")]),
            record("2", "2026-02-01", &keys.current, &[("user", "user-4"), ("email", "ann@acme.example")]),
        ]);
        let case = |value: &str, kind: Option<&str>| {
            let found = ledger.erased(&keys, value, |of| kind.is_none_or(|kind| kind == of));
            found.map(|gone| gone.case.to_string())
        };
        assert_eq!(case("user-4", None).as_deref(), Some("2"));
        assert_eq!(case("ann@acme.example", Some("email")).as_deref(), Some("2"));
        assert_eq!(case("ann@acme.example", Some("user")), None);
        assert_eq!((case("user-42", None), case("", None)), (None, None));
        assert!(ledger.keys_missing(&keys).is_empty());
        let without = SubjectKeys { current: keys.current.clone(), retired: Vec::new() };
        assert_eq!(ledger.keys_missing(&without), ["s25"]);
        assert!(Ledger::default().is_empty() && !ledger.is_empty());
    }
}
