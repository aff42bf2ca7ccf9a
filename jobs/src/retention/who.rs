//! Who asks for something that has consequences.

use schemas::Permission;

use crate::access::known;
use crate::error::JobError;
use crate::lake::OpenLake;

/// The name of who asks, once it is known that they may. A lake without `access.yaml` knows nobody, and takes the name as it
/// is said; where nobody is named, it is whoever runs the program.
///
/// # Errors
/// When the name is of no principal, or of one that may not.
pub(crate) fn who(
    lake: &OpenLake,
    name: Option<&str>,
    permission: Permission,
    what: &str,
) -> Result<Option<String>, JobError> {
    let Some(name) = name else { return Ok(None) };
    if let Some(access) = &lake.definitions.access {
        let principal = known(access, name)?;
        if !principal.may(permission) {
            return Err(JobError::Refused {
                what: what.to_owned(),
                why: format!(
                    "\"{name}\" may not {}; ask somebody who may, or whoever keeps access.yaml",
                    permission.as_str()
                ),
            });
        }
    }
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(JobError::Usage(format!("--as {name:?} is no name; write who asks")));
    }
    Ok(Some(name.to_owned()))
}
