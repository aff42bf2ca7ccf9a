//! `lake.yaml`, checked.

use super::later;
use super::nearest::by_distance;
use super::notify;
use super::problem::Problems;
use super::raw::RawLake;
use super::store_url::{BucketUrl, StoreUrl};
use super::surroundings::Surroundings;
use crate::id::{DatasetId, LakeId};
use crate::notify::NotifyChannel;
use crate::tables::AUDIT;

/// What `lake.yaml` says.
pub(super) struct LakeFile {
    pub(super) id: LakeId,
    pub(super) store: StoreUrl,
    pub(super) timezone: chrono_tz::Tz,
    pub(super) access_events: Option<DatasetId>,
    pub(super) notify: Vec<NotifyChannel>,
}

pub(super) fn build(raw: RawLake, around: &Surroundings, problems: &mut Problems) -> Option<LakeFile> {
    let id = problems.keep(raw.lake.place, LakeId::parse(&raw.lake.value));
    let store = problems.keep(raw.store.place, store_url(&raw.store.value));
    let timezone = match raw.timezone {
        Some(zone) => problems.keep(zone.place, timezone(&zone.value)),
        None => Some(chrono_tz::UTC),
    };
    let access_events = raw.access_events.map(|dataset| {
        let kept = events_dataset(&dataset.value, store.as_ref(), around);
        problems.keep(dataset.place, kept.map_err(|why| format!("access_events {:?}: {why}", dataset.value)))
    });
    let notify = raw.notify.map(|channels| notify::build(channels, around, problems)).unwrap_or_default();
    // Absent is well; given and wrong is not.
    let access_events = match access_events {
        Some(kept) => Some(kept?),
        None => None,
    };
    Some(LakeFile { id: id?, store: store?, timezone: timezone?, access_events, notify })
}

/// The dataset that records of statements go into.
fn events_dataset(given: &str, store: Option<&StoreUrl>, around: &Surroundings) -> Result<DatasetId, String> {
    if let Some(sentence) = around.dataset_names.lacks(given) {
        return Err(format!("the dataset does not exist; {sentence}"));
    }
    let id = DatasetId::parse(given).map_err(|error| error.to_string())?;
    // A dataset that is wrong itself is told where it stands.
    let declared = around.datasets.iter().map(|(dataset, _)| dataset).find(|dataset| dataset.id == id);
    if let Some(dataset) = declared
        && !(dataset.is_ours() && dataset.schema.name == AUDIT.name)
    {
        return Err(format!(
            "it takes rows of {} by an ingest; name a dataset of that schema without a map",
            AUDIT.name
        ));
    }
    if store == Some(&StoreUrl::Memory) {
        return Err("what is in memory goes with the process; leave it out, or give the lake a store".to_owned());
    }
    Ok(id)
}

pub(super) fn store_url(given: &str) -> Result<StoreUrl, String> {
    if matches!(given, "memory:" | "memory") {
        return Ok(StoreUrl::Memory);
    }
    if BucketUrl::is_meant(given) {
        return BucketUrl::parse(given).map(StoreUrl::Bucket).map_err(|why| format!("store {why}"));
    }
    if let Some((scheme, instead)) = later::STORES.iter().find(|(scheme, _)| given.starts_with(*scheme)) {
        return Err(format!("store {given:?}: {scheme} is not in this version; {instead}"));
    }
    let folder = given.strip_prefix("file:").map(|path| match path.strip_prefix("//") {
        Some(absolute) if absolute.starts_with('/') => absolute,
        _ => path,
    });
    match folder {
        Some(path) if path.starts_with("//") => {
            Err(format!("store {given:?} names a host; write file:./data or file:/srv/data"))
        }
        Some(path) if !path.is_empty() => Ok(StoreUrl::File(path.to_owned())),
        _ => Err(format!(
            "store {given:?} is not a store; write a folder or a bucket, for example file:./data or s3://bucket/prefix"
        )),
    }
}

/// Reads the name of an IANA zone.
///
/// # Errors
/// A sentence with the names that are nearest.
pub fn timezone(given: &str) -> Result<chrono_tz::Tz, String> {
    given.parse().map_err(|_| {
        let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        // People write the city alone, so the city alone is compared, too.
        let mut near = by_distance(given, names.clone());
        let cities = names.map(|name| (by_distance(given, name.rsplit('/').next())[0].0, name));
        near.extend(cities);
        near.sort_unstable();
        let mut offers: Vec<&str> = Vec::new();
        for (_, name) in near {
            if offers.len() < 3 && !offers.contains(&name) {
                offers.push(name);
            }
        }
        format!("timezone {given:?} is not an IANA zone; the nearest are {}", offers.join(", "))
    })
}
