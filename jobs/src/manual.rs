//! What a system keeps beside a program: completions of shells and manual pages, made of the command line.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use crate::Answer;
use crate::args::Cli;
use crate::error::JobError;

/// Answer of `completions`.
pub(crate) fn completions(shell: Shell) -> Answer {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "auditlake", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let json = json!({ "shell": shell.to_string(), "script": script });
    Answer::done(script, json)
}

/// Answer of `man`: the page of the program.
pub(crate) fn page() -> Result<Answer, JobError> {
    let mut page = Vec::new();
    Man::new(Cli::command()).render(&mut page)?;
    let page = String::from_utf8_lossy(&page).into_owned();
    let json = json!({ "page": page });
    Ok(Answer::done(page, json))
}

/// Answer of `man --dir`: a page of each command.
pub(crate) fn pages(dir: &Path) -> Result<Answer, JobError> {
    let written = std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(Cli::command(), dir));
    let path = dir.display().to_string();
    written.map_err(|source| JobError::Local { action: "write manual pages into", path: path.clone(), source })?;
    Ok(Answer::done(format!("manual pages are in {path}"), json!({ "folder": path })))
}
