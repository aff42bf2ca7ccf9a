//! Words that other versions know: named in the refusal, with what to do instead.
//!
//! Keep in step with what is built: whoever builds a thing removes its line.

/// Kinds of job that are designed and not built.
pub(crate) const KINDS: &[&str] = &["subject_request", "lineage", "compact"];

/// Values of `format` that are designed and not built, for ingest and for outputs.
pub(crate) const FORMATS: &[&str] = &["cur", "parquet", "pdf", "xml", "yaml", "arrow", "ipc"];

/// Stores that are not spoken to, and what to write instead.
pub(crate) const STORES: &[(&str, &str)] = &[
    ("s3a://", "write s3://bucket/prefix"),
    ("gcs://", "write gs://bucket/prefix"),
    ("abfs://", "write az://container/prefix, with the account in AZURE_STORAGE_ACCOUNT_NAME"),
    ("abfss://", "write az://container/prefix, with the account in AZURE_STORAGE_ACCOUNT_NAME"),
    ("http://", "write s3://bucket/prefix, with the endpoint in AWS_ENDPOINT_URL"),
    ("https://", "write s3://bucket/prefix, with the endpoint in AWS_ENDPOINT_URL"),
];

/// Files and folders that are designed and not built.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("frameworks/", "own frameworks are not part of this version; controls name requirements of those that ship"),
    ("mappings/", "mappings in files of their own are not part of this version; write map: in the job"),
];

/// Methods that are designed for copies and not for columns in place, and what to do instead.
pub(crate) const METHODS: &[(&str, &str)] = &[
    ("drop", "a file keeps its columns, so write redact"),
    ("pseudonym", "write redact"),
    ("fpe", "write redact"),
    ("seal", "write redact"),
    ("hierarchy", "write redact"),
    ("shuffle", "write redact"),
    ("noise", "write redact"),
    ("shift", "write floor, or redact"),
    ("bucket", "write redact"),
    ("round", "write redact"),
    ("clamp", "write redact"),
    ("grid", "write redact"),
];

/// Methods of anonymized copies that are designed and not built, and what to do instead.
pub(crate) const COPY_METHODS: &[(&str, &str)] = &[
    ("seal", "write pseudonym, or fpe, which the key turns back"),
    ("shuffle", "write redact, or a hierarchy"),
    ("noise", "write round or bucket"),
];

/// Keys that are designed and not built: the kind of definition, the key with those it stands in, what to do instead.
const KEYS: &[(&str, &str, &str)] = &[
    (
        "job",
        "schedule.dst",
        "leave it out; a time that clocks jump over runs right after the jump, one that comes twice runs once",
    ),
    ("job", "notify", "name the events in notify of lake.yaml, for example events: [run.failed]"),
    ("job", "late", "run the job again for the interval"),
    ("job", "principal", "leave it out; the job sees what the process may read"),
    ("job", "max_rejected", "write max_rejected_ppm: records per million, so 10000 is 1 %"),
    ("lake", "lineage", "leave it out"),
    ("anonymize", "noise", "counts and sums with noise are not drawn; leave it out"),
    ("anonymize", "require.l.recursive", "write distinct or entropy"),
    ("evidence", "evidence.salts", "leave it out; row salts belong to level rows, which is not in this version"),
    (
        "evidence",
        "evidence.anchors.notify",
        "name evidence.checkpoint in the events of notify of lake.yaml, and a store with to here",
    ),
    ("evidence", "evidence.anchors.lock", "set a default retention on the bucket"),
    ("evidence", "evidence.anchors.credentials", "leave it out; the credentials of the environment are taken"),
];

/// Values that are designed and not built: the key, the value, why and what to do instead.
const WORDS: &[(&str, &str, &str)] = &[
    (
        "evidence",
        "rows",
        "single rows are not proved; write evidence: files, the SHA-256 of whole files, or leave it out",
    ),
    ("concurrency", "replace", "write queue or forbid"),
    ("concurrency", "allow", "write queue: one run of a job at a time, oldest first"),
];

/// What to do instead of a key of another version; `key` has the keys that it stands in before it, with dots.
pub(crate) fn key(document: &str, key: &str) -> Option<&'static str> {
    KEYS.iter().find(|(of, name, _)| *of == document && *name == key).map(|(_, _, instead)| *instead)
}

/// What to do instead of a value of another version.
pub(crate) fn word(key: &str, given: &str) -> Option<&'static str> {
    WORDS.iter().find(|(of, word, _)| *of == key && *word == given).map(|(_, _, instead)| *instead)
}
