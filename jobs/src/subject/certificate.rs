//! The certificate of an erasure: what was found and changed where, and what was not reached. It never has an identifier.
//!
//! Absent: a sentence that all data is gone. It says where somebody looked.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use engine::retention::{Protection, RefusedRows, RetentionPlan, RowCounts, Skipped};
use engine::subject::{ErasureRecord, SubjectCase, case_folder};
use engine::{Created, EngineError};
use object_store::path::Path;
use schemas::{CaseId, CaseRecord, CaseStep, ErasureRule, OtherCopy};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::desk::Desk;
use super::places::{Left, words_of};
use super::withdraw::Withdrawn;
use crate::Answer;
use crate::error::JobError;
use crate::evidence_log::{Act, Intent, signed};
use crate::retention::{PlanReceipt, of_record};

/// What an erasure came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Certificate {
    /// Form of the document: `auditlake/erasure-certificate/v1`.
    pub(super) format: String,
    pub(super) case: CaseId,
    /// References of the person's identifiers.
    pub(super) subject: Vec<String>,
    pub(super) jurisdiction: String,
    pub(super) received: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) due: Option<NaiveDate>,
    /// Rows up to this instant are gone; newer ones are new data.
    pub(super) erased_at: DateTime<Utc>,
    pub(super) ended_at: DateTime<Utc>,
    /// Who agreed, and on which ticket.
    pub(super) approved_by: Vec<(String, String)>,
    pub(super) places: Vec<Place>,
    /// Exports, answers, reports and rows of runs that showed the person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) withdrawn: Vec<Withdrawn>,
    pub(super) not_reached: BTreeSet<Left>,
    pub(super) not_searched: BTreeSet<Left>,
    /// Copies that nothing here reaches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) copies: Vec<OtherCopy>,
}

/// What was done in one place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) dataset: String,
    /// What is done to rows, and to those below their minimum.
    pub(super) mode: String,
    pub(super) within_minimum: String,
    /// Objects that the last look was at.
    pub(super) objects_looked_at: u64,
    /// Rows of the objects that were changed.
    pub(super) rows: RowCounts,
    pub(super) objects: Vec<ChangedObject>,
    /// Rows of the person that stay as they are.
    pub(super) refused: Vec<RefusedRows>,
    /// Plans by which it was done, as the journal has them.
    pub(super) plans: Vec<String>,
}

/// An object that was changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ChangedObject {
    pub(super) path: String,
    pub(super) sha256_before: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256_after: Option<String>,
    pub(super) rows: RowCounts,
}

impl Place {
    pub(super) fn of(dataset: &str, rule: ErasureRule) -> Self {
        let (mode, within_minimum) = words_of(rule);
        Self {
            dataset: dataset.to_owned(),
            mode: mode.to_owned(),
            within_minimum: within_minimum.to_owned(),
            objects_looked_at: 0,
            rows: RowCounts::default(),
            objects: Vec::new(),
            refused: Vec::new(),
            plans: Vec::new(),
        }
    }

    /// A look at the place: what it refuses counts until the next one.
    pub(super) fn looked_at(&mut self, plan: &RetentionPlan) {
        self.objects_looked_at = plan.kept_objects + plan.objects.len() as u64;
        self.refused = plan.erasure.as_ref().map(|erasure| erasure.refused.clone()).unwrap_or_default();
    }

    /// What a plan came to; whether another look makes sense.
    pub(super) fn take(&mut self, receipt: PlanReceipt, not_reached: &mut BTreeSet<Left>) -> bool {
        let changed = !receipt.objects.is_empty();
        for object in receipt.objects {
            self.rows = self.rows.and(object.rows);
            not_reached.extend(object.not_reached.into_iter().map(|why| Left::new(object.path.as_str(), why)));
            self.objects.push(ChangedObject {
                path: object.path,
                sha256_before: object.sha256_before,
                sha256_after: object.sha256_after,
                rows: object.rows,
            });
        }
        not_reached.extend(receipt.states_not_reached.into_iter().map(|why| Left::new("states of files", why)));
        self.plans.push(receipt.plan);
        let mut others = false;
        for skipped in receipt.skipped {
            match skipped.why {
                Skipped::Unreadable { why } => {
                    not_reached.insert(Left::new(skipped.path, why));
                }
                _ => others = true,
            }
        }
        changed || others
    }
}

impl Certificate {
    pub(super) fn begin(
        desk: &Desk<'_>,
        case: &SubjectCase,
        noted: &ErasureRecord,
        agreed: &[(String, String)],
    ) -> Result<Self, JobError> {
        let standing = desk.standing(case)?;
        Ok(Self {
            format: "auditlake/erasure-certificate/v1".to_owned(),
            case: case.case.clone(),
            subject: noted.subject.keys().cloned().collect(),
            jurisdiction: standing.jurisdiction.to_owned(),
            received: standing.received,
            due: standing.due,
            erased_at: noted.at,
            ended_at: desk.world.now(),
            approved_by: agreed.to_vec(),
            places: Vec::new(),
            withdrawn: withdrawn_before(case),
            not_reached: BTreeSet::new(),
            not_searched: BTreeSet::new(),
            copies: Vec::new(),
        })
    }

    /// Rows that left, and rows that lost what names the person.
    pub(super) fn rows(&self) -> (u64, u64) {
        let rows = self.places.iter().fold(RowCounts::default(), |all, place| all.and(place.rows));
        (rows.deleted, rows.anonymized)
    }

    /// Open cases that hold rows of the person.
    pub(super) fn waits_for(&self) -> Vec<String> {
        let refused = self.places.iter().flat_map(|place| &place.refused);
        let holds = refused.filter_map(|refused| match &refused.because {
            Protection::Hold { case } => Some(case.to_string()),
            _ => None,
        });
        let mut holds: Vec<String> = holds.collect();
        holds.sort();
        holds.dedup();
        holds
    }

    /// Whether something of the person is left that somebody looked at.
    pub(super) fn is_partial(&self) -> bool {
        !self.not_reached.is_empty() || self.places.iter().any(|place| !place.refused.is_empty())
    }
}

/// What an attempt withdrew that stopped.
fn withdrawn_before(case: &SubjectCase) -> Vec<Withdrawn> {
    let of = |record: &CaseRecord| match &record.what {
        CaseStep::Withdrawn { what, objects, then, .. } => {
            Some(Withdrawn { what: what.clone(), objects: objects.len() as u64, then: then.clone(), unplanned: false })
        }
        _ => None,
    };
    case.records.iter().filter_map(of).collect()
}

fn path_of(case: &CaseId, name: &str) -> Path {
    Path::from(format!("{}/{name}", case_folder(case)))
}

/// Writes the certificate, signed where there is a key, and logs it.
pub(super) async fn certified(desk: &Desk<'_>, certificate: &Certificate) -> Result<(), JobError> {
    let front = &desk.lake.front;
    let line = engine::retention::canonical_line(certificate)?;
    if let Some(note) = signed(desk.lake, &line)? {
        front.create(&path_of(&certificate.case, "certificate.txt"), note.into()).await?;
    }
    let path = path_of(&certificate.case, "certificate.json");
    let intent = Intent::begin(desk.lake, desk.world, Act::Record { path: path.to_string() }).await?;
    let written: Result<Created, JobError> = front.create(&path, line.into()).await.map_err(JobError::from);
    intent.end(written, async |_| Ok(of_record(front, path.as_ref()).await?.into_iter().collect())).await?;
    Ok(())
}

/// The certificate of a case; none where none was written.
pub(super) async fn of_case(desk: &Desk<'_>, case: &CaseId) -> Result<Option<Certificate>, EngineError> {
    desk.lake.front.read_json(&path_of(case, "certificate.json")).await
}

/// Carries out `auditlake subject certificate`.
pub(super) async fn command(desk: &Desk<'_>, number: &CaseId) -> Result<Answer, JobError> {
    let case = desk.case(number).await?;
    let Some(certificate) = of_case(desk, number).await? else {
        return Err(super::desk::refused(
            number,
            match case.end() {
                None => format!("it has no certificate yet; `auditlake subject apply {number}` ends it"),
                Some(_) => "it ended without an erasure, so there is no certificate".to_owned(),
            },
        ));
    };
    let note = desk.lake.front.read(&path_of(number, "certificate.txt")).await?;
    let note = note.map(|note| String::from_utf8_lossy(&note).into_owned());
    let mut json = serde_json::to_value(&certificate)
        .map_err(|error| EngineError::Bug { what: format!("a certificate cannot be written ({error})") })?;
    if let (Value::Object(members), Some(note)) = (&mut json, note) {
        members.insert("note".to_owned(), note.into());
    }
    Ok(Answer::done(super::told::certificate(&certificate), json))
}
