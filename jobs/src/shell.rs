//! Statements and commands one after another: the interactive shell of `auditlake sql`, and scripts.
//!
//! Each statement has a session of its own, so that it sees files that have arrived since the last one. The shell goes
//! on after an error; a script ends at the first. Absent: variables, statements that write, and the editing of lines,
//! which is behind [`Lines`].

mod command;
mod completion;
mod describe;
mod history;
mod input;
mod interrupt;
mod terminal;

use std::io::Write;

use exporters::RowFormat;

use crate::access::Asker;
use crate::clock::Stopwatch;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::progress::Progress;
use crate::sql::{Door, RowForm, sql};
use crate::world::World;
use command::{Command, HELP};
use completion::Names;
use input::{Cut, Piece};
use interrupt::Interrupts;
use terminal::Terminal;

/// Where what is typed comes from.
pub(crate) trait Lines {
    /// The next line or lines; `goes_on` when a statement has begun.
    fn next(&mut self, goes_on: bool) -> Result<Line, JobError>;
}

/// What somebody did at the prompt.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    /// Typed one line or several.
    Typed(String),
    /// Dropped the statement.
    Dropped,
    /// Left.
    End,
}

/// How many statements and commands a script has.
pub(crate) fn pieces(text: &str) -> usize {
    Cut::of(text).into_pieces().len()
}

/// Carries out statements and commands over one lake.
#[derive(Debug)]
pub(crate) struct Shell<'a> {
    lake: &'a OpenLake,
    world: &'a World,
    asker: &'a Asker,
    format: RowFormat,
    /// Columns of a terminal that a line of a table may take.
    limit: Option<usize>,
    timing: bool,
    progress: Progress,
    names: Names,
}

enum After {
    GoOn,
    Leave,
}

impl<'a> Shell<'a> {
    pub(crate) fn new(
        lake: &'a OpenLake,
        world: &'a World,
        asker: &'a Asker,
        format: RowFormat,
        progress: Progress,
    ) -> Self {
        Self { lake, world, asker, format, limit: None, timing: false, progress, names: Names::default() }
    }

    fn door(&self) -> Door<'a> {
        Door { lake: self.lake, world: self.world, asker: self.asker }
    }

    /// The terminal of this process as lines, and as the limit of tables.
    pub(crate) fn terminal(&mut self, keep_history: bool, notes: &mut dyn Write) -> Result<Terminal, JobError> {
        let session = self.door().session()?;
        self.names.learn_tables(&session);
        self.limit = terminal::columns();
        Terminal::open(self.names.clone(), history::path(keep_history, |name| std::env::var_os(name)), notes)
    }

    /// Carries out every statement and command of `text`.
    ///
    /// # Errors
    /// The first that fails, with its line; nothing below it is run.
    pub(crate) async fn script(
        &mut self,
        text: &str,
        out: &mut dyn Write,
        notes: &mut dyn Write,
    ) -> Result<(), JobError> {
        for (line, piece) in Cut::of(text).into_pieces() {
            let done = self.carry_out(&piece, out, notes).await;
            match done.map_err(|source| JobError::AtLine { line, source: Box::new(source) })? {
                After::GoOn => {}
                After::Leave => break,
            }
        }
        Ok(())
    }

    /// Carries out what is typed until somebody leaves. Errors are told on `notes`.
    ///
    /// # Errors
    /// When nothing can be read or written any more.
    pub(crate) async fn interactive(
        &mut self,
        lines: &mut dyn Lines,
        out: &mut dyn Write,
        notes: &mut dyn Write,
    ) -> Result<(), JobError> {
        writeln!(notes, "Lake {}. Statements end with ; \\h explains, \\q leaves.", self.lake.definitions.id)?;
        let interrupts = Interrupts::listen().map_err(|source| JobError::Local {
            action: "listen for Ctrl-C on",
            path: "terminal".to_owned(),
            source,
        })?;
        let mut typed = String::new();
        loop {
            match lines.next(!typed.is_empty())? {
                Line::End => return Ok(()),
                Line::Dropped => typed.clear(),
                Line::Typed(line) => typed.push_str(&format!("{line}\n")),
            }
            let cut = Cut::of(&typed);
            for (_, piece) in cut.pieces {
                interrupts.forget();
                let done = tokio::select! {
                    done = self.carry_out(&piece, out, notes) => done,
                    () = interrupts.next() => {
                        writeln!(notes, "cancelled")?;
                        break;
                    }
                };
                match done {
                    Ok(After::GoOn) => {}
                    Ok(After::Leave) => return Ok(()),
                    Err(error) => writeln!(notes, "{}", error.told())?,
                }
            }
            typed = cut.open.map(|(_, open)| open).unwrap_or_default();
        }
    }

    async fn carry_out(
        &mut self,
        piece: &Piece,
        out: &mut dyn Write,
        notes: &mut dyn Write,
    ) -> Result<After, JobError> {
        let watch = Stopwatch::start();
        match piece {
            Piece::Statement(statement) => {
                let form = RowForm::within(self.format, self.limit);
                let columns = sql(self.door(), statement, form, self.progress, out).await?;
                self.names.learn(columns);
                if self.timing {
                    writeln!(notes, "{:.3} s", watch.seconds())?;
                }
            }
            Piece::Command(text) => match Command::parse(text)? {
                Command::Tables => {
                    let session = self.door().session()?;
                    describe::write(&describe::tables(&session)?, self.format, out)?;
                }
                Command::Columns(table) => {
                    let session = self.door().session()?;
                    let (columns, rows) = describe::columns(&session, &table).await?;
                    self.names.learn(columns);
                    describe::write(&rows, self.format, out)?;
                }
                Command::Format(format) => self.format = format,
                Command::Timing(timing) => self.timing = timing,
                Command::Help => writeln!(out, "{HELP}")?,
                Command::Leave => return Ok(After::Leave),
            },
        }
        Ok(After::GoOn)
    }
}

#[cfg(test)]
mod tests;
