//! `jobs/*.yaml` of kind `anonymize`: a policy's copy, made for the instant of the run.

use super::checked::{AnonymizeSpec, JobKind};
use super::duration;
use super::job::purpose;
use super::problem::Problems;
use super::raw_anonymize::RawAnonymizeJob;
use super::surroundings::Surroundings;
use crate::id::{JobId, PolicyId};

pub(super) fn build(raw: RawAnonymizeJob, around: &Surroundings, problems: &mut Problems) -> Option<(JobId, JobKind)> {
    let before = problems.len();
    let id = problems.keep(raw.job.place, JobId::parse(&raw.job.value))?;
    let policy = problems.keep(raw.policy.place, policy(&raw.policy.value, raw.window.is_some(), around));
    let window_seconds = duration::given_seconds("window", raw.window, problems);
    let purpose = purpose(raw.purpose, problems);
    let spec = AnonymizeSpec { policy: policy?, window_seconds, purpose };
    (problems.len() == before).then_some((id, JobKind::Anonymize(spec)))
}

/// An enabled policy. Where one of those is wrong itself, it may be the one.
fn policy(given: &str, has_window: bool, around: &Surroundings) -> Result<PolicyId, String> {
    let id = PolicyId::parse(given).map_err(|error| error.to_string())?;
    let found = around.copies.iter().find(|(policy, _)| policy.id == id);
    match found {
        Some((policy, file)) if !policy.enabled => {
            Err(format!("policy \"{id}\" in {file} is not enabled; look through it, and write enabled: true"))
        }
        Some((policy, _)) if has_window => match around.dataset(policy.from.as_str()) {
            Some(source) if source.time.is_none() => Err(format!(
                "window goes by the time of rows, and dataset \"{}\" names no column of time; leave window out",
                policy.from
            )),
            _ => Ok(id),
        },
        Some(_) => Ok(id),
        None => match around.copy_names.lacks(given) {
            Some(sentence) => Err(format!("policy {given:?} of an anonymized copy does not exist; {sentence}")),
            None => Ok(id),
        },
    }
}
