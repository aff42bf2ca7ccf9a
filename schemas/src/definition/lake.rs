//! `lake.yaml`, checked.

use super::later;
use super::nearest::by_distance;
use super::problem::Problems;
use super::raw::RawLake;
use super::store_url::{BucketUrl, StoreUrl};
use crate::id::LakeId;

/// What `lake.yaml` says.
pub(super) struct LakeFile {
    pub(super) id: LakeId,
    pub(super) store: StoreUrl,
    pub(super) timezone: chrono_tz::Tz,
}

pub(super) fn build(raw: RawLake, problems: &mut Problems) -> Option<LakeFile> {
    let id = problems.keep(raw.lake.place, LakeId::parse(&raw.lake.value));
    let store = problems.keep(raw.store.place, store_url(&raw.store.value));
    let timezone = match raw.timezone {
        Some(zone) => problems.keep(zone.place, timezone(&zone.value)),
        None => Some(chrono_tz::UTC),
    };
    Some(LakeFile { id: id?, store: store?, timezone: timezone? })
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
