//! `jobs/*.yaml` of kind `retention`: policies carried out at the instant of the run.

use super::checked::{JobKind, RetentionSpec};
use super::each_once::each_once;
use super::problem::Problems;
use super::raw_retention::RawRetentionJob;
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::id::{DatasetId, JobId};

pub(super) fn build(raw: RawRetentionJob, around: &Surroundings, problems: &mut Problems) -> Option<(JobId, JobKind)> {
    let before = problems.len();
    let id = problems.keep(raw.job.place, JobId::parse(&raw.job.value))?;
    let datasets = raw.datasets.map(|listed| datasets(listed, around, problems)).unwrap_or_default();
    let spec = RetentionSpec { datasets };
    (problems.len() == before).then_some((id, JobKind::Retention(spec)))
}

fn datasets(listed: At<Vec<At<String>>>, around: &Surroundings, problems: &mut Problems) -> Vec<DatasetId> {
    if listed.value.is_empty() {
        problems.add(listed.place, "datasets is empty; list datasets, or leave it out for all that have a policy");
    }
    each_once("dataset", listed.value, |given| governed(given, around), problems)
}

/// A dataset that an enabled policy is about. Where a policy is wrong itself, it may be the one.
fn governed(given: &str, around: &Surroundings) -> Result<DatasetId, String> {
    let id = DatasetId::parse(given).map_err(|error| error.to_string())?;
    if around.policy_names.unknown || around.policies.iter().any(|(policy, _)| policy.enabled && policy.dataset == id) {
        return Ok(id);
    }
    if let Some((policy, file)) = around.policies.iter().find(|(policy, _)| policy.dataset == id) {
        return Err(format!(
            "dataset \"{id}\" has no enabled policy, only \"{}\" in {file}; look through that, and write enabled: true",
            policy.id
        ));
    }
    if let Some(sentence) = around.dataset_names.lacks(given).filter(|_| !around.is_rejected(given)) {
        return Err(format!("dataset {given:?} does not exist; {sentence}"));
    }
    Err(format!("dataset \"{id}\" has no policy; write one in policies/{id}.yaml, or leave the dataset out"))
}
