//! Whether every view of `access.yaml` can be made, before anybody asks.

use super::Viewer;
use crate::error::EngineError;
use crate::lake_session::LakeSession;

/// A view that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewFault {
    /// Of whom.
    pub principal: String,
    /// Of what.
    pub dataset: String,
    /// Why, and what would be right.
    pub why: String,
}

/// Makes each view of a principal in its session; `knows` says of which datasets the columns are known.
///
/// # Errors
/// When a store cannot be read.
pub async fn check_views(
    session: &LakeSession,
    viewer: &Viewer,
    knows: impl Fn(&str) -> bool,
) -> Result<Vec<ViewFault>, EngineError> {
    let mut faults = Vec::new();
    for dataset in viewer.rules().keys().filter(|dataset| knows(dataset)) {
        match session.view(dataset).await {
            Ok(()) | Err(EngineError::Denied { .. }) => {}
            Err(EngineError::View { principal, dataset, why }) => faults.push(ViewFault { principal, dataset, why }),
            Err(error) => return Err(error),
        }
    }
    Ok(faults)
}
