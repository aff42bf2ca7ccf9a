//! `auditlake requests`: watching the inbox, looking at requests, and trying one again.

use std::io::Write;
use std::path::Path as FsPath;

use object_store::ObjectStoreExt;
use object_store::path::Path;
use schemas::{Access, RequestError, SourceFile};
use serde_json::{Value, json};

use super::answer::Outcome;
use super::aside;
use super::inbox::Dropped;
use super::records::{State, Status, error_file};
use super::worker::{self, Watch};
use super::{DONE, INBOX, REJECTED, RequestId};
use crate::Answer;
use crate::args::{Cli, OutputForm, RequestsCommand};
use crate::claim::LAPSE;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::show::counted;
use crate::subject::MARK;
use crate::world::World;

const TEMPLATE: &str = "\
# Put this file into requests/inbox/YOUR-NAME/ of the lake's store. The answer comes under exports/YOUR-NAME/.
request: 1
dataset: audit                       # or sql: \"SELECT …\" in place of dataset, columns, filter and order_by
columns: [event_id, time, {name: who, expr: actor_id}]
filter: time >= '2026-03-01' AND time < '2026-04-01'
order_by: [time, event_id]
format: csv                          # csv | json | ndjson | xlsx | parquet | xml | yaml | arrow
# options: {timezone: Europe/Berlin, guard: off}
# compression: zstd
# split: {rows: 1000000}
# bundle: zip
# expires_in: 7d
# id: march-2                        # change it to have the same question answered anew
";

/// Carries out the command.
pub(crate) async fn command(cli: &Cli, world: &World, command: &RequestsCommand) -> Result<Answer, JobError> {
    if matches!(command, RequestsCommand::Template) {
        return Ok(Answer::done(TEMPLATE.to_owned(), json!({ "template": TEMPLATE })));
    }
    let lake = cli.open()?;
    let access = lake.definitions.access.clone().ok_or_else(|| {
        JobError::Usage("there is no access.yaml, so nobody can ask by dropping a file; write one".to_owned())
    })?;
    match command {
        RequestsCommand::Template => Ok(Answer::done(String::new(), Value::Null)),
        RequestsCommand::Run { once, workers, settle } => {
            let how = Watch { once: *once, workers: *workers, settle: *settle, lapse: LAPSE, closing: None };
            run(cli, world, &lake, &access, how).await
        }
        RequestsCommand::List => list(&lake, &access).await,
        RequestsCommand::Show { request } => show(&lake, request).await,
        RequestsCommand::Retry { request } => retry(&lake, request).await,
        RequestsCommand::Cancel { request } => cancel(&lake, request).await,
        RequestsCommand::Reject { file, reason } => reject(&lake, world, &access, file, reason).await,
        RequestsCommand::Check { file, principal } => check(&lake, world, &access, file, principal).await,
    }
}

async fn run(cli: &Cli, world: &World, lake: &OpenLake, access: &Access, how: Watch<'_>) -> Result<Answer, JobError> {
    let form = cli.output;
    let tell = |dropped: &Dropped, outcome: &Result<Outcome, JobError>| {
        if let Some((text, json)) = told(dropped, outcome) {
            let line = if form == OutputForm::Json { json.to_string() } else { text };
            // Whoever reads may be gone; the requests are answered all the same.
            writeln!(std::io::stdout().lock(), "{line}").unwrap_or_default();
        }
    };
    worker::watch(lake, world, access, how, &tell).await?;
    Ok(Answer { text: String::new(), json: Value::Null, code: 0 })
}

/// What became of a file, in a word.
pub(crate) fn outcome(outcome: &Result<Outcome, JobError>) -> &'static str {
    match outcome {
        Ok(Outcome::Answered(..)) => "answered",
        Ok(Outcome::Known(_)) => "known",
        Ok(Outcome::Rejected(..)) => "rejected",
        Ok(Outcome::Deferred(..)) => "deferred",
        Ok(_) => "other",
        Err(_) => "failed",
    }
}

/// What became of a file, in a line; nothing where nothing did.
fn told(dropped: &Dropped, outcome: &Result<Outcome, JobError>) -> Option<(String, Value)> {
    let from = dropped.meta.location.as_ref();
    let (state, id, rest) = match outcome {
        Ok(Outcome::Answered(id, rows, bytes)) => {
            ("answered", Some(id), format!("{}, {bytes} bytes: {}manifest.json", counted(*rows, "row"), id.answer()))
        }
        Ok(Outcome::Known(id)) => ("known", Some(id), format!("answered before: {}manifest.json", id.answer())),
        Ok(Outcome::Rejected(id, errors)) => {
            ("rejected", Some(id), errors.iter().map(line_of).collect::<Vec<_>>().join("\n  "))
        }
        Ok(Outcome::Deferred(id, turn)) => ("deferred", Some(id), format!("until {}", schemas::rfc3339(*turn))),
        Ok(Outcome::Again(id, why)) => ("failed", Some(id), format!("will be tried again: {why}")),
        Ok(Outcome::Busy(_) | Outcome::Alone | Outcome::Unsigned | Outcome::Gone | Outcome::Orphan) => return None,
        Err(error) => ("failed", None, format!("will be tried again: {}", crate::runner::chain(error).join(": "))),
    };
    let text = format!("{state} {from}: {rest}");
    Some((text, json!({ "state": state, "from": from, "request": id.map(ToString::to_string), "message": rest })))
}

fn line_of(error: &RequestError) -> String {
    let place = match (error.line, error.column) {
        (Some(line), Some(column)) => format!("{line}:{column}: "),
        _ => String::new(),
    };
    let fix = error.fix.as_ref().map_or_else(String::new, |fix| format!("; {fix}"));
    format!("{place}{}{fix}", error.what)
}

/// Everything that is in the inbox, answered, or put aside.
async fn list(lake: &OpenLake, access: &Access) -> Result<Answer, JobError> {
    let mut rows: Vec<(String, String, String)> = Vec::new();
    for meta in lake.front.list(&Path::from(INBOX)).await? {
        let below = meta.location.as_ref().strip_prefix(INBOX).unwrap_or_default().trim_start_matches('/').to_owned();
        let folder = below.split('/').next().unwrap_or_default();
        let may_ask = access.principal(folder).is_some_and(|one| one.channels.contains(&schemas::Channel::Inbox));
        let state = match (may_ask, lake.front.is_no_link(&Path::from(INBOX), &meta.location)) {
            (_, false) => "link: it is not followed; drop the file itself",
            (true, true) => "waiting",
            (false, true) => "orphan: the folder is of nobody with the channel inbox",
        };
        rows.push((state.to_owned(), below, String::new()));
    }
    for (id, place) in worker::answers(&lake.front).await? {
        let status: Option<Status> = place.read_json("status.json").await?;
        let state = if place.head(MARK).await?.is_some() {
            "withdrawn"
        } else if place.head("expired.json").await?.is_some() {
            "expired"
        } else {
            "done"
        };
        let rest = status
            .map_or_else(String::new, |status| format!("{}, {} bytes", counted(status.rows, "row"), status.bytes));
        rows.push((state.to_owned(), id.to_string(), rest));
    }
    for (id, place) in worker::begun(&lake.front).await? {
        let Some(status) = place.read_json::<Status>("status.json").await? else { continue };
        if matches!(status.state, State::Running | State::Deferred) {
            rows.push((status.state.as_str().to_owned(), id.to_string(), status.message));
        }
    }
    for id in ids_in(lake, REJECTED).await? {
        if let Some(file) = error_file(&lake.front, &id).await? {
            let first = file.errors.first().map(line_of).unwrap_or_default();
            rows.push((file.state.as_str().to_owned(), id.to_string(), first));
        }
    }
    let text: String = rows
        .iter()
        .map(|(state, what, rest)| format!("{state:10} {what}  {rest}").trim_end().to_owned() + "\n")
        .collect();
    let text = if text.is_empty() { "no requests\n".to_owned() } else { text };
    let json: Vec<Value> =
        rows.iter().map(|(state, what, rest)| json!({ "state": state, "request": what, "message": rest })).collect();
    Ok(Answer::done(text, json!(json)))
}

async fn ids_in(lake: &OpenLake, folder: &str) -> Result<Vec<RequestId>, JobError> {
    let listed = lake.front.list(&Path::from(folder)).await?;
    let id = |path: &Path| {
        RequestId::parse(path.as_ref().strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".error.json")?)
    };
    Ok(listed.iter().filter_map(|meta| id(&meta.location)).collect())
}

fn parsed(request: &str) -> Result<RequestId, JobError> {
    RequestId::parse(request).ok_or_else(|| unknown(request))
}

fn unknown(request: &str) -> JobError {
    JobError::Unknown {
        what: "request",
        name: request.to_owned(),
        remedy: "list them with `auditlake requests list`".to_owned(),
    }
}

async fn show(lake: &OpenLake, request: &str) -> Result<Answer, JobError> {
    let id = parsed(request)?;
    let place = crate::export::ObjectPlace::in_lake(&lake.front, &id.answer());
    let status: Option<Status> = place.read_json("status.json").await?;
    let errors = error_file(&lake.front, &id).await?;
    if status.is_none() && errors.is_none() {
        return Err(unknown(request));
    }
    let mut text = String::new();
    if let Some(status) = &status {
        text.push_str(&format!(
            "{id}: {}, {}, {} bytes, attempt {}\n{}\n",
            status.state.as_str(),
            counted(status.rows, "row"),
            status.bytes,
            status.attempt,
            status.message
        ));
    }
    if let Some(file) = &errors {
        for error in &file.errors {
            text.push_str(&format!("  {}\n", line_of(error)));
        }
        text.push_str(&format!("{}\n", file.then));
    }
    Ok(Answer::done(text, json!({ "status": status, "errors": errors })))
}

/// Lets whoever answers a request stop.
async fn cancel(lake: &OpenLake, request: &str) -> Result<Answer, JobError> {
    let id = parsed(request)?;
    let place = crate::export::ObjectPlace::in_lake(&lake.front, &id.answer());
    if place.head("manifest.json").await?.is_some() {
        return Err(JobError::Usage(format!("{id} was answered; there is nothing to stop")));
    }
    let marked = json!({ "request": id.to_string() });
    lake.front.create_json(&id.cancelled(), &marked).await?;
    let text = format!("{id} is stopped, within seconds where somebody works on it");
    Ok(Answer::done(text, json!({ "request": id.to_string() })))
}

/// Puts a request that was rejected or has failed back into the inbox.
async fn retry(lake: &OpenLake, request: &str) -> Result<Answer, JobError> {
    let id = parsed(request)?;
    for ending in [".yaml", ".json"] {
        let aside = id.in_folder(REJECTED, ending);
        if let Some(bytes) = lake.front.read(&aside).await? {
            let back = Path::from(format!("{INBOX}/{}/{}{ending}", id.principal, id.hash));
            lake.front.create(&back, bytes).await?;
            lake.front.remove(&id.in_folder(REJECTED, ".error.json")).await?;
            lake.front.remove(&id.cancelled()).await?;
            lake.front.remove(&aside).await?;
            let text = format!("{id} is in the inbox again: {back}");
            return Ok(Answer::done(text, json!({ "request": id.to_string(), "inbox": back.to_string() })));
        }
    }
    let is_done = lake.front.read(&id.in_folder(DONE, ".yaml")).await?.is_some();
    Err(if is_done {
        JobError::Usage(format!("{id} was answered; there is nothing to try again"))
    } else {
        unknown(request)
    })
}

/// Puts a file of the inbox aside that nobody is to answer.
async fn reject(lake: &OpenLake, world: &World, access: &Access, file: &str, reason: &str) -> Result<Answer, JobError> {
    let path = Path::from(format!("{INBOX}/{}", file.trim_start_matches(INBOX).trim_start_matches('/')));
    let meta = match lake.front.store().head(&path).await {
        Ok(meta) => meta,
        Err(object_store::Error::NotFound { .. }) => {
            return Err(JobError::Unknown {
                what: "file of the inbox",
                name: path.to_string(),
                remedy: "list them with `auditlake requests list`".to_owned(),
            });
        }
        Err(source) => return Err(engine::EngineError::store(&path, "find it", source).into()),
    };
    let id = aside::put_aside(lake, world, access, meta, reason).await?;
    Ok(Answer::done(format!("{path} is put aside as {id}"), json!({ "request": id.to_string() })))
}

async fn check(
    lake: &OpenLake,
    world: &World,
    access: &Access,
    file: &FsPath,
    principal: &str,
) -> Result<Answer, JobError> {
    let principal = crate::access::known(access, principal)?;
    let text = std::fs::read(file).map_err(|source| JobError::Local {
        action: "read",
        path: file.display().to_string(),
        source,
    })?;
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let errors = aside::check(lake, world, access, principal, &SourceFile { path: name.clone(), text }).await?;
    let mut text: String = errors.iter().map(|error| format!("{name}:{}\n", line_of(error))).collect();
    if errors.is_empty() {
        text = format!("{name} would be answered for {}\n", principal.name);
    }
    let code = u8::from(!errors.is_empty());
    Ok(Answer { text, json: json!({ "errors": errors }), code })
}
