//! Results of a period on the store: a numbered sequence of create-only records, each with the tenants whose result is new.
//!
//! ```text
//! _auditlake/<kind>/<definition>/<period>/000002.json            tenants whose result differs from before, and as which revision
//! _auditlake/<kind>/<definition>/<period>/000002.ndjson          the same as rows of the dataset of results
//! _auditlake/<kind>/<definition>/<period>/000002.ingested.json   they are in the dataset
//! ```
//!
//! Nothing is overwritten, and who dies in between leaves work and no error: rows follow from their record alone, and an
//! ingest opens nothing twice. Of two runs at once one creates the next number, and the other reads it and compares anew.

use std::collections::BTreeMap;
use std::fmt::Debug;

use chrono::{DateTime, Utc};
use engine::{Created, EngineError, Lakefront};
use object_store::path::Path;
use schemas::DatasetId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::JobError;
use crate::ingest::ingest_own;
use crate::lake::OpenLake;
use crate::world::World;

/// What is judged by the period: of which definition, and what it comes to.
pub(crate) trait Results: Debug + Send + Sync {
    /// Folder of its records.
    const FOLDER: &'static str;
    /// Name of its rows where lineage asks what they come from.
    const NAME: &'static str;
    /// What a record says of its period.
    type Head: Debug + Clone + Serialize + DeserializeOwned + Send + Sync;
    /// What a tenant's period came to.
    type Figures: Debug + Clone + Serialize + DeserializeOwned + Send + Sync;

    /// Whether figures say the same, and follow from the same rows.
    fn are_same(before: &Self::Figures, after: &Self::Figures) -> bool;

    /// Whether `after` knows less than `before`: of a period that goes on, at an earlier instant.
    fn is_older(before: &Self::Figures, after: &Self::Figures) -> bool;

    /// Why figures that were final changed.
    fn cause(before: &Self::Figures, after: &Self::Figures) -> String;

    /// A record as rows of the dataset, lines of JSON.
    ///
    /// # Errors
    /// When a row is no JSON, which is our own mistake.
    fn lines(record: &PeriodRecord<Self::Head, Self::Figures>) -> Result<Vec<u8>, EngineError>;
}

/// How far a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResultState {
    /// Rows may still come.
    Provisional,
    /// The time for that is over.
    Final,
    /// It was final, and something changed.
    Adjusted,
}

impl ResultState {
    /// The word in rows.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Provisional => "provisional",
            Self::Final => "final",
            Self::Adjusted => "adjusted",
        }
    }
}

/// A revision of a tenant's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TenantResult<F> {
    /// Whose.
    pub(crate) tenant: String,
    /// From 1.
    pub(crate) revision: u32,
    /// How far it is.
    pub(crate) state: ResultState,
    /// Why a result that was final changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) cause: Option<String>,
    /// The run that computed it.
    pub(crate) run: String,
    /// The instant of that run.
    pub(crate) at: DateTime<Utc>,
    /// The figures.
    pub(crate) figures: F,
}

/// One record of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PeriodRecord<H, F> {
    /// Of what it is.
    #[serde(flatten)]
    pub(crate) head: H,
    /// Tenants whose result is new, by name.
    pub(crate) results: Vec<TenantResult<F>>,
}

/// The records of a period.
#[derive(Debug)]
pub(crate) struct Sequence<R: Results> {
    folder: String,
    /// By number from 1.
    records: Vec<PeriodRecord<R::Head, R::Figures>>,
    ingested: Vec<bool>,
}

impl<R: Results> Sequence<R> {
    /// Reads the records of a period.
    pub(crate) async fn read(front: &Lakefront, definition: &str, period: &str) -> Result<Self, EngineError> {
        let folder = format!("_auditlake/{}/{definition}/{period}", R::FOLDER);
        let names: Vec<String> = front
            .list(&Path::from(folder.as_str()))
            .await?
            .iter()
            .filter_map(|meta| meta.location.filename().map(str::to_owned))
            .collect();
        let (mut records, mut ingested) = (Vec::new(), Vec::new());
        loop {
            let number = records.len() + 1;
            if !names.contains(&format!("{number:06}.json")) {
                break;
            }
            let path = Path::from(format!("{folder}/{number:06}.json"));
            let gone = || EngineError::Bug { what: format!("record {path} was listed and is not there") };
            records.push(front.read_json(&path).await?.ok_or_else(gone)?);
            ingested.push(names.contains(&format!("{number:06}.ingested.json")));
        }
        Ok(Self { folder, records, ingested })
    }

    fn results(&self) -> impl Iterator<Item = &TenantResult<R::Figures>> {
        self.records.iter().flat_map(|record| &record.results)
    }

    /// The result in force of each tenant.
    pub(crate) fn in_force(&self) -> BTreeMap<&str, &TenantResult<R::Figures>> {
        self.in_force_but(None)
    }

    /// The same as if a run had recorded nothing.
    pub(crate) fn in_force_but(&self, run: Option<&str>) -> BTreeMap<&str, &TenantResult<R::Figures>> {
        // Later ones take the place of earlier ones.
        let others = self.results().filter(|one| run != Some(one.run.as_str()));
        others.map(|one| (one.tenant.as_str(), one)).collect()
    }

    /// Every revision of a tenant's result, the first one first.
    pub(crate) fn of_tenant<'s>(
        &'s self,
        tenant: &'s str,
    ) -> impl Iterator<Item = &'s TenantResult<R::Figures>> + use<'s, R> {
        self.results().filter(move |one| one.tenant == tenant)
    }

    fn path(&self, number: usize, ending: &str) -> Path {
        Path::from(format!("{}/{number:06}{ending}", self.folder))
    }

    /// Adds a record; whether nobody else added one meanwhile.
    async fn add(&mut self, front: &Lakefront, record: PeriodRecord<R::Head, R::Figures>) -> Result<bool, EngineError> {
        let path = self.path(self.records.len() + 1, ".json");
        let is_ours = front.create_json(&path, &record).await? == Created::Now;
        if is_ours {
            self.records.push(record);
            self.ingested.push(false);
        }
        Ok(is_ours)
    }

    /// Brings the rows of all records into their dataset.
    async fn publish(&mut self, (lake, world): (&OpenLake, &World), into: &DatasetId) -> Result<(), JobError> {
        let waiting: Vec<usize> = (0..self.records.len()).filter(|at| !self.ingested[*at]).collect();
        let mut files = Vec::new();
        for at in &waiting {
            let path = self.path(at + 1, ".ndjson");
            lake.front.create(&path, R::lines(&self.records[*at])?.into()).await?;
            files.push(path);
        }
        if files.is_empty() {
            return Ok(());
        }
        ingest_own(lake, world, into, &files, R::NAME).await?;
        for at in waiting {
            lake.front.create_json(&self.path(at + 1, ".ingested.json"), &Value::Null).await?;
            self.ingested[at] = true;
        }
        Ok(())
    }
}

/// What is computed of a tenant's period.
#[derive(Debug, Clone)]
pub(crate) struct Found<F> {
    /// The figures.
    pub(crate) figures: F,
    /// Whether the time for late rows is over.
    pub(crate) is_settled: bool,
}

/// What is computed of a period, to be compared with what is recorded.
#[derive(Debug)]
pub(crate) struct Computed<'a, R: Results> {
    /// The definition.
    pub(crate) definition: &'a str,
    /// The period.
    pub(crate) period: String,
    /// What its records say of it.
    pub(crate) head: R::Head,
    /// The run.
    pub(crate) run: String,
    /// Its instant.
    pub(crate) at: DateTime<Utc>,
    /// By tenant.
    pub(crate) found: BTreeMap<String, Found<R::Figures>>,
}

impl<R: Results> Computed<'_, R> {
    /// Records what is new, and brings it into the dataset; the period's records, and how many results are of this run. Those
    /// that an attempt recorded before it died are, so that what they say is told all the same.
    pub(crate) async fn keep(
        &self,
        (lake, world): (&OpenLake, &World),
        into: &DatasetId,
    ) -> Result<(Sequence<R>, u64), JobError> {
        loop {
            let mut sequence: Sequence<R> = Sequence::read(&lake.front, self.definition, &self.period).await?;
            let results = self.new_results(&sequence);
            if !results.is_empty() {
                let record = PeriodRecord { head: self.head.clone(), results };
                if !sequence.add(&lake.front, record).await? {
                    continue;
                }
            }
            sequence.publish((lake, world), into).await?;
            let count = sequence.in_force().values().filter(|result| result.run == self.run).count() as u64;
            return Ok((sequence, count));
        }
    }

    /// The results that differ from those in force.
    fn new_results(&self, sequence: &Sequence<R>) -> Vec<TenantResult<R::Figures>> {
        let in_force = sequence.in_force();
        let each = self.found.iter().filter_map(|(tenant, found)| {
            let (revision, state, cause) = next::<R>(in_force.get(tenant.as_str()).copied(), found)?;
            let (tenant, run, figures) = (tenant.clone(), self.run.clone(), found.figures.clone());
            Some(TenantResult { tenant, revision, state, cause, run, at: self.at, figures })
        });
        each.collect()
    }
}

/// The revision that figures are, how far it is, and why something that was final changed; none where nothing is new.
///
/// A comment in a file of definitions changes its hash and no figure, and makes nothing new.
fn next<R: Results>(
    before: Option<&TenantResult<R::Figures>>,
    found: &Found<R::Figures>,
) -> Option<(u32, ResultState, Option<String>)> {
    let Found { figures, is_settled } = found;
    let Some(before) = before else {
        return Some((1, if *is_settled { ResultState::Final } else { ResultState::Provisional }, None));
    };
    if R::is_older(&before.figures, figures) {
        return None;
    }
    let revision = before.revision.checked_add(1)?;
    match (before.state, R::are_same(&before.figures, figures)) {
        (ResultState::Provisional, _) if *is_settled => Some((revision, ResultState::Final, None)),
        (ResultState::Provisional, false) => Some((revision, ResultState::Provisional, None)),
        (ResultState::Final | ResultState::Adjusted, false) => {
            Some((revision, ResultState::Adjusted, Some(R::cause(&before.figures, figures))))
        }
        (_, true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures are a number, and how much was known.
    #[derive(Debug)]
    struct Numbers;

    impl Results for Numbers {
        const FOLDER: &'static str = "numbers";
        const NAME: &'static str = "auditlake.numbers";
        type Head = ();
        type Figures = (u32, u32);

        fn are_same(before: &Self::Figures, after: &Self::Figures) -> bool {
            before == after
        }

        fn is_older(before: &Self::Figures, after: &Self::Figures) -> bool {
            after.1 < before.1
        }

        fn cause(_: &Self::Figures, _: &Self::Figures) -> String {
            "another number".to_owned()
        }

        fn lines(_: &PeriodRecord<(), Self::Figures>) -> Result<Vec<u8>, EngineError> {
            Ok(Vec::new())
        }
    }

    fn result(state: ResultState) -> TenantResult<(u32, u32)> {
        let at = DateTime::<Utc>::UNIX_EPOCH;
        TenantResult {
            tenant: "acme".to_owned(),
            revision: 3,
            state,
            cause: None,
            run: "r".to_owned(),
            at,
            figures: (1, 1),
        }
    }

    #[test]
    fn a_final_result_never_becomes_provisional_again() {
        use ResultState::{Adjusted, Final, Provisional};
        let found = |figures, is_settled| Found { figures, is_settled };
        let first = |is_settled| {
            next::<Numbers>(None, &found((1, 1), is_settled)).map(|(revision, state, _)| (revision, state))
        };
        assert_eq!((first(false), first(true)), (Some((1, Provisional)), Some((1, Final))));
        let of = |state, figures, is_settled| {
            next::<Numbers>(Some(&result(state)), &found(figures, is_settled))
                .map(|(revision, state, _)| (revision, state))
        };
        assert_eq!(of(Provisional, (1, 1), false), None);
        assert_eq!(of(Provisional, (2, 1), false), Some((4, Provisional)));
        assert_eq!(of(Provisional, (1, 1), true), Some((4, Final)));
        for state in [Final, Adjusted] {
            // An earlier instant, at which it was not settled yet, makes it nothing else.
            for is_settled in [false, true] {
                assert_eq!(of(state, (1, 1), is_settled), None);
                assert_eq!(of(state, (2, 1), is_settled), Some((4, Adjusted)));
            }
        }
        assert_eq!(of(Provisional, (2, 0), false), None, "what knows less takes nothing back");
        let cause = next::<Numbers>(Some(&result(Final)), &found((2, 1), true)).and_then(|(.., cause)| cause);
        assert_eq!(cause.as_deref(), Some("another number"));
    }
}
