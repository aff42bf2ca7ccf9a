//! The definitions that `auditlake demo` and `auditlake init` write.
//!
//! They are files of this folder, so that they are read, linted and reviewed as the YAML they are. Only the datasets
//! that need no more than their schema's name are made from the schemas, so that none is forgotten.

use schemas::{AUDIT, CORRECTION, DATASET_SCHEMAS, TableSchema};

/// Path relative to the lake's folder, and text.
pub(crate) type Definition = (String, String);

/// The same in both: what was corrected is personal, whoever it is about.
const CORRECTIONS: &str = include_str!("templates/demo/correction.yaml");

/// Definitions of the demo lake.
pub(crate) fn definitions() -> Vec<Definition> {
    owned(&[
        ("lake.yaml", include_str!("templates/demo/lake.yaml")),
        ("datasets/actor_daily.yaml", include_str!("templates/demo/actor-daily.yaml")),
        ("datasets/alert.yaml", include_str!("templates/demo/alert.yaml")),
        ("datasets/audit.yaml", include_str!("templates/demo/audit.yaml")),
        ("datasets/audit_study.yaml", include_str!("templates/demo/audit-study.yaml")),
        ("datasets/consent.yaml", include_str!("templates/demo/consent.yaml")),
        ("datasets/correction.yaml", CORRECTIONS),
        ("datasets/dsr.yaml", include_str!("templates/demo/dsr.yaml")),
        ("datasets/exclusion.yaml", include_str!("templates/demo/exclusion.yaml")),
        ("datasets/identity.yaml", include_str!("templates/demo/identity.yaml")),
        ("datasets/probe.yaml", include_str!("templates/demo/probe.yaml")),
        ("datasets/sla_result.yaml", include_str!("templates/demo/sla-result.yaml")),
        ("datasets/usage.yaml", include_str!("templates/demo/usage.yaml")),
        ("datasets/usage_result.yaml", include_str!("templates/demo/usage-result.yaml")),
        ("jobs/ingest-audit.yaml", include_str!("templates/demo/ingest-audit.yaml")),
        ("jobs/ingest-consent.yaml", include_str!("templates/demo/ingest-consent.yaml")),
        ("jobs/ingest-dsr.yaml", include_str!("templates/demo/ingest-dsr.yaml")),
        ("jobs/ingest-exclusion.yaml", include_str!("templates/demo/ingest-exclusion.yaml")),
        ("jobs/ingest-identity.yaml", include_str!("templates/demo/ingest-identity.yaml")),
        ("jobs/ingest-probe.yaml", include_str!("templates/demo/ingest-probe.yaml")),
        ("jobs/ingest-usage.yaml", include_str!("templates/demo/ingest-usage.yaml")),
        ("jobs/actor-daily.yaml", include_str!("templates/demo/actor-daily-job.yaml")),
        ("jobs/activity-export.yaml", include_str!("templates/demo/activity-export.yaml")),
        ("jobs/compliance.yaml", include_str!("templates/demo/compliance.yaml")),
        ("jobs/every-control.yaml", include_str!("templates/demo/every-control.yaml")),
        ("jobs/retention.yaml", include_str!("templates/demo/retention.yaml")),
        ("jobs/sla.yaml", include_str!("templates/demo/sla-job.yaml")),
        ("jobs/study-copy.yaml", include_str!("templates/demo/study-job.yaml")),
        ("jobs/study-export.yaml", include_str!("templates/demo/study-export.yaml")),
        ("jobs/usage.yaml", include_str!("templates/demo/usage-job.yaml")),
        ("jobs/watch.yaml", include_str!("templates/demo/watch.yaml")),
        ("policies/audit.yaml", include_str!("templates/demo/audit-policy.yaml")),
        ("policies/evidence.yaml", include_str!("templates/demo/evidence.yaml")),
        ("policies/study-copy.yaml", include_str!("templates/demo/study-policy.yaml")),
        ("policies/subjects.yaml", include_str!("templates/demo/subjects.yaml")),
        ("slas/api.yaml", include_str!("templates/demo/sla.yaml")),
        ("slas/platform.yaml", include_str!("templates/demo/usage-contract.yaml")),
    ])
}

/// Definitions to start one's own lake from: the same shape, with comments that say what to change.
/// Every schema is declared as a dataset: one without files is empty and asks for nothing.
pub(crate) fn init_definitions() -> Vec<Definition> {
    let mut definitions = owned(&[
        ("lake.yaml", include_str!("templates/init/lake.yaml")),
        ("datasets/audit.yaml", include_str!("templates/init/audit.yaml")),
        ("jobs/ingest-cloudtrail.yaml", include_str!("templates/init/ingest-cloudtrail.yaml")),
        ("jobs/compliance.yaml", include_str!("templates/init/compliance.yaml")),
        ("policies/evidence.yaml", include_str!("templates/init/evidence.yaml")),
        ("policies/subjects.yaml", include_str!("templates/init/subjects.yaml")),
        ("policies/study-copy.yaml", include_str!("templates/init/study-copy.yaml")),
    ]);
    let policies = schemas::shipped_policy_templates().iter();
    definitions.extend(policies.map(|(name, text)| (format!("policies/{name}.yaml"), (*text).to_owned())));
    let others = DATASET_SCHEMAS.iter().filter(|schema| schema.name != AUDIT.name);
    definitions.extend(others.map(|schema| match schema.name == CORRECTION.name {
        true => ("datasets/correction.yaml".to_owned(), CORRECTIONS.to_owned()),
        false => dataset(schema),
    }));
    definitions
}

/// Schema `x.v1` as dataset `x` at `x/`; columns that name people are personal.
fn dataset(schema: &TableSchema) -> Definition {
    let name = schema.name.split('.').next().unwrap_or(schema.name);
    let mut text = format!(
        "# {}\n# The columns are those of {}; as long as there are no files, the dataset is empty.\ndataset: {name}\n\
         location: {name}/\nschema: {}\n",
        schema.doc, schema.name, schema.name
    );
    if !schema.subjects.is_empty() {
        let width = schema.subjects.iter().map(|column| column.len() + 1).max().unwrap_or_default();
        text.push_str("columns:\n");
        for column in schema.subjects {
            text.push_str(&format!("  {:<width$} {{class: personal}}\n", format!("{column}:")));
        }
    }
    (format!("datasets/{name}.yaml"), text)
}

fn owned(files: &[(&str, &str)]) -> Vec<Definition> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}
