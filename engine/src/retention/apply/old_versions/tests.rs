use chrono::DateTime;

use super::*;
use crate::retention::journal::{RowCounts, TRANSFORM_VERSION};
use crate::store::VersionId;

fn version(id: &str, etag: Option<&str>, latest: bool) -> Version {
    Version {
        id: VersionId(id.to_owned()),
        latest,
        delete_marker: etag.is_none(),
        size_bytes: 1,
        etag: etag.map(str::to_owned),
        last_modified: DateTime::UNIX_EPOCH,
    }
}

/// Of what a store lists after bytes of the ETag "b" went, the ids in the order in which they go.
fn going(listed: &[Version]) -> Vec<String> {
    let intent = IntentRecord {
        plan: "9c1f".to_owned(),
        dataset: "audit".to_owned(),
        path: "audit/part.parquet".to_owned(),
        etag: "b".to_owned(),
        version: None,
        sha256_before: String::new(),
        sha256_after: None,
        bytes_after: 0,
        rows: RowCounts::default(),
        row_set_sha256: String::new(),
        transform: TRANSFORM_VERSION,
        archived_to: Vec::new(),
        epoch: 1,
        at: DateTime::UNIX_EPOCH,
    };
    let (old, unlisted) = outdated(Versions::Listed(listed.to_vec()), &intent);
    assert_eq!(unlisted, None);
    old.into_iter().map(|version| version.id.to_string()).collect()
}

#[test]
fn old_versions_go_oldest_first_so_that_whoever_goes_on_still_knows_which_they_are() {
    let listed = [version("3", Some("c"), true), version("2", Some("b"), false), version("1", Some("a"), false)];
    assert_eq!(going(&listed), ["1", "2"]);
    // A purge that was cut off left these.
    assert_eq!(going(&listed[..2]), ["2"]);
    assert_eq!(going(&listed[..1]), [] as [&str; 0]);
}

#[test]
fn the_mark_of_a_removal_goes_last_so_that_nothing_comes_back_meanwhile() {
    let mark = version("3", None, true);
    let [second, first] = [version("2", Some("b"), false), version("1", Some("a"), false)];
    assert_eq!(going(&[mark.clone(), second.clone(), first.clone()]), ["1", "2", "3"]);
    // Some stores list marks apart, and what a purge left may have none of the bytes that the intent names.
    assert_eq!(going(&[second, first.clone(), mark.clone()]), ["1", "2", "3"]);
    assert_eq!(going(&[first, mark.clone()]), ["1", "3"]);
    assert_eq!(going(&[mark]), ["3"]);
}
