//! `jobs/*.yaml` of kind `sla`: an SLA judged for the periods that have ended by the instant of the run.

use super::checked::JobKind;
use super::job::statement_outputs;
use super::problem::Problems;
use super::raw_sla::RawSlaJob;
use super::report_spec::SlaSpec;
use super::sla::dataset_into;
use super::surroundings::Surroundings;
use crate::id::{JobId, SlaId};
use crate::tables::SLA_RESULT;

pub(super) fn build(raw: RawSlaJob, around: &mut Surroundings, problems: &mut Problems) -> Option<(JobId, JobKind)> {
    let before = problems.len();
    let id = problems.keep(raw.job.place, JobId::parse(&raw.job.value))?;
    let sla = problems.keep(raw.sla.place, sla(&raw.sla.value, around));
    let into = dataset_into(&raw.into, &SLA_RESULT, around, problems);
    let outputs = statement_outputs("an SLA", (&id, raw.outputs), around, problems);
    let spec = SlaSpec { sla: sla?, into: into?, periods: raw.periods.unwrap_or(1), outputs };
    (problems.len() == before).then_some((id, JobKind::Sla(spec)))
}

pub(super) fn sla(given: &str, around: &Surroundings) -> Result<SlaId, String> {
    match around.sla_names.lacks(given) {
        Some(sentence) => Err(format!("sla {given:?} does not exist; {sentence}")),
        None => SlaId::parse(given).map_err(|error| error.to_string()),
    }
}
