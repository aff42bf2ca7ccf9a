//! Results of a period on the store: a numbered sequence of create-only records, each with the tenants whose result is new.
//!
//! ```text
//! _auditlake/sla/<sla>/<period>/000002.json            tenants whose result differs from before, and as which revision
//! _auditlake/sla/<sla>/<period>/000002.ndjson          the same as rows of sla_result.v1
//! _auditlake/sla/<sla>/<period>/000002.ingested.json   they are in the dataset
//! ```
//!
//! Nothing is overwritten, and who dies in between leaves work and no error: rows follow from their record alone, and an
//! ingest opens nothing twice. Of two runs at once one creates the next number, and the other reads it and compares anew.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use engine::{Created, EngineError, Lakefront};
use object_store::path::Path;
use schemas::{DatasetId, Interval, Sla, SlaId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::evidence::Percentiles;
use super::judged::JudgedPeriod;
use super::rows::lines;
use crate::error::JobError;
use crate::ingest::ingest_own;
use crate::lake::OpenLake;
use crate::world::World;

/// How far a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SlaState {
    /// Rows may still come.
    Provisional,
    /// The time for that is over.
    Final,
    /// It was final, and something changed.
    Adjusted,
}

impl SlaState {
    /// The word in rows.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Provisional => "provisional",
            Self::Final => "final",
            Self::Adjusted => "adjusted",
        }
    }
}

/// What a tenant's period came to, and what it follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Figures {
    /// Everything that was judged.
    pub(super) judged: JudgedPeriod,
    /// Median, 95th and 99th percentile of latency in each part, microseconds; they decide nothing.
    pub(super) percentiles: Vec<Percentiles>,
    /// Version of the tiers.
    pub(super) tiers_version: u32,
    /// SHA-256 of the SLA's file and that of its tiers.
    pub(super) spec_sha256: String,
    /// SHA-256 over the lines of the evidence.
    pub(super) evidence_sha256: String,
    /// The same over what does not count.
    pub(super) exclusions_sha256: String,
}

/// A revision of a tenant's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TenantResult {
    /// Whose.
    pub(super) tenant: String,
    /// From 1.
    pub(super) revision: u32,
    /// How far it is.
    pub(super) state: SlaState,
    /// Why a result that was final changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) cause: Option<String>,
    /// The run that computed it.
    pub(super) run: String,
    /// The instant of that run.
    pub(super) at: DateTime<Utc>,
    /// The figures.
    pub(super) figures: Figures,
}

/// One record of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PeriodRecord {
    /// The SLA.
    pub(super) sla: SlaId,
    /// The service.
    pub(super) service: String,
    /// The period's name.
    pub(super) period: String,
    /// Its time.
    pub(super) interval: Interval,
    /// Tenants whose result is new, by name.
    pub(super) results: Vec<TenantResult>,
}

/// Where the records of a period lie.
#[derive(Debug, Clone)]
pub(super) struct Sequence {
    folder: String,
    /// The records, by number from 1.
    pub(super) records: Vec<PeriodRecord>,
    ingested: Vec<bool>,
}

impl Sequence {
    /// Reads the records of a period.
    pub(super) async fn read(front: &Lakefront, sla: &SlaId, period: &str) -> Result<Self, EngineError> {
        let folder = format!("_auditlake/sla/{sla}/{period}");
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

    /// The result in force of each tenant.
    pub(super) fn in_force(&self) -> BTreeMap<&str, &TenantResult> {
        // Later ones take the place of earlier ones.
        self.records.iter().flat_map(|record| &record.results).map(|one| (one.tenant.as_str(), one)).collect()
    }

    /// Every revision of a tenant's result, the first one first.
    pub(super) fn of_tenant<'s>(&'s self, tenant: &'s str) -> impl Iterator<Item = &'s TenantResult> + 's {
        self.records.iter().flat_map(|record| &record.results).filter(move |one| one.tenant == tenant)
    }

    fn path(&self, number: usize, ending: &str) -> Path {
        Path::from(format!("{}/{number:06}{ending}", self.folder))
    }

    /// Adds a record; whether nobody else added one meanwhile.
    async fn add(&mut self, front: &Lakefront, record: PeriodRecord) -> Result<bool, EngineError> {
        let path = self.path(self.records.len() + 1, ".json");
        let is_ours = front.create_json(&path, &record).await? == Created::Now;
        if is_ours {
            self.records.push(record);
            self.ingested.push(false);
        }
        Ok(is_ours)
    }

    /// Brings the rows of all records into their dataset.
    async fn publish(
        &mut self,
        (lake, world): (&OpenLake, &World),
        sla: &Sla,
        into: &DatasetId,
    ) -> Result<(), JobError> {
        let waiting: Vec<usize> = (0..self.records.len()).filter(|at| !self.ingested[*at]).collect();
        let mut files = Vec::new();
        for at in &waiting {
            let path = self.path(at + 1, ".ndjson");
            lake.front.create(&path, lines(sla, &self.records[*at])?.into()).await?;
            files.push(path);
        }
        if files.is_empty() {
            return Ok(());
        }
        ingest_own(lake, world, into, &files, "auditlake.sla").await?;
        for at in waiting {
            lake.front.create_json(&self.path(at + 1, ".ingested.json"), &Value::Null).await?;
            self.ingested[at] = true;
        }
        Ok(())
    }
}

/// What is computed of a period, to be compared with what is recorded.
#[derive(Debug)]
pub(super) struct Computed<'a> {
    pub(super) sla: &'a Sla,
    pub(super) period: String,
    pub(super) interval: Interval,
    /// Whether the time for late rows is over.
    pub(super) is_settled: bool,
    pub(super) run: String,
    pub(super) at: DateTime<Utc>,
    pub(super) figures: BTreeMap<String, Figures>,
}

impl Computed<'_> {
    /// Records what is new, and brings it into the dataset; the period's records, and how many results are new.
    pub(super) async fn keep(
        &self,
        (lake, world): (&OpenLake, &World),
        into: &DatasetId,
    ) -> Result<(Sequence, u64), JobError> {
        loop {
            let mut sequence = Sequence::read(&lake.front, &self.sla.id, &self.period).await?;
            let results = self.new_results(&sequence);
            let count = results.len() as u64;
            if !results.is_empty() {
                let record = PeriodRecord {
                    sla: self.sla.id.clone(),
                    service: self.sla.service.clone(),
                    period: self.period.clone(),
                    interval: self.interval,
                    results,
                };
                if !sequence.add(&lake.front, record).await? {
                    continue;
                }
            }
            sequence.publish((lake, world), self.sla, into).await?;
            return Ok((sequence, count));
        }
    }

    /// The results that differ from those in force.
    fn new_results(&self, sequence: &Sequence) -> Vec<TenantResult> {
        let in_force = sequence.in_force();
        let each = self.figures.iter().filter_map(|(tenant, figures)| {
            let (revision, state, cause) = next(in_force.get(tenant.as_str()).copied(), figures, self.is_settled)?;
            let (tenant, run, figures) = (tenant.clone(), self.run.clone(), figures.clone());
            Some(TenantResult { tenant, revision, state, cause, run, at: self.at, figures })
        });
        each.collect()
    }
}

/// The revision that figures are, how far it is, and why something that was final changed; none where nothing is new.
///
/// A comment in a file of definitions changes its hash and no figure, and makes nothing new.
fn next(before: Option<&TenantResult>, figures: &Figures, is_settled: bool) -> Option<(u32, SlaState, Option<String>)> {
    let Some(before) = before else {
        return Some((1, if is_settled { SlaState::Final } else { SlaState::Provisional }, None));
    };
    let is_same = before.figures.evidence_sha256 == figures.evidence_sha256 && before.figures.judged == figures.judged;
    let revision = before.revision.checked_add(1)?;
    match (before.state, is_same) {
        (SlaState::Provisional, _) if is_settled => Some((revision, SlaState::Final, None)),
        (SlaState::Provisional, false) => Some((revision, SlaState::Provisional, None)),
        (SlaState::Final | SlaState::Adjusted, false) => {
            Some((revision, SlaState::Adjusted, Some(cause(&before.figures, figures))))
        }
        (_, true) => None,
    }
}

fn cause(before: &Figures, after: &Figures) -> String {
    let mut causes = Vec::new();
    if before.spec_sha256 != after.spec_sha256 {
        causes.push("the SLA or its tiers changed");
    }
    if before.exclusions_sha256 != after.exclusions_sha256 {
        causes.push("exclusions changed");
    }
    if causes.is_empty() {
        causes.push("rows came late, or were corrected");
    }
    causes.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(evidence: &str, spec: &str, exclusions: &str) -> Figures {
        let judged =
            JudgedPeriod { parts: Vec::new(), exclusions: Vec::new(), credit: None, no_credit: None, runs: Vec::new() };
        Figures {
            judged,
            percentiles: Vec::new(),
            tiers_version: 1,
            spec_sha256: spec.to_owned(),
            evidence_sha256: evidence.to_owned(),
            exclusions_sha256: exclusions.to_owned(),
        }
    }

    fn result(state: SlaState) -> TenantResult {
        let (at, figures) = (DateTime::<Utc>::UNIX_EPOCH, figures("e", "s", "x"));
        TenantResult { tenant: "acme".to_owned(), revision: 3, state, cause: None, run: "r".to_owned(), at, figures }
    }

    #[test]
    fn a_final_result_never_becomes_provisional_again() {
        use SlaState::{Adjusted, Final, Provisional};
        let (same, other) = (figures("e", "s", "x"), figures("f", "s", "x"));
        let of = |state, figures: &Figures, is_settled| {
            next(Some(&result(state)), figures, is_settled).map(|(revision, state, _)| (revision, state))
        };
        assert_eq!(next(None, &same, false).map(|(revision, state, _)| (revision, state)), Some((1, Provisional)));
        assert_eq!(next(None, &same, true).map(|(revision, state, _)| (revision, state)), Some((1, Final)));
        assert_eq!(of(Provisional, &same, false), None);
        assert_eq!(of(Provisional, &other, false), Some((4, Provisional)));
        assert_eq!(of(Provisional, &same, true), Some((4, Final)));
        for state in [Final, Adjusted] {
            // An earlier instant, at which it was not settled yet, makes it nothing else.
            for is_settled in [false, true] {
                assert_eq!(of(state, &same, is_settled), None);
                assert_eq!(of(state, &other, is_settled), Some((4, Adjusted)));
            }
        }
    }

    #[test]
    fn what_changed_is_told() {
        let told =
            |figures: &Figures| next(Some(&result(SlaState::Final)), figures, true).and_then(|(.., cause)| cause);
        assert_eq!(told(&figures("f", "s", "x")).as_deref(), Some("rows came late, or were corrected"));
        assert_eq!(told(&figures("f", "s", "y")).as_deref(), Some("exclusions changed"));
        assert_eq!(told(&figures("f", "t", "y")).as_deref(), Some("the SLA or its tiers changed; exclusions changed"));
        assert_eq!(told(&figures("e", "t", "x")), None, "a comment changes no figure");
    }
}
