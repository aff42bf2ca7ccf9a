//! `jobs/*.yaml` of kind `query`: a statement whose rows become a dataset.

use super::checked::{Dataset, Incremental, JobKind, QuerySpec};
use super::duration;
use super::framework::filled;
use super::job::purpose;
use super::problem::Problems;
use super::raw::RawQuery;
use super::surroundings::Surroundings;
use crate::id::{DatasetId, JobId};

/// A statement that runs for new files reads those, and needs no interval.
pub(super) fn build(
    raw: RawQuery,
    is_for_new_files: bool,
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<(JobId, JobKind)> {
    let before = problems.len();
    let id = problems.keep(raw.job.place, JobId::parse(&raw.job.value))?;
    let window_seconds = duration::given_seconds("window", raw.window, problems);
    let into = problems.keep(raw.into.place, into(&raw.into.value, around))?;
    if !is_for_new_files && !raw.sql.value.contains("$start") && !raw.sql.value.contains("$end") {
        let message = "sql names neither $start nor $end, so every interval would have the same rows; add for example \
                       WHERE time >= $start AND time < $end";
        problems.add(raw.sql.place, message);
    }
    let incremental = raw.incremental.as_ref().map_or(Incremental::Never, |given| given.value.0);
    if let (Some(given), Incremental::Always, true) = (&raw.incremental, incremental, raw.purpose.is_some()) {
        let message = "incremental: true and a purpose do not go together, as rows of persons who object are left out and \
                       a state does not tell whose rows are in it; leave one of the two out, or write auto";
        problems.add(given.place, message);
    }
    let written = problems.written(raw.sql.place);
    let spec = QuerySpec {
        written,
        incremental,
        window_seconds,
        into,
        sql: filled("sql", raw.sql, problems),
        purpose: purpose(raw.purpose, problems),
    };
    (problems.len() == before).then_some((id, JobKind::Query(spec)))
}

fn into(given: &str, around: &Surroundings) -> Result<DatasetId, String> {
    if let Some(sentence) = around.dataset_names.lacks(given) {
        return Err(format!("into names dataset {given:?}, which does not exist; {sentence}"));
    }
    let id = DatasetId::parse(given).map_err(|error| error.to_string())?;
    let dataset = around.datasets.iter().map(|(dataset, _)| dataset).find(|dataset| dataset.id == id);
    match dataset.and_then(unfit) {
        Some(why) => Err(format!(
            "into names dataset \"{id}\", whose files others write: it has {why}; name one with a folder of the lake's"
        )),
        None => Ok(id),
    }
}

fn unfit(dataset: &Dataset) -> Option<&'static str> {
    if dataset.map.is_some() { Some("a map") } else { dataset.elsewhere.as_ref().map(|_| "a location elsewhere") }
}
