//! `jobs/*.yaml` of kind `usage`: a contract judged for the month that goes on and those that ended last.

use super::checked::JobKind;
use super::job::statement_outputs;
use super::problem::Problems;
use super::raw_usage::RawUsageJob;
use super::report_spec::UsageSpec;
use super::sla::dataset_into;
use super::surroundings::Surroundings;
use crate::id::{JobId, UsageId};
use crate::tables::USAGE_RESULT;

pub(super) fn build(raw: RawUsageJob, around: &mut Surroundings, problems: &mut Problems) -> Option<(JobId, JobKind)> {
    let before = problems.len();
    let id = problems.keep(raw.job.place, JobId::parse(&raw.job.value))?;
    let usage = problems.keep(raw.usage.place, usage(&raw.usage.value, around));
    let into = dataset_into(&raw.into, &USAGE_RESULT, around, problems);
    let outputs = statement_outputs("usage", (&id, raw.outputs), around, problems);
    let spec = UsageSpec { usage: usage?, into: into?, periods: raw.periods.unwrap_or(1), outputs };
    (problems.len() == before).then_some((id, JobKind::Usage(spec)))
}

fn usage(given: &str, around: &Surroundings) -> Result<UsageId, String> {
    match around.usage_names.lacks(given) {
        Some(sentence) => Err(format!("usage {given:?} does not exist; {sentence}")),
        None => UsageId::parse(given).map_err(|error| error.to_string()),
    }
}
