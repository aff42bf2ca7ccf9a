//! `auditlake evidence`: the log's state, keys, adoption of what was there before, and anchoring.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path as FsPath;

use engine::evidence::{EntryBody, SignerKey};
use object_store::path::Path;
use serde_json::{Value, json};

use super::append::{EvidenceLog, KEYS};
use super::fault::EvidenceFault;
use super::intent::{Act, Intent, close_open, of_dataset, of_run, replayed};
use super::read::entries_of;
use crate::Answer;
use crate::args::{Cli, EvidenceCommand};
use crate::error::JobError;
use crate::lake::{OpenLake, read_definitions};
use crate::ledger::Ledger;
use crate::ledger::RunKey;
use crate::show;
use crate::world::World;

/// Carries out a command.
pub(crate) async fn command(cli: &Cli, world: &World, command: &EvidenceCommand) -> Result<Answer, JobError> {
    match command {
        EvidenceCommand::Keygen { origin, to } => keygen(cli, world, origin.as_deref(), to),
        EvidenceCommand::Status => status(&cli.open()?).await,
        EvidenceCommand::Adopt { dry_run } => adopt(&cli.open()?, world, *dry_run).await,
        EvidenceCommand::Anchor => anchor(&cli.open()?, world).await,
        EvidenceCommand::Entries { from } => entries(&cli.open()?, *from).await,
    }
}

fn log_of(lake: &OpenLake) -> Result<EvidenceLog, JobError> {
    Ok(EvidenceLog::open(lake)?.ok_or(EvidenceFault::NoLog)?)
}

fn keygen(cli: &Cli, world: &World, origin: Option<&str>, to: &FsPath) -> Result<Answer, JobError> {
    let origin = match origin {
        Some(origin) if engine::evidence::is_key_name(origin) => origin.to_owned(),
        Some(origin) => {
            return Err(JobError::Usage(format!(
                "origin {origin:?} has blanks or a + in it; write for example acme.example/auditlake/acme"
            )));
        }
        None => {
            let definitions = read_definitions(&cli.lake)?;
            let policy = definitions.evidence;
            policy.map(|policy| policy.origin).ok_or_else(|| {
                JobError::Usage("say whose log it signs, for example --origin acme.example/auditlake/acme".to_owned())
            })?
        }
    };
    let mut seed = [0; 32];
    world.fill(&mut seed);
    let (path, public) = write_keys(&cli.lake.join(to), &SignerKey::new(&origin, &seed))?;
    let verifier = SignerKey::new(&origin, &seed).verifier().to_string();
    let text = format!(
        "{path}: signs, and only whoever runs the lake may read it\n{public}: verifies, and belongs to whoever checks the lake\n{verifier}"
    );
    Ok(Answer::done(text, json!({ "key": path, "public": public, "verifier": verifier })))
}

/// Writes a signing key that only its owner reads, and the verifier key beside it.
pub(crate) fn write_keys(path: &FsPath, key: &SignerKey) -> Result<(String, String), JobError> {
    let public = path.with_extension("pub");
    let write = |path: &FsPath, text: String, mode: u32| {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        writeln!(options.open(path)?, "{text}")
    };
    let shown = |path: &FsPath| path.display().to_string();
    let local = |path: &FsPath| {
        let path = shown(path);
        move |source| JobError::Local { action: "write the key", path, source }
    };
    write(path, key.to_secret_text(), 0o600).map_err(local(path))?;
    write(&public, key.verifier().to_string(), 0o644).map_err(local(&public))?;
    Ok((shown(path), shown(&public)))
}

async fn status(lake: &OpenLake) -> Result<Answer, JobError> {
    let log = log_of(lake)?;
    let size = log.size().await?;
    let signed = log.store.newest_checkpoint().await?.map_or(0, |(size, _)| size);
    let mut text = format!("{}, signed up to {signed}", show::entries(size));
    let mut anchors = Vec::new();
    for (name, has) in log.anchored_sizes().await {
        let told = match &has {
            Ok(has) => format!("has {has}"),
            Err(error) => crate::runner::chain(error).join(": "),
        };
        text.push_str(&format!("\nanchor {name}: {told}"));
        anchors.push(json!({ "name": name, "entries": has.ok(), "state": told }));
    }
    for key in keys_of(lake).await? {
        text.push_str(&format!("\nkey {key}"));
    }
    Ok(Answer::done(
        text,
        json!({ "entries": size, "signed": signed, "anchors": anchors, "keys": keys_of(lake).await? }),
    ))
}

/// Names of the keys that lie beside the log.
pub(crate) async fn keys_of(lake: &OpenLake) -> Result<Vec<String>, JobError> {
    let listed = lake.front.list(&Path::from(KEYS)).await?;
    let name = |meta: object_store::ObjectMeta| meta.location.filename().map(|name| name.replace('.', ", "));
    Ok(listed.into_iter().filter_map(name).collect())
}

/// Logs what was there before the log began, or was brought by others.
async fn adopt(lake: &OpenLake, world: &World, dry_run: bool) -> Result<Answer, JobError> {
    let log = log_of(lake)?;
    let intent = if dry_run { Intent::none(lake, world) } else { Intent::begin(lake, world, Act::Other).await? };
    let replay = replayed(&log).await?;
    let mut bodies = Vec::new();
    for dataset in &lake.definitions.datasets {
        bodies.extend(of_dataset(lake, &replay, Some(dataset), true).await?);
        bodies.extend(of_dataset(lake, &replay, dataset.rejected().as_ref(), true).await?);
    }
    for run in Ledger::new(lake.front.clone()).runs().await? {
        if let Some(key) = RunKey::parse(&run.run) {
            bodies.extend(of_run(lake, &key).await?);
            bodies.extend(crate::review::bodies(&lake.front, &key).await?);
        }
    }
    let mut lacking = Vec::new();
    for body in bodies {
        let entry = engine::evidence::Entry::new(world.logged_at(), body).map_err(EvidenceFault::from)?;
        if !replay.ids.contains(&entry.id) {
            lacking.push(entry.body);
        }
    }
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    lacking.iter().for_each(|body| *kinds.entry(kind(body)).or_default() += 1);
    intent.end(Ok(()), async |()| Ok(lacking.clone())).await?;
    let told: Vec<String> = kinds.iter().map(|(kind, many)| format!("{many} {kind}")).collect();
    let text = match (lacking.is_empty(), dry_run) {
        (true, _) => "everything is in the log already".to_owned(),
        (false, true) => format!("would log {}", told.join(", ")),
        (false, false) => format!("logged {}", told.join(", ")),
    };
    Ok(Answer::done(text, json!({ "dry_run": dry_run, "entries": kinds })))
}

fn kind(body: &EntryBody) -> &'static str {
    match body {
        EntryBody::File(_) => "files",
        EntryBody::Compaction(_) => "compactions",
        EntryBody::Replacement(_) => "replacements",
        EntryBody::Run(_) => "runs",
        EntryBody::Report(_) => "reports",
        EntryBody::Export(_) => "exports",
        EntryBody::Approval(_) => "steps of reviews",
        EntryBody::Chain(_) => "ends of chains",
        EntryBody::Expiry(_) => "changes by retention",
        EntryBody::Hold(_) => "holds",
        EntryBody::PlanApproval(_) => "approvals of retention",
        EntryBody::Certificate(_) => "certificates",
        EntryBody::Case(_) => "steps of cases of persons",
        EntryBody::Schedule(_) => "decisions about schedules",
        EntryBody::Key(_) => "changes of keys",
        EntryBody::Unknown => "others",
    }
}

async fn anchor(lake: &OpenLake, world: &World) -> Result<Answer, JobError> {
    let log = log_of(lake)?;
    close_open(lake, world).await?;
    let size = log.catch_up().await?;
    let text = format!("signed up to {size}, and every anchor has it");
    Ok(Answer::done(text, json!({ "signed": size })))
}

async fn entries(lake: &OpenLake, from: u64) -> Result<Answer, JobError> {
    let log = log_of(lake)?;
    let mut lines = Vec::new();
    let mut all = Vec::new();
    for (index, bytes) in (0_u64..).zip(entries_of(&log.store).await?).skip(from as usize) {
        let mut entry: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if let Some(of) = entry.as_object_mut() {
            of.insert("index".to_owned(), json!(index));
        }
        lines.push(entry.to_string());
        all.push(entry);
    }
    Ok(Answer::done(lines.join("\n"), Value::Array(all)))
}
