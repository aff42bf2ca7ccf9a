//! Keys and hierarchies of a policy: what it names and does not hold.

use std::sync::Arc;

use engine::anonymize::{CopyMaterial, hierarchy};
use schemas::{AnonymizePolicy, DefinitionError, HierarchySource};

use crate::error::JobError;
use crate::lake::OpenLake;
use crate::secret;

/// Bytes of a key at least: as many as the hash has that it goes into.
const KEY_BYTES: usize = 32;

/// Reads everything that a policy names.
///
/// # Errors
/// When a key is not there or short, or a hierarchy cannot be used.
pub(super) fn read(lake: &OpenLake, policy: &AnonymizePolicy) -> Result<CopyMaterial, JobError> {
    let mut material = CopyMaterial::default();
    for key in policy.keys() {
        let by = format!("policy \"{}\"", policy.id);
        let secret = secret::read(&lake.folder, &key.secret, &by, KEY_BYTES)?;
        material.secrets.insert(key.id.clone(), Arc::from(secret));
    }
    let mut wrong = Vec::new();
    for (column, source) in policy.hierarchies() {
        match read_hierarchy(lake, source)? {
            Ok(hierarchy) => {
                material.hierarchies.insert(column.to_owned(), hierarchy);
            }
            Err(why) => wrong.push(error(policy, column, source, &why)),
        }
    }
    if wrong.is_empty() { Ok(material) } else { Err(JobError::Definitions(wrong)) }
}

/// Everything that is wrong with the hierarchies of all policies.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn check_hierarchies(lake: &OpenLake) -> Result<(), JobError> {
    let mut wrong = Vec::new();
    for policy in &lake.definitions.copies {
        for (column, source) in policy.hierarchies() {
            match read_hierarchy(lake, source) {
                Ok(Ok(_)) => {}
                Ok(Err(why)) => wrong.push(error(policy, column, source, &why)),
                // A template may name files that nobody has written yet.
                Err(_) if !policy.enabled => {}
                Err(unread) => wrong.push(error(policy, column, source, &crate::runner::chain(&unread).join(": "))),
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(JobError::Definitions(wrong)) }
}

fn read_hierarchy(
    lake: &OpenLake,
    source: &HierarchySource,
) -> Result<Result<engine::anonymize::Hierarchy, String>, JobError> {
    let HierarchySource::File { path, .. } = source else { return Ok(hierarchy(source, None)) };
    let file = lake.folder.join(path);
    let text = std::fs::read_to_string(&file).map_err(|source| JobError::Local {
        action: "read the hierarchy",
        path: file.display().to_string(),
        source,
    })?;
    Ok(hierarchy(source, Some(&text)))
}

/// What is wrong with a hierarchy, at its file where it has one.
fn error(policy: &AnonymizePolicy, column: &str, source: &HierarchySource, why: &str) -> DefinitionError {
    let file = match source {
        HierarchySource::File { path, .. } => path.clone(),
        _ => "policies/".to_owned(),
    };
    let message = format!("hierarchy of column \"{column}\" in policy \"{}\": {why}", policy.id);
    DefinitionError { file, line: 1, column: 1, message }
}
