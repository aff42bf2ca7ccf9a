//! `jobs/*.yaml` of kind `verify`: whether datasets are still what was signed.

use super::checked::{JobKind, VerifySpec};
use super::each_once::each_once;
use super::problem::Problems;
use super::raw::RawVerify;
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::id::{DatasetId, JobId};

pub(super) fn build(raw: RawVerify, around: &Surroundings, problems: &mut Problems) -> Option<(JobId, JobKind)> {
    let before = problems.len();
    let id = problems.keep(raw.job.place, JobId::parse(&raw.job.value))?;
    let datasets = raw.datasets.map(|listed| datasets(listed, around, problems)).unwrap_or_default();
    let spec = VerifySpec { datasets };
    (problems.len() == before).then_some((id, JobKind::Verify(spec)))
}

fn datasets(listed: At<Vec<At<String>>>, around: &Surroundings, problems: &mut Problems) -> Vec<DatasetId> {
    if listed.value.is_empty() {
        problems.add(listed.place, "datasets is empty; list datasets, or leave it out for all of them");
    }
    each_once("dataset", listed.value, |given| known_dataset(given, around), problems)
}

fn known_dataset(given: &str, around: &Surroundings) -> Result<DatasetId, String> {
    match around.dataset_names.lacks(given) {
        Some(sentence) => Err(format!("dataset {given:?} does not exist; {sentence}")),
        None => DatasetId::parse(given).map_err(|error| error.to_string()),
    }
}
