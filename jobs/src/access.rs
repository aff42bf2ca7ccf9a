//! Who asks: principals of `access.yaml` at the door of the command line.
//!
//! Whoever runs this program holds the credentials of the store; `--as` shows what a principal sees and is no wall.

mod events;
mod explain;
mod limiter;
mod statements;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine::subject::Persons;
use engine::{AnswerKind, EngineError, LakeSession, ScanMeter, ViewFault, Viewer, check_views};
use schemas::{Access, Permission, Principal, Purpose, SecretSource};
use sha2::{Digest, Sha256};

use crate::error::JobError;
use crate::lake::OpenLake;
use crate::stream::Batch;
use crate::subject::{objecting, restricted, without};

pub(crate) use events::{events, publish};
pub(crate) use explain::{explain, list};
pub(crate) use limiter::Limiter;
pub(crate) use statements::{Delivered, Question, Statement, StatementRow, Statements, keyed, rows_of};

/// Who a session is for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asker {
    /// The principal; none where whoever runs the program asks itself.
    viewer: Option<Arc<Viewer>>,
    /// Counts what its sessions read.
    meter: ScanMeter,
    /// Persons who object to what the rows are for.
    without: Option<Arc<Persons>>,
    /// The files of a dataset that it sees, where not all.
    batch: Option<Arc<Batch>>,
}

impl Asker {
    /// The principal of that name, or whoever runs the program.
    pub(crate) async fn named(lake: &OpenLake, name: Option<&str>) -> Result<Self, JobError> {
        let Some(name) = name else { return Ok(Self::default()) };
        let access = lake.definitions.access.as_ref().ok_or_else(|| {
            JobError::Usage(format!("there is no access.yaml, so there is no principal \"{name}\"; write one"))
        })?;
        Self::of(lake, known(access, name)?).await
    }

    /// A principal. Rows of persons that are restricted by now it sees only where it may.
    pub(crate) async fn of(lake: &OpenLake, principal: &Principal) -> Result<Self, JobError> {
        let viewer = Viewer::new(principal.clone(), secret)?;
        let restricted = match principal.may(Permission::DatasetRestricted) {
            true => None,
            false => restricted(lake).await?,
        };
        let viewer = restricted.iter().fold(viewer, |viewer, persons| viewer.without(persons));
        Ok(Self { viewer: Some(Arc::new(viewer)), ..Self::default() })
    }

    /// It, for a purpose: rows of persons who object to that are left out.
    pub(crate) async fn for_purpose(self, lake: &OpenLake, purpose: Option<&Purpose>) -> Result<Self, JobError> {
        Ok(Self { without: objecting(lake, purpose).await?, ..self })
    }

    /// It, for the files of a batch.
    pub(crate) fn of_batch(self, batch: Option<&Batch>) -> Self {
        Self { batch: batch.cloned().map(Arc::new), ..self }
    }

    /// SHA-256 of the references of everybody whose rows it does not see, in hex; none where there is nobody.
    pub(crate) fn left_out_sha256(&self) -> Option<String> {
        let unseen = self.viewer.iter().flat_map(|viewer| viewer.unseen());
        let references: BTreeSet<&str> = unseen.chain(&self.without).flat_map(|persons| persons.references()).collect();
        let text: Vec<&str> = references.into_iter().collect();
        (!text.is_empty()).then(|| engine::hex(&Sha256::digest(text.join("\n"))))
    }

    /// It, for one statement or export that begins now: what it reads counts for its hour.
    ///
    /// # Errors
    /// When the hour's bytes are used up.
    pub(crate) fn metered(&self, lake: &OpenLake, now: DateTime<Utc>) -> Result<Self, JobError> {
        let meter = self.principal().map(|principal| lake.limiter.meter(principal, now)).transpose()?;
        Ok(Self { meter: meter.unwrap_or_default(), ..self.clone() })
    }

    /// Bytes of files that were read since it was metered.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.meter.bytes()
    }

    /// A session of it.
    pub(crate) fn session(
        &self,
        lake: &OpenLake,
        instant: DateTime<Utc>,
        kind: AnswerKind,
    ) -> Result<LakeSession, JobError> {
        let sessions = self.batch.as_ref().map(|batch| batch.narrowed(&lake.sessions));
        let sessions = without(sessions.as_ref().unwrap_or(&lake.sessions), self.without.as_ref());
        Ok(match (&self.viewer, kind) {
            (Some(viewer), kind) => sessions.session_as(viewer, instant, kind, self.meter.clone())?,
            (None, AnswerKind::Statement) => sessions.session(instant)?,
            (None, AnswerKind::Export) => sessions.ordered_session(instant)?,
        })
    }

    /// Who it is, where it is a principal by name.
    pub(crate) fn principal(&self) -> Option<&Principal> {
        self.viewer.as_deref().map(Viewer::principal)
    }
}

impl Asker {
    /// Refuses what a principal may not do; whoever runs the program may do all.
    pub(crate) fn needs(&self, permission: Permission, what: &str) -> Result<(), JobError> {
        match self.principal() {
            Some(principal) if !principal.may(permission) => Err(JobError::Engine(EngineError::Denied {
                what: format!(
                    "{what} the permission {}, and no role of \"{}\" has it",
                    permission.as_str(),
                    principal.name
                ),
            })),
            _ => Ok(()),
        }
    }
}

/// Whether one of these datasets is an audit log.
pub(crate) fn is_of_audit(lake: &OpenLake, datasets: &[String]) -> bool {
    datasets.iter().any(|name| lake.dataset(name).is_ok_and(|dataset| dataset.schema.name == schemas::AUDIT.name))
}

/// The principal of that name.
pub(crate) fn known<'a>(access: &'a Access, name: &str) -> Result<&'a Principal, JobError> {
    access.principal(name).ok_or_else(|| {
        let names = || access.principals.keys().map(String::as_str);
        let remedy = match schemas::nearest(name, names()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("principals are: {}", crate::lake::names(names())),
        };
        JobError::Unknown { what: "principal", name: name.to_owned(), remedy }
    })
}

/// Reads a secret: its bytes, without the last line end of a file.
pub(crate) fn secret(source: &SecretSource) -> Result<Vec<u8>, JobError> {
    crate::secret::read(std::path::Path::new(""), source, "access.yaml", SECRET_BYTES)
}

/// Bytes of a secret at least.
const SECRET_BYTES: usize = 16;

/// Every view of every principal that cannot be made. Secrets need not be there: a check may run where they are not.
pub(crate) async fn check(
    lake: &OpenLake,
    instant: DateTime<Utc>,
    knows_files: bool,
) -> Result<Vec<ViewFault>, JobError> {
    let Some(access) = &lake.definitions.access else { return Ok(Vec::new()) };
    let columns_are_known = |name: &str| {
        let of = lake.definitions.datasets.iter().find(|dataset| {
            name == dataset.id.as_str() || name.strip_suffix(schemas::HISTORY_ENDING) == Some(dataset.id.as_str())
        });
        knows_files || of.is_none_or(|dataset| dataset.map.is_none() && !dataset.is_inferred())
    };
    let mut faults = Vec::new();
    for principal in access.principals.values() {
        let stand_in = |_: &SecretSource| Ok::<_, JobError>(vec![0; SECRET_BYTES]);
        let viewer = Viewer::new(principal.clone(), stand_in)?;
        let session = lake.sessions.session_as(&viewer, instant, AnswerKind::Statement, ScanMeter::default())?;
        faults.extend(check_views(&session, &viewer, columns_are_known).await?);
    }
    Ok(faults)
}

/// A principal of no role, with these limits.
#[cfg(test)]
pub(crate) fn stand_in(name: &str, limits: schemas::Limits) -> Principal {
    Principal {
        name: name.to_owned(),
        tenants: schemas::Tenants::All,
        roles: Vec::new(),
        channels: Default::default(),
        attributes: Default::default(),
        is_service: false,
        signature: None,
        permissions: Default::default(),
        datasets: Default::default(),
        limits,
    }
}
