//! Names of datasets: one spelling for each, and none for a part of one.

use std::collections::BTreeSet;

use crate::facts::DatasetName;

/// Schemes whose names are paths without a slash in front.
const OBJECT_STORES: [&str; 9] = ["s3", "s3a", "s3n", "gs", "abfs", "abfss", "wasb", "wasbs", "hdfs"];

/// The name in its normal spelling: scheme and host in lower case, no slash in front of a path in an object store, none
/// at the end of anything, no password. Nothing else is touched.
///
/// ```
/// let name = lineage::normal_name("S3://Bucket/", "/Logs/2026/");
/// assert_eq!((name.namespace.as_str(), name.name.as_str()), ("s3://bucket", "Logs/2026"));
/// ```
pub fn normal_name(namespace: &str, name: &str) -> DatasetName {
    let namespace = normal_namespace(namespace);
    let bare = name.trim_end_matches('/');
    let bare = if is_object_store(&namespace) { bare.trim_start_matches('/') } else { bare };
    let name = if bare.is_empty() { "/" } else { bare };
    DatasetName { namespace, name: name.to_owned() }
}

/// The dataset that a path belongs to: the declared one with the longest location that holds it; else what is left when
/// `key=value` folders and the file below them are taken off; else itself.
pub fn belongs_to(name: DatasetName, declared: &BTreeSet<DatasetName>) -> DatasetName {
    if !is_path(&name.namespace) {
        return name;
    }
    let holds = |location: &&str| {
        declared.contains(&DatasetName { namespace: name.namespace.clone(), name: (*location).to_owned() })
    };
    if !declared.is_empty()
        && let Some(location) = parents(&name.name).find(holds)
    {
        return DatasetName { name: location.to_owned(), ..name };
    }
    match without_partitions(&name.name) {
        Some(kept) => DatasetName { name: kept.to_owned(), ..name },
        None => name,
    }
}

/// A path and every folder above it, the longest first.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(folder, _)| folder))
}

/// The path above its last run of `key=value` folders; none if there are none, or nothing is above them.
fn without_partitions(path: &str) -> Option<&str> {
    let is_partition = |part: &str| part.split_once('=').is_some_and(|(key, _)| !key.is_empty());
    let last = |path: &str| is_partition(path.rsplit('/').next().unwrap_or(path));
    let above = parents(path).skip_while(|folder| !last(folder)).find(|folder| !last(folder));
    // Only the file itself stands below the last of them.
    let below = parents(path).take_while(|folder| !last(folder)).count();
    above.filter(|above| below <= 1 && !above.is_empty())
}

fn normal_namespace(namespace: &str) -> String {
    let bare = namespace.trim_end_matches('/');
    let (scheme, rest) = match bare.split_once("://") {
        Some(parts) => parts,
        None if bare.eq_ignore_ascii_case("file:") || bare.eq_ignore_ascii_case("file") => return "file".to_owned(),
        None if bare.is_empty() => return namespace.to_owned(),
        None => return bare.to_owned(),
    };
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, format!("/{path}")),
        None => (rest, String::new()),
    };
    // A password has no place in a name; what stands before `@` without one is a container.
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => host,
        _ => authority,
    };
    format!("{}://{}{path}", scheme.to_lowercase(), authority.to_lowercase())
}

fn is_object_store(namespace: &str) -> bool {
    namespace.split_once("://").is_some_and(|(scheme, _)| OBJECT_STORES.contains(&scheme))
}

fn is_path(namespace: &str) -> bool {
    is_object_store(namespace) || namespace == "file" || namespace.starts_with("file://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: (&str, &str), want: (&str, &str), declared: &[(&str, &str)]) {
        let declared = declared.iter().map(|(namespace, name)| normal_name(namespace, name)).collect();
        let name = belongs_to(normal_name(given.0, given.1), &declared);
        assert_eq!((name.namespace.as_str(), name.name.as_str()), want);
    }

    #[test]
    fn a_name_has_one_spelling() {
        check(("S3://My-Bucket", "/Key/Prefix/"), ("s3://my-bucket", "Key/Prefix"), &[]);
        check(("file:", "/tmp/a/"), ("file", "/tmp/a"), &[]);
        check(("File", "/"), ("file", "/"), &[]);
        check(("s3://b/", "/"), ("s3://b", "/"), &[]);
        check(("Postgres://App:secret@HOST:5432/Path", "Db.T"), ("postgres://host:5432/Path", "Db.T"), &[]);
        check(("ABFSS://C@A.dfs.core.windows.net", "x"), ("abfss://c@a.dfs.core.windows.net", "x"), &[]);
        check(("Food_Delivery", "public.Menus"), ("Food_Delivery", "public.Menus"), &[]);
        check(("kafka://h", "a/b\u{1f577}|{}\"<>"), ("kafka://h", "a/b\u{1f577}|{}\"<>"), &[]);
    }

    #[test]
    fn a_partition_path_is_not_a_dataset() {
        let lake = "s3://b";
        check((lake, "t/day=1/tenant=a/part-0.parquet"), (lake, "t"), &[]);
        check((lake, "t/day=1"), (lake, "t"), &[]);
        check(("file", "/data/t/day=1/x.csv"), ("file", "/data/t"), &[]);
        check((lake, "exports/2026/report.xlsx"), (lake, "exports/2026/report.xlsx"), &[]);
        check((lake, "t/day=1/sub/deep/x"), (lake, "t/day=1/sub/deep/x"), &[]);
        check((lake, "day=1/x.parquet"), (lake, "day=1/x.parquet"), &[]);
        check(("postgres://h", "a/k=v/x"), ("postgres://h", "a/k=v/x"), &[]);
    }

    #[test]
    fn a_path_belongs_to_the_longest_declared_location() {
        let declared = [("s3://b", "t"), ("s3://b", "t/env=prod")];
        check(("s3://b", "t/env=prod/day=1/x.parquet"), ("s3://b", "t/env=prod"), &declared);
        check(("s3://b", "t/2026/11/x.parquet"), ("s3://b", "t"), &declared);
        check(("s3://b", "tt/x.parquet"), ("s3://b", "tt/x.parquet"), &declared);
    }
}
