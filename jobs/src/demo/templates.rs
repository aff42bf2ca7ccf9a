//! The definitions that `auditlake demo` and `auditlake init` write.
//!
//! They are files of this folder, so that they are read, linted and reviewed as the YAML they are.

/// Definitions of the demo lake: path relative to the lake's folder, and text.
pub(crate) fn definitions() -> Vec<(&'static str, String)> {
    owned(&[
        ("lake.yaml", include_str!("templates/demo/lake.yaml")),
        ("datasets/audit.yaml", include_str!("templates/demo/audit.yaml")),
        ("datasets/identity.yaml", include_str!("templates/demo/identity.yaml")),
        ("jobs/ingest-demo.yaml", include_str!("templates/demo/ingest-demo.yaml")),
        ("jobs/compliance.yaml", include_str!("templates/demo/compliance.yaml")),
    ])
}

/// Definitions to start one's own lake from: the same shape, with comments that say what to change.
pub(crate) fn init_definitions() -> Vec<(&'static str, String)> {
    owned(&[
        ("lake.yaml", include_str!("templates/init/lake.yaml")),
        ("datasets/audit.yaml", include_str!("templates/init/audit.yaml")),
        ("datasets/usage.yaml", include_str!("templates/init/usage.yaml")),
        ("jobs/ingest-cloudtrail.yaml", include_str!("templates/init/ingest-cloudtrail.yaml")),
        ("jobs/compliance.yaml", include_str!("templates/init/compliance.yaml")),
    ])
}

fn owned(files: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    files.iter().map(|(path, text)| (*path, (*text).to_owned())).collect()
}
