//! `auditlake sql`: reading statements, their rows as they come.

use std::io::{BufWriter, IsTerminal, Write};
use std::sync::{Arc, OnceLock};

use engine::{AnswerKind, LakeSession};
use exporters::{RowFormat, RowWriter, row_writer, table_within};
use futures::StreamExt;
use schemas::Permission;

use crate::access::{self, Asker, Delivered, Question, Statements};
use crate::args::{Cli, OutputForm, SqlArgs};
use crate::clock::Pauses;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::progress::Progress;
use crate::shell::{self, Shell};
use crate::world::World;

/// Bytes of rows that are kept back at first.
const HELD_BYTES: usize = 4 << 20;

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
    let asker = Asker::named(&lake, args.principal.as_deref()).await?;
    let mut out = std::io::stdout().lock();
    let mut shell = Shell::new(&lake, world, &asker, format, Progress::on_terminal());
    match asked {
        Asked::Statement(statement) => {
            let door = Door { lake: &lake, world, asker: &asker };
            sql(door, &statement, RowForm::of(format), Progress::on_terminal(), &mut out).await?;
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
            let mut lines = shell.terminal(!args.no_history && asker.principal().is_none(), &mut std::io::stderr())?;
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

/// A lake, and who asks it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Door<'a> {
    pub(crate) lake: &'a OpenLake,
    pub(crate) world: &'a World,
    pub(crate) asker: &'a Asker,
}

impl Door<'_> {
    /// A session of whoever asks.
    pub(crate) fn session(&self) -> Result<LakeSession, JobError> {
        self.asker.session(self.lake, self.world.now(), AnswerKind::Statement)
    }

    /// Whoever asks, for one statement; the limits of a minute and of an hour refuse one too many.
    async fn admitted(&self) -> Result<Asker, JobError> {
        let now = self.world.now();
        let Some(principal) = self.asker.principal() else { return self.asker.metered(self.lake, now) };
        self.lake.limiter.statement(principal, now)?;
        // Somebody may have been restricted since a shell was opened.
        Asker::of(self.lake, principal).await?.metered(self.lake, now)
    }
}

/// Runs a statement and writes its rows; returns the names of its columns. Progress ends before the first byte. Where
/// there is an `access.yaml`, that it is asked is written down before.
///
/// # Errors
/// When the statement does not read only, does not plan or fails; when a column has no form in `form`.
pub(crate) async fn sql(
    door: Door<'_>,
    statement: &str,
    form: RowForm,
    progress: Progress,
    out: &mut dyn Write,
) -> Result<Vec<String>, JobError> {
    let (asker, may_ask) = match door.admitted().await {
        Ok(asker) => (asker, door.asker.needs(Permission::SqlQuery, "SQL needs")),
        Err(error) => (door.asker.clone(), Err(error)),
    };
    let session = asker.session(door.lake, door.world.now(), AnswerKind::Statement)?;
    let planned = match may_ask {
        Ok(()) => session.plan(statement).await.map_err(JobError::from),
        Err(error) => Err(error),
    };
    let datasets: Vec<String> =
        planned.as_ref().map(|plan| session.datasets_of(plan).into_iter().collect()).unwrap_or_default();
    let question = Question {
        door: "cli",
        is_export: false,
        is_of_audit: access::is_of_audit(door.lake, &datasets),
        datasets: &datasets,
        sql: statement,
        request: None,
    };
    let record = Statements::new(door.lake, door.world).ask(&asker, question).await?;
    let mut held = HeldBack { out, held: Vec::new(), passed: false, bytes: 0 };
    let mut answered = match planned {
        Ok(plan) => rows(&session, &plan, form, progress, &mut held).await,
        Err(error) => Err(error),
    };
    // A file was replaced under the statement: as long as nothing was shown, it begins anew and sees what is there now.
    let mut pauses = Pauses::new();
    while !held.passed && answered.as_ref().is_err_and(JobError::is_of_change) && pauses.next().await {
        held.held.clear();
        let session = asker.session(door.lake, door.world.now(), AnswerKind::Statement)?;
        answered = match session.plan(statement).await {
            Ok(plan) => rows(&session, &plan, form, progress, &mut held).await,
            Err(error) => Err(error.into()),
        };
    }
    if answered.is_ok() {
        held.pass()?;
    }
    let bytes = held.bytes;
    let (columns, _) = record.end(answered, |(_, rows)| Delivered { rows: *rows, bytes }).await?;
    Ok(columns)
}

/// Writes the rows of a plan; gives the names of its columns, and how many rows there were.
async fn rows(
    session: &LakeSession,
    plan: &engine::LogicalPlan,
    form: RowForm,
    progress: Progress,
    out: &mut dyn Write,
) -> Result<(Vec<String>, u64), JobError> {
    let read = Arc::new(OnceLock::new());
    let mut out = BufWriter::new(progress.statement(&read, out));
    let (mut rows, counted) = session.stream_counted(plan).await?;
    read.get_or_init(|| counted);
    let schema = rows.schema();
    let mut writer = form.writer(schema.as_ref(), &mut out)?;
    while let Some(batch) = rows.next().await {
        writer.write(&batch.map_err(engine::stream_error)?)?;
    }
    let count = writer.finish()?;
    drop(writer);
    out.flush()?;
    Ok((schema.fields().iter().map(|field| field.name().clone()).collect(), count))
}

/// Keeps the first rows back until there are many, so that a statement can begin anew without showing a row twice; counts
/// what goes out.
struct HeldBack<'a> {
    out: &'a mut dyn Write,
    held: Vec<u8>,
    passed: bool,
    bytes: u64,
}

impl HeldBack<'_> {
    /// Lets go what was kept back, and everything after it.
    fn pass(&mut self) -> std::io::Result<()> {
        self.passed = true;
        let held = std::mem::take(&mut self.held);
        self.out.write_all(&held)?;
        self.bytes += held.len() as u64;
        self.out.flush()
    }
}

impl Write for HeldBack<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.passed {
            let some = self.out.write(bytes)?;
            self.bytes += some as u64;
            return Ok(some);
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() >= HELD_BYTES {
            self.pass()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.passed { self.out.flush() } else { Ok(()) }
    }
}
