//! Asking on the terminal before something is done that cannot be undone.

use std::io::{BufRead, IsTerminal, Write};

use crate::error::JobError;

/// Whether somebody agrees to `what`; elsewhere than on a terminal there is nobody to ask.
///
/// # Errors
/// When nobody does.
pub(crate) fn confirmed(what: &str) -> Result<(), JobError> {
    let no = || JobError::Usage("nothing was changed; --yes goes on without asking".to_owned());
    if !std::io::stdin().is_terminal() {
        return Err(no());
    }
    let mut out = std::io::stderr().lock();
    write!(out, "{what}\nThis cannot be undone. Type yes to go on: ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == "yes" { Ok(()) } else { Err(no()) }
}
