//! `auditlake sql`: reading statements, their rows as they come.

use std::io::{BufWriter, IsTerminal, Write};
use std::sync::{Arc, OnceLock};

use exporters::{RowFormat, RowWriter, row_writer, table_within};
use futures::StreamExt;

use crate::args::{Cli, OutputForm, SqlArgs};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::progress::Progress;
use crate::shell::{self, Shell};
use crate::world::World;

/// What the command line asks to be run.
enum Asked {
    Statement(String),
    Script(String),
    Shell,
}

/// Carries out the command; returns the exit code.
pub(crate) async fn command(cli: &Cli, world: &World, args: &SqlArgs) -> Result<u8, JobError> {
    let format = match (cli.output, args.format.as_deref().and_then(RowFormat::parse)) {
        (OutputForm::Human, format) => format.unwrap_or(RowFormat::Table),
        (OutputForm::Json, None | Some(RowFormat::Json)) => RowFormat::Json,
        (OutputForm::Json, Some(other)) => {
            let other = other.as_str();
            return Err(JobError::Usage(format!(
                "--output json and --format {other} both write to standard output; give one"
            )));
        }
    };
    let asked = asked(args)?;
    let lake = cli.open()?;
    let mut out = std::io::stdout().lock();
    let mut shell = Shell::new(&lake, world, format, Progress::on_terminal());
    match asked {
        Asked::Statement(statement) => {
            sql(&lake, world, &statement, RowForm::of(format), Progress::on_terminal(), &mut out).await?;
        }
        Asked::Script(text) => {
            if cli.output == OutputForm::Json && shell::pieces(&text) != 1 {
                return Err(JobError::Usage(
                    "--output json prints one document; give one statement, or --format ndjson for several".to_owned(),
                ));
            }
            shell.script(&text, &mut out, &mut std::io::stderr()).await?;
        }
        Asked::Shell if cli.output == OutputForm::Json => {
            return Err(JobError::Usage("--output json prints one document; give a statement".to_owned()));
        }
        Asked::Shell => {
            let mut lines = shell.terminal(!args.no_history, &mut std::io::stderr())?;
            shell.interactive(&mut lines, &mut out, &mut std::io::stderr()).await?;
        }
    }
    Ok(0)
}

fn asked(args: &SqlArgs) -> Result<Asked, JobError> {
    let (place, text) = match (&args.statement, &args.file) {
        (Some(statement), _) if statement != "-" => return Ok(Asked::Statement(statement.clone())),
        (_, Some(file)) => (format!("file \"{}\"", file.display()), crate::read_text(file)?),
        (None, None) if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() => return Ok(Asked::Shell),
        _ => {
            let place = "standard input".to_owned();
            let read = std::io::read_to_string(std::io::stdin().lock());
            let text = read.map_err(|source| JobError::Local { action: "read", path: place.clone(), source })?;
            (place, text)
        }
    };
    if shell::pieces(&text) == 0 {
        return Err(JobError::Usage(format!(
            "{place} holds no statement; give one as an argument, with --file, or on standard input"
        )));
    }
    Ok(Asked::Script(text))
}

/// How rows are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowForm {
    format: RowFormat,
    /// Columns of a terminal that a line of a table may take; more stand as records.
    limit: Option<usize>,
}

impl RowForm {
    pub(crate) fn of(format: RowFormat) -> Self {
        Self { format, limit: None }
    }

    pub(crate) fn within(format: RowFormat, limit: Option<usize>) -> Self {
        Self { format, limit }
    }

    pub(crate) fn writer<'a>(
        self,
        schema: &arrow::datatypes::Schema,
        out: &'a mut dyn Write,
    ) -> Result<Box<dyn RowWriter + 'a>, JobError> {
        Ok(match (self.format, self.limit) {
            (RowFormat::Table, Some(limit)) => table_within(limit, schema, out)?,
            (format, _) => row_writer(format, schema, out)?,
        })
    }
}

/// Runs a statement and writes its rows; returns the names of its columns. Progress ends before the first byte.
///
/// # Errors
/// When the statement does not read only, does not plan or fails; when a column has no form in `form`.
pub(crate) async fn sql(
    lake: &OpenLake,
    world: &World,
    statement: &str,
    form: RowForm,
    progress: Progress,
    out: &mut dyn Write,
) -> Result<Vec<String>, JobError> {
    let read = Arc::new(OnceLock::new());
    let mut out = BufWriter::new(progress.statement(&read, out));
    let session = lake.sessions.session(world.now())?;
    let plan = session.plan(statement).await?;
    let (mut rows, counted) = session.stream_counted(&plan).await?;
    read.get_or_init(|| counted);
    let schema = rows.schema();
    let mut writer = form.writer(schema.as_ref(), &mut out)?;
    while let Some(batch) = rows.next().await {
        writer.write(&batch.map_err(engine::stream_error)?)?;
    }
    writer.finish()?;
    drop(writer);
    out.flush()?;
    Ok(schema.fields().iter().map(|field| field.name().clone()).collect())
}
