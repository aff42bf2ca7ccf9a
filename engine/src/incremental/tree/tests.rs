use object_store::ObjectMeta;
use object_store::path::Path;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

fn file(path: &str) -> PinnedFile {
    PinnedFile::new(ObjectMeta {
        location: Path::from(path),
        last_modified: chrono::DateTime::UNIX_EPOCH,
        size: 7,
        e_tag: Some("e".to_owned()),
        version: None,
    })
}

/// Buckets with the number of their leaves, as `2026(2026-01:2 2026-02:1)`.
fn shape(inner: &Inner) -> String {
    let below: Vec<String> = inner
        .children
        .iter()
        .filter_map(|child| match child {
            Node::Inner(inner) => Some(shape(inner)),
            Node::Leaf(_) => None,
        })
        .collect();
    let kept = if inner.keepable { "*" } else { "" };
    match below.is_empty() {
        true => format!("{}{kept}:{}", inner.bucket, inner.children.len()),
        false => format!("{}{kept}({})", inner.bucket, below.join(" ")),
    }
}

fn shapes(files: &[PinnedFile]) -> Vec<String> {
    tree(&files.iter().collect::<Vec<_>>()).iter().map(shape).collect()
}

fn days(from: &str, count: usize) -> Vec<PinnedFile> {
    let from: NaiveDate = from.parse().expect("a day");
    from.iter_days().take(count).map(|day| file(&format!("audit/date={day}/a.parquet"))).collect()
}

#[test]
fn a_path_names_its_month_in_the_ways_that_writers_have() {
    for (path, expected) in [
        ("audit/tenant=t/date=2026-09-01/a.parquet", "2026-09"),
        ("audit/2026-09-30.parquet", "2026-09"),
        ("audit/2026-09-30/a.parquet", "2026-09"),
        ("audit/year=2026/month=09/a.parquet", "2026-09"),
        ("audit/2026/09/01/a.parquet", "2026-09"),
    ] {
        assert_eq!(bucket(path), expected, "{path}");
    }
    for path in
        ["audit/a.parquet", "audit/2026-13-01/a.parquet", "audit/2026-09-011/a", "audit/2026/9/a", "audit/12026-09-01"]
    {
        assert!(bucket(path).starts_with('h'), "{path}");
    }
}

#[test]
fn months_that_are_over_are_kept_and_the_newest_is_not() {
    assert_eq!(shapes(&days("2025-11-25", 70)), ["2025(2025-11:6 2025-12*:31)", "2026(2026-01*:31 2026-02:2)"]);
    assert_eq!(shapes(&days("2024-01-01", 400)).first().map(|year| year.starts_with("2024*(2024-01*:31 ")), Some(true));
    assert_eq!(shapes(&[file("audit/a.parquet")]).len(), 1);
    assert_eq!(shapes(&[]), [] as [String; 0]);
}

#[test]
fn a_month_of_many_files_folds_its_days_first() {
    let of = |parts: usize| {
        let parts = (0..parts)
            .flat_map(|part| ["2026-01-01", "2026-01-02"].map(|day| file(&format!("audit/date={day}/{part}.parquet"))));
        shapes(&parts.collect::<Vec<_>>())
    };
    assert_eq!(of(128), ["2026(2026-01:256)"]);
    assert_eq!(of(129), ["2026(2026-01(2026-01-01:129 2026-01-02:129))"]);
}

#[test]
fn every_file_is_one_leaf_and_the_order_of_the_listing_does_not_matter() {
    for seed in 0..50 {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let first: NaiveDate = "2024-06-01".parse().expect("a day");
        let mut files: Vec<PinnedFile> = (0..chance.random_range(0..600))
            .map(|number| match chance.random_range(0..10) {
                0 => file(&format!("audit/{number}.parquet")),
                _ => {
                    let day = first + chrono::Days::new(chance.random_range(0..500));
                    file(&format!("audit/date={day}/{number}.parquet"))
                }
            })
            .collect();
        let told = |files: &[PinnedFile]| {
            let made = tree(&files.iter().collect::<Vec<_>>());
            let mut leaves = Vec::new();
            made.iter().for_each(|inner| inner.leaves(&mut |leaf| leaves.push(files[leaf.at].path().to_owned())));
            let objects: Vec<String> = made.iter().map(Inner::object).collect();
            (made.iter().map(shape).collect::<Vec<_>>(), objects, leaves)
        };
        let before = told(&files);
        files.shuffle(&mut chance);
        let (shape, objects, mut leaves) = told(&files);
        assert_eq!((&shape, &objects, &leaves), (&before.0, &before.1, &before.2), "seed {seed}");
        leaves.sort();
        leaves.dedup();
        assert_eq!(leaves.len(), files.len(), "seed {seed}");
    }
}

#[test]
fn a_name_is_of_path_etag_and_size() {
    let name = leaf_name("a", "e", 1);
    assert_eq!(name.len(), NAME_DIGITS);
    for (path, etag, size) in [("b", "e", 1), ("a", "f", 1), ("a", "e", 2), ("a\0e", "", 1)] {
        assert_ne!(leaf_name(path, etag, size), name);
    }
    let mut files = days("2026-01-01", 40);
    let before = tree(&files.iter().collect::<Vec<_>>())[0].object();
    files[3].meta.e_tag = Some("another".to_owned());
    assert_ne!(tree(&files.iter().collect::<Vec<_>>())[0].object(), before);
}
