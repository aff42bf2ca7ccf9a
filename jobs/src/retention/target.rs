//! What retention is about: a dataset, or the archive of one, and the policy of it.

use schemas::{Dataset, DatasetId, RetentionPolicy};

use crate::error::JobError;
use crate::evidence_log::ingests_of;
use crate::lake::OpenLake;

/// A dataset or its archive, with the policy.
#[derive(Debug, Clone)]
pub(crate) struct Target<'a> {
    /// The dataset; of an archive, the one that its rows came from.
    pub(crate) dataset: Dataset,
    pub(crate) archive: bool,
    /// The dataset whose ingests write its files: another one for what they refuse.
    pub(crate) ingested_by: Dataset,
    /// The policy that counts; none where there is none any more.
    pub(crate) policy: Option<&'a RetentionPolicy>,
}

impl<'a> Target<'a> {
    /// The dataset of a name, what its ingests refused, or with `@archive` behind it, its archive.
    pub(crate) fn of(lake: &'a OpenLake, name: &str) -> Result<Self, JobError> {
        let archived = DatasetId::archived(name);
        let name = archived.as_ref().map_or(name, DatasetId::as_str);
        let found = DatasetId::parse(name).ok().and_then(|id| lake.definitions.dataset_or_rejected(&id));
        let dataset = match found {
            Some(dataset) => dataset,
            None => lake.dataset(name)?.clone(),
        };
        let ingested_by = lake.dataset(ingests_of(lake, &dataset))?.clone();
        let policy = lake.definitions.policy_of(&dataset.id);
        Ok(Self { dataset, archive: archived.is_some(), ingested_by, policy })
    }

    /// The policy.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn policy(&self) -> Result<&'a RetentionPolicy, JobError> {
        self.policy.ok_or_else(|| {
            JobError::Usage(format!(
                "dataset \"{}\" has no retention policy that is enabled, so its rows are kept for ever; add \
                 policies/{}.yaml",
                self.dataset.id, self.dataset.id
            ))
        })
    }

    /// What whoever changes its files claims: that of the ingests.
    pub(crate) fn claim(&self) -> String {
        format!("datasets/{}", self.ingested_by.id)
    }
}
