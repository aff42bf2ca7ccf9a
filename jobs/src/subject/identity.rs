//! Who a person is: the identifiers that were given and, where the lake says where accounts stand, the others of that person.
//!
//! An identifier that several persons have is nobody's: it leads no further, and its rows are left alone unless somebody says
//! otherwise. Absent: guesses. Identifiers are equal or not.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use engine::LakeSession;
use schemas::{Identifier, Identities, PERSON_KIND};

use super::package::unreadable;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::world::World;

/// A person, as far as the lake knows.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    /// Their identifiers, those that were given among them.
    pub(crate) identifiers: BTreeSet<Identifier>,
    /// Those that others have, too, and that are left alone.
    pub(crate) shared: BTreeSet<Identifier>,
}

/// Rows of the identity dataset: who has which identifiers.
#[derive(Debug, Default)]
struct Accounts {
    /// Of each identifier its persons; the person's own name among the identifiers.
    persons: BTreeMap<Identifier, BTreeSet<String>>,
    /// Of each person the identifiers.
    of_person: BTreeMap<String, BTreeSet<Identifier>>,
}

/// The identifiers of whoever has those that were given.
///
/// # Errors
/// When several persons have one that was given and nobody said that its rows are meant all the same, when there are more
/// identifiers than a person has, or the dataset cannot be read.
pub(crate) async fn closed(
    lake: &OpenLake,
    world: &World,
    identities: Option<&Identities>,
    (given, shared_too): (&[Identifier], bool),
) -> Result<Closed, JobError> {
    let given: BTreeSet<Identifier> = given.iter().cloned().collect();
    let Some(identities) = identities else { return Ok(Closed { identifiers: given, ..Closed::default() }) };
    let accounts = Accounts::read(&lake.sessions.session(world.now())?, identities).await?;
    accounts.closed(given, shared_too, identities)
}

/// The columns of a batch as texts.
pub(super) fn texts(batch: &RecordBatch) -> Result<Vec<ArrayRef>, JobError> {
    let texts: Result<_, _> = batch.columns().iter().map(|column| cast(column, &DataType::Utf8)).collect();
    texts.map_err(unreadable)
}

/// A text of a row; none where there is no value.
pub(super) fn cell(texts: &[ArrayRef], at: usize, row: usize) -> Option<&str> {
    let column = texts[at].as_string::<i32>();
    column.is_valid(row).then(|| column.value(row))
}

impl Accounts {
    async fn read(session: &LakeSession, identities: &Identities) -> Result<Self, JobError> {
        let columns = std::iter::once(&identities.person).chain(identities.ids.keys());
        let columns: Vec<String> = columns.map(|column| format!("CAST({} AS varchar)", quoted(column))).collect();
        let sql = format!("SELECT DISTINCT {} FROM {}", columns.join(", "), quoted(identities.dataset.as_str()));
        let mut accounts = Self::default();
        for batch in session.query(&sql).await? {
            let texts = texts(&batch)?;
            for row in 0..batch.num_rows() {
                let cell = |at: usize| cell(&texts, at, row);
                let kinds = std::iter::once(PERSON_KIND).chain(identities.ids.values().map(String::as_str));
                // What is no identifier, such as an empty text, leads nowhere.
                let ids = kinds.enumerate().filter_map(|(at, kind)| Identifier::new(kind, cell(at)?).ok());
                accounts.take(cell(0), ids);
            }
        }
        Ok(accounts)
    }

    /// Takes a row in. Without a person, it says nothing about whose identifiers these are.
    fn take(&mut self, person: Option<&str>, ids: impl Iterator<Item = Identifier>) {
        let Some(person) = person else { return };
        for id in ids {
            self.persons.entry(id.clone()).or_default().insert(person.to_owned());
            self.of_person.entry(person.to_owned()).or_default().insert(id);
        }
    }

    fn closed(
        &self,
        given: BTreeSet<Identifier>,
        shared_too: bool,
        identities: &Identities,
    ) -> Result<Closed, JobError> {
        let owners = |id: &Identifier| self.persons.get(id).map_or(0, BTreeSet::len);
        if let Some(shared) = given.iter().find(|id| owners(id) > 1).filter(|_| !shared_too) {
            return Err(JobError::Usage(format!(
                "an identifier of kind {} that was given belongs to {} persons in dataset \"{}\"; leave it out, or add \
                 --shared to act on its rows all the same",
                shared.kind(),
                owners(shared),
                identities.dataset
            )));
        }
        let mut closed = Closed { identifiers: given.clone(), shared: BTreeSet::new() };
        let mut last: BTreeSet<Identifier> = given;
        for _ in 0..identities.depth {
            let mut found = BTreeSet::new();
            for id in last.iter().filter(|id| owners(id) == 1) {
                let person = self.persons.get(id).into_iter().flatten();
                found.extend(person.flat_map(|person| self.of_person.get(person)).flatten().cloned());
            }
            found.retain(|id| !closed.identifiers.contains(id));
            let (shared, own): (BTreeSet<_>, BTreeSet<_>) = found.into_iter().partition(|id| owners(id) > 1);
            closed.shared.extend(shared);
            if own.is_empty() {
                break;
            }
            closed.identifiers.extend(own.iter().cloned());
            last = own;
        }
        if closed.identifiers.len() > identities.limit as usize {
            return Err(JobError::SubjectTooBroad {
                kinds: counted_by_kind(&closed.identifiers),
                limit: identities.limit,
            });
        }
        Ok(closed)
    }
}

/// How many identifiers there are of each kind: `3 of kind email, 2 of kind user`.
pub(crate) fn counted_by_kind<'a>(identifiers: impl IntoIterator<Item = &'a Identifier>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in identifiers {
        *counts.entry(one.kind()).or_default() += 1;
    }
    let words: Vec<String> = counts.iter().map(|(kind, count)| format!("{count} of kind {kind}")).collect();
    words.join(", ")
}

/// A name in SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::DatasetId;

    fn id(kind: &str, value: &str) -> Identifier {
        Identifier::new(kind, value).unwrap()
    }

    fn identities(depth: u32, limit: u32) -> Identities {
        let ids = [("account_id".to_owned(), "user".to_owned()), ("mail".to_owned(), "email".to_owned())];
        Identities {
            dataset: DatasetId::parse("identity").unwrap(),
            person: "person_id".to_owned(),
            ids: ids.into(),
            depth,
            limit,
        }
    }

    /// Person, account and address.
    fn accounts(rows: &[(&str, &str, &str)]) -> Accounts {
        let mut accounts = Accounts::default();
        for (person, account, mail) in rows {
            accounts.take(Some(person), [id(PERSON_KIND, person), id("user", account), id("email", mail)].into_iter());
        }
        accounts
    }

    const ROWS: &[(&str, &str, &str)] = &[
        ("p1", "ann", "ann@acme.example"),
        ("p1", "ann.admin", "desk@acme.example"),
        ("p2", "bob", "desk@acme.example"),
        ("p2", "bob.old", "bob@acme.example"),
    ];

    fn values(of: &BTreeSet<Identifier>) -> Vec<&str> {
        of.iter().map(Identifier::value).collect()
    }

    #[test]
    fn all_accounts_of_a_person_are_found_and_none_of_who_shares_an_alias() {
        let closed = accounts(ROWS).closed([id("user", "ann")].into(), false, &identities(2, 50)).unwrap();
        assert_eq!(values(&closed.identifiers), ["ann@acme.example", "p1", "ann", "ann.admin"]);
        assert_eq!(values(&closed.shared), ["desk@acme.example"]);
    }

    #[test]
    fn a_shared_alias_that_is_given_stops_and_asks() {
        let given: BTreeSet<Identifier> = [id("email", "desk@acme.example")].into();
        let error = accounts(ROWS).closed(given.clone(), false, &identities(2, 50)).unwrap_err().to_string();
        assert!(error.contains("2 persons") && !error.contains("desk"), "{error}");
        let closed = accounts(ROWS).closed(given, true, &identities(2, 50)).unwrap();
        assert_eq!(values(&closed.identifiers), ["desk@acme.example"]);
    }

    #[test]
    fn whoever_has_more_accounts_than_a_person_is_refused_without_a_name() {
        let many: Vec<String> = (0..9).map(|number| format!("svc-{number}")).collect();
        let rows: Vec<(&str, &str, &str)> = many.iter().map(|svc| ("p9", svc.as_str(), "x@acme.example")).collect();
        let error = accounts(&rows).closed([id("user", "svc-3")].into(), false, &identities(2, 8)).unwrap_err();
        let told = error.to_string();
        assert!(told.contains("9 of kind user") && told.contains('8') && !told.contains("svc"), "{told}");
    }

    #[test]
    fn unknown_identifiers_count_by_themselves() {
        let closed = accounts(ROWS).closed([id("user", "eve"), id("email", "ann")].into(), false, &identities(2, 50));
        assert_eq!(values(&closed.unwrap().identifiers), ["ann", "eve"]);
    }
}
