//! Indexes of subjects against the files that they speak of: one that hides a value hides rows from whoever asks for a person.

use engine::{IndexFault, index_faults};

use super::finding::{FindingKind, Verified};
use super::scope::Scope;
use crate::error::JobError;
use crate::lake::{OpenLake, with_companions};
use crate::show::counted;

/// Checks the indexes of the datasets that a scope has.
pub(crate) async fn check(lake: &OpenLake, scope: &Scope, verified: &mut Verified) -> Result<(), JobError> {
    let (mut files, mut datasets) = (0, 0);
    for dataset in with_companions(&lake.definitions).iter().filter(|dataset| scope.has_dataset(dataset)) {
        let draws = |path: &str| scope.has_path(path) && scope.draws(path);
        let (read, faults) = index_faults(&lake.front, dataset, &draws).await?;
        files += read;
        datasets += u64::from(read > 0);
        for IndexFault { segment, file, why } in faults {
            let about = file.map(|file| format!(" says of file \"{file}\" what is not so")).unwrap_or_default();
            let message = format!(
                "index \"{segment}\" of dataset \"{id}\"{about}: {why}; remove it and run `auditlake compact {id}`, which \
                 writes it anew",
                id = dataset.id
            );
            verified.add(FindingKind::WrongIndex, segment, message);
        }
    }
    if files > 0 {
        let about = format!(
            "{} of {}: the index of subjects says what is in them",
            counted(files, "file"),
            counted(datasets, "dataset")
        );
        verified.looked_at("index", about);
    }
    Ok(())
}
