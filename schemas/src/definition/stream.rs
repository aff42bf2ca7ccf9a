//! What a job says that is due for new files.

use super::checked::{Incremental, JobKind, QuerySpec};
use super::duration::{given_seconds, seconds};
use super::export::{ExportSpec, byte_size};
use super::problem::Problems;
use super::raw_timing::{RawOn, RawSchedule, RawSettle};
use super::surroundings::Surroundings;
use super::yaml::At;
use crate::id::DatasetId;
use crate::schedule::{MAX_BYTES_DEFAULT, MAX_FILES_DEFAULT, SETTLE_SECONDS_DEFAULT, Stream, StreamSource};

/// Files of a batch that a job may ask for.
const MAX_FILES: u32 = 100_000;

/// The stream of a job of `kind`, where that is known.
pub(super) fn build(
    raw: &RawSchedule,
    kind: Option<&JobKind>,
    around: &Surroundings,
    problems: &mut Problems,
) -> Option<Stream> {
    let RawSchedule { on, lateness, .. } = raw;
    let on = on.as_ref()?;
    for (key, place) in of_clocks(raw) {
        problems.add(place, format!("{key} is for jobs that are due by the clock; leave it out beside on"));
    }
    if let Some(why) = kind.and_then(unfit) {
        problems.add(on.place, why);
    }
    let given = &on.value.new_files;
    let found = problems.keep(given.place, source(&given.value, kind, around))?;
    let max_files = on.value.max_files.unwrap_or(MAX_FILES_DEFAULT);
    if !(1..=MAX_FILES).contains(&max_files) {
        problems.add(on.place, format!("max_files {max_files} is out of range; write 1 to {MAX_FILES}"));
    }
    let max_bytes = on.value.max_bytes.as_ref();
    let max_bytes = max_bytes.and_then(|bytes| problems.keep(bytes.place, byte_size(&bytes.value)));
    let RawOn { settle, at_least_every, .. } = &on.value;
    if let (Some(given), Some(dataset)) = (at_least_every, inferred(&found, around)) {
        let message = format!(
            "columns of dataset \"{dataset}\" are those of its files, and a batch without files would have none; leave \
             at_least_every out"
        );
        problems.add(given.place, message);
    }
    let default = settle_default(&found, around);
    Some(Stream {
        settle_seconds: settle.as_ref().map_or(default, |given| settled(given, problems)),
        source: found,
        max_files,
        max_bytes: max_bytes.unwrap_or(MAX_BYTES_DEFAULT),
        at_least_every_seconds: given_seconds("at_least_every", at_least_every.clone(), problems),
        lateness_seconds: given_seconds("lateness", lateness.clone(), problems).unwrap_or(0),
    })
}

/// What a job says that makes no sense for batches.
fn unfit(kind: &JobKind) -> Option<String> {
    let window = "window is for jobs that are due by the clock; leave it out beside on";
    match kind {
        JobKind::Query(QuerySpec { incremental: Incremental::Auto | Incremental::Always, .. }) => Some(
            "incremental keeps states of files for later runs, and a job that is due for new files reads each file once; \
             leave incremental out beside on"
                .to_owned(),
        ),
        JobKind::Query(QuerySpec { window_seconds: Some(_), .. })
        | JobKind::Export(ExportSpec { window_seconds: Some(_), .. }) => Some(window.to_owned()),
        JobKind::Export(spec) if !spec.to.tells_seconds() => Some(format!(
            "path \"{}\" is the same for batches that are a second apart; write {{interval.end}} in place of a date",
            spec.to.as_str()
        )),
        _ => None,
    }
}

/// Keys that say something about clocks, where they stand.
fn of_clocks(raw: &RawSchedule) -> Vec<(&'static str, super::problem::Place)> {
    let RawSchedule { timezone, dialect, start, catch_up, starting_deadline, jitter, concurrency, late, .. } = raw;
    let place = raw.on.as_ref().map(|on| on.place);
    let keys = [
        ("timezone", timezone.as_ref().map(|key| key.place)),
        ("dialect", dialect.and(place)),
        ("start", start.as_ref().map(|key| key.place)),
        ("catch_up", catch_up.as_ref().map(|key| key.place)),
        ("starting_deadline", starting_deadline.as_ref().map(|key| key.place)),
        ("jitter", jitter.as_ref().map(|key| key.place)),
        ("concurrency", concurrency.and(place)),
        ("late", late.as_ref().map(|key| key.place)),
    ];
    keys.into_iter().filter_map(|(key, place)| Some((key, place?))).collect()
}

fn source(given: &str, kind: Option<&JobKind>, around: &Surroundings) -> Result<StreamSource, String> {
    match kind {
        Some(JobKind::Ingest(spec)) if spec.from == given => Ok(StreamSource::Folder(given.to_owned())),
        Some(JobKind::Ingest(spec)) => Err(format!(
            "new_files {given:?} is not what the job reads; write {:?}, the location of its from",
            spec.from
        )),
        Some(JobKind::Query(_) | JobKind::Export(_)) | None => match around.dataset_names.lacks(given) {
            Some(sentence) => Err(format!("new_files {given:?} is no dataset; {sentence}")),
            None => around
                .datasets
                .iter()
                .find(|(dataset, _)| dataset.id.as_str() == given)
                .map(|(dataset, _)| StreamSource::Dataset(dataset.id.clone()))
                .ok_or_else(|| format!("new_files {given:?} is a dataset that is not described well; see there")),
        },
        Some(other) => {
            let kind = other.as_str();
            Err(format!("on is for jobs of kind ingest, query and export, and this one is of kind {kind}; write cron"))
        }
    }
}

/// The dataset of a stream, where it has the columns of its files.
fn inferred<'a>(source: &StreamSource, around: &'a Surroundings) -> Option<&'a DatasetId> {
    let StreamSource::Dataset(id) = source else { return None };
    around.datasets.iter().map(|(of, _)| of).find(|of| of.id == *id && of.is_inferred()).map(|of| &of.id)
}

/// Files that an ingest writes are whole from the beginning.
fn settle_default(source: &StreamSource, around: &Surroundings) -> u64 {
    let is_ours = |id: &DatasetId| around.datasets.iter().any(|(of, _)| of.id == *id && of.is_ours());
    match source {
        StreamSource::Dataset(id) if is_ours(id) => 0,
        StreamSource::Dataset(_) | StreamSource::Folder(_) => SETTLE_SECONDS_DEFAULT,
    }
}

fn settled(given: &At<RawSettle>, problems: &mut Problems) -> u64 {
    let read = match &given.value {
        RawSettle::Number(0) => Ok(0),
        RawSettle::Number(number) => Err(format!("settle {number} has no unit; write for example {number}s")),
        RawSettle::Text(text) if matches!(text.as_str(), "0" | "0s") => Ok(0),
        RawSettle::Text(text) => seconds("settle", text),
    };
    problems.keep(given.place, read).unwrap_or(SETTLE_SECONDS_DEFAULT)
}
