//! Files of OpenLineage events and manifests of dbt, read.

use std::collections::BTreeSet;
use std::path::Path;

use ::lineage::{DatasetName, Event, Origin, Reading, read_all, read_manifest};
use serde::Deserialize;

use crate::error::JobError;

/// Events of files, and what of them was refused.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) events: Vec<Event>,
    /// A line for each.
    pub(crate) warnings: Vec<String>,
    pub(crate) refused: Vec<String>,
}

impl Gathered {
    /// Reads files. A path below one of `declared` belongs to that dataset.
    pub(crate) fn of<'a>(
        files: impl IntoIterator<Item = &'a std::path::PathBuf>,
        dbt_namespace: Option<&str>,
        declared: Option<&BTreeSet<DatasetName>>,
    ) -> Result<Self, JobError> {
        let mut gathered = Self::default();
        for file in files {
            gathered.file(file, dbt_namespace, declared)?;
        }
        Ok(gathered)
    }

    fn file(
        &mut self,
        file: &Path,
        dbt_namespace: Option<&str>,
        declared: Option<&BTreeSet<DatasetName>>,
    ) -> Result<(), JobError> {
        let shown = file.display().to_string();
        let bytes =
            std::fs::read(file).map_err(|source| JobError::Local { action: "read", path: shown.clone(), source })?;
        if is_manifest(&bytes) {
            let Some(namespace) = dbt_namespace else {
                return Err(JobError::Usage(format!(
                    "{shown} is a manifest of dbt, which does not say where its tables are; give for example \
                     --dbt-namespace postgres://db.example:5432"
                )));
            };
            match read_manifest(&bytes, namespace) {
                Ok(manifest) => {
                    self.warnings.extend(manifest.unresolved.iter().map(|remark| format!("{shown}: {remark}")));
                    self.events.extend(manifest.events);
                }
                Err(remark) => self.refused.push(format!("{shown}: {remark}")),
            }
            return Ok(());
        }
        let reading = Reading { origin: Origin::Import, declared, redact_sql: engine::without_literals };
        let batch = read_all(&bytes, &reading);
        let placed = |at: &usize, remark: &::lineage::Remark| format!("{shown}:{at}: {remark}");
        self.warnings.extend(batch.warnings.iter().map(|(at, remark)| placed(at, remark)));
        self.refused.extend(batch.refused.iter().map(|one| placed(&one.position, &one.remark)));
        self.events.extend(batch.events);
        Ok(())
    }

    /// A line for each warning and each refusal.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> + '_ {
        let of = |what: &'static str, lines: &'_ [String]| {
            lines.iter().map(move |line| format!("{what}: {line}")).collect::<Vec<_>>()
        };
        of("warning", &self.warnings).into_iter().chain(of("refused", &self.refused))
    }
}

/// Whether a file says of itself that it is a manifest.
fn is_manifest(bytes: &[u8]) -> bool {
    /// Nothing else of the file is kept.
    #[derive(Deserialize)]
    struct Manifest {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        dbt_schema_version: String,
    }
    serde_json::from_slice::<Manifest>(bytes).is_ok_and(|manifest| !manifest.metadata.dbt_schema_version.is_empty())
}
