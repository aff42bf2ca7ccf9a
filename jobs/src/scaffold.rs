//! `init` and `demo`: folders that are ready to use.

mod platform;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use arrow::array::AsArray;
use engine::evidence::SignerKey;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemas::{FixedClock, JobId, JobKind};
use serde_json::{Value, json};

use crate::Answer;
use crate::demo::{self, Demo, Planted};
use crate::error::JobError;
use crate::evidence_log::write_keys;
use crate::lake::{OpenLake, read_definitions};
use crate::progress::Progress;
use crate::runner::{Asked, Ran, Revise, run};
use crate::show::{self, write_line};
use crate::world::World;
use platform::Platform;

/// Seed of the demo: its events, its keys and its claims.
const SEED: u64 = 20_260_301;

/// Makes a lake without events.
pub(crate) fn init(dir: &Path, world: &World) -> Result<Answer, JobError> {
    let mut keys = [[0; 32]; 3];
    keys.iter_mut().for_each(|key| world.fill(key));
    let written = write_lake(dir, &demo::init_definitions(), &keys)?;
    let mut text = format!("made {}\n", dir.display());
    for path in &written {
        write_line(&mut text, &format!("  {path}"));
    }
    write_line(
        &mut text,
        &format!("next: edit {}, then run auditlake --lake {} check", dir.join("lake.yaml").display(), dir.display()),
    );
    Ok(Answer { text, json: json!({ "lake": dir, "files": written }), code: 0 })
}

/// Writes definitions and keys: one for pseudonyms, one that signs the log, and one that stands for persons in records.
fn write_lake(
    dir: &Path,
    definitions: &[demo::Definition],
    [key, log, subjects]: &[[u8; 32]; 3],
) -> Result<Vec<String>, JobError> {
    let local = |action: &'static str, path: &Path| {
        let path = path.display().to_string();
        move |source: io::Error| JobError::Local { action, path, source }
    };
    fs::create_dir_all(dir).map_err(local("make", dir))?;
    if fs::read_dir(dir).map_err(local("read", dir))?.next().is_some() {
        let full = io::Error::new(io::ErrorKind::DirectoryNotEmpty, "it is not empty; name a new folder");
        return Err(local("make a lake in", dir)(full));
    }
    let mut written = Vec::new();
    for (name, text) in definitions {
        let path = dir.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(local("make", parent))?;
        }
        fs::write(&path, text).map_err(local("write", &path))?;
        written.push(name.clone());
    }
    for (name, key) in [("keys/evidence.key", key), ("keys/subjects.key", subjects)] {
        let path = dir.join(name);
        write_key(&path, key).map_err(local("write", &path))?;
        written.push(name.to_owned());
    }
    if let Some(policy) = read_definitions(dir)?.evidence {
        write_keys(&dir.join("keys/log.key"), &SignerKey::new(&policy.origin, log))?;
        written.extend(["keys/log.key".to_owned(), "keys/log.pub".to_owned()]);
    }
    Ok(written)
}

/// Writes a key that only its owner reads.
fn write_key(path: &Path, key: &[u8; 32]) -> io::Result<()> {
    use std::io::Write;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(path)?, "{}", engine::hex(key))
}

/// Makes the demo lake, ingests its events, runs its report, and compares findings with what was planted.
pub(crate) async fn demo(dir: &Path, progress: Progress) -> Result<Answer, JobError> {
    let mut chance = ChaCha8Rng::seed_from_u64(SEED);
    let mut keys = [[0; 32]; 3];
    keys.iter_mut().for_each(|key| chance.fill_bytes(key));
    write_lake(dir, &demo::definitions(), &keys)?;
    let mut study = [0; 32];
    chance.fill_bytes(&mut study);
    let path = dir.join("keys/study.key");
    let local = |source| JobError::Local { action: "write", path: path.display().to_string(), source };
    write_key(&path, &study).map_err(local)?;
    let anchor = dir.join("anchor");
    let local = |source| JobError::Local { action: "make", path: anchor.display().to_string(), source };
    fs::create_dir_all(&anchor).map_err(local)?;
    let put = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, bytes)
    };
    // What is there at the second ingest only is held back.
    let mut last = Vec::new();
    let made = demo::generate(SEED, &mut |name, bytes| match name {
        demo::LAST_FILE => {
            last.extend_from_slice(bytes);
            Ok(())
        }
        name => put(name, bytes),
    });
    let local = |source| JobError::Local { action: "write", path: dir.display().to_string(), source };
    let mut made = made.map_err(local)?;
    let lake = OpenLake::open(dir)?;
    let mut ingests = Vec::new();
    let jobs = [
        ("ingest-identity", "identity"),
        ("ingest-consent", "consent"),
        ("ingest-dsr", "dsr"),
        ("ingest-audit", "audit"),
    ];
    for (job, dataset) in jobs {
        ingests.push((dataset, run_at(&lake, job, demo::FIRST_INGEST_AT, &progress).await?));
    }
    put(demo::LAST_FILE, &last).map_err(local)?;
    ingests.push(("audit", run_at(&lake, "ingest-audit", demo::REPORT_AT, &progress).await?));
    for (job, dataset) in platform::INGESTS {
        ingests.push((dataset, run_at(&lake, job, demo::REPORT_AT, &progress).await?));
    }
    let report = run_at(&lake, "compliance", demo::REPORT_AT, &progress).await?;
    for job in ["actor-daily", "activity-export", "study-copy", "study-export", "retention"] {
        run_at(&lake, job, demo::REPORT_AT, &progress).await?;
    }
    let mut pages = Vec::new();
    for job in platform::JOBS {
        pages.push((job, run_at(&lake, job, demo::REPORT_AT, &progress).await?));
    }
    let evaluated = evaluated(&lake, "compliance");
    made.planted.retain(|one| evaluated.contains(one.control));
    made.near_misses.retain(|one| evaluated.contains(one.control));
    let missed = missed(&lake, &made).await?;
    let platform = Platform::asked(&lake).await?;
    Ok(Told { dir, lake: &lake, made, ingests, report, pages, missed, platform }.answer())
}

async fn run_at(
    lake: &OpenLake,
    job: &str,
    at: chrono::DateTime<chrono::Utc>,
    progress: &Progress,
) -> Result<Ran, JobError> {
    let world = World::seeded(Arc::new(FixedClock(at)), SEED);
    let found = JobId::parse(job).ok().and_then(|id| lake.definitions.job(&id));
    let job = found.ok_or_else(|| JobError::Unknown {
        what: "job",
        name: job.to_owned(),
        remedy: "make the demo again in a new folder".to_owned(),
    })?;
    run(lake, &world, job, Asked::by(Revise::Never, None), progress).await
}

/// Control, tenant, and the event or resource that a finding is about.
type Found = (String, String, String);

/// Findings that were planted and not found, and findings that were found and not planted.
struct Missed {
    not_found: Vec<Planted>,
    not_planted: Vec<Found>,
}

/// Ids of the controls that a job of reports looks at.
fn evaluated(lake: &OpenLake, job: &str) -> BTreeSet<String> {
    let job = lake.definitions.jobs.iter().find(|known| known.id.as_str() == job);
    let Some(JobKind::ComplianceReport(spec)) = job.map(|job| &job.kind) else { return BTreeSet::new() };
    let controls = lake.definitions.controls.iter().filter(|control| spec.selects(control));
    controls.map(|control| control.id.to_string()).collect()
}

async fn missed(lake: &OpenLake, made: &Demo) -> Result<Missed, JobError> {
    let session = lake.sessions.session(demo::REPORT_AT)?;
    // A finding that names a person does so by pseudonym.
    let key = lake.pseudonym_key()?;
    let people: BTreeMap<String, &String> =
        made.planted.iter().map(|one| (engine::pseudonym(&key, &one.row), &one.row)).collect();
    let named = |name: &str| people.get(name).map_or(name, |person| person.as_str()).to_owned();
    let sql = "SELECT control_id, scope, coalesce(event_id, resource) FROM auditlake.findings";
    let mut found: BTreeSet<Found> = BTreeSet::new();
    for batch in session.query(sql).await? {
        let text = |column: usize| arrow::compute::cast(batch.column(column), &arrow::datatypes::DataType::Utf8);
        let (Ok(controls), Ok(scopes), Ok(rows)) = (text(0), text(1), text(2)) else { continue };
        let columns = [controls.as_string::<i32>(), scopes.as_string::<i32>(), rows.as_string::<i32>()];
        found.extend((0..batch.num_rows()).map(|row| columns.map(|column| named(column.value(row))).into()));
    }
    let key = |one: &Planted| (one.control.to_owned(), one.tenant.clone(), one.row.clone());
    let planted: BTreeSet<Found> = made.planted.iter().map(key).collect();
    let not_found = made.planted.iter().filter(|one| !found.contains(&key(one))).cloned();
    Ok(Missed { not_found: not_found.collect(), not_planted: found.difference(&planted).cloned().collect() })
}

/// What came of the demo.
struct Told<'a> {
    dir: &'a Path,
    lake: &'a OpenLake,
    made: Demo,
    ingests: Vec<(&'static str, Ran)>,
    report: Ran,
    /// Of jobs of the platform.
    pages: Vec<(&'static str, Ran)>,
    missed: Missed,
    platform: Platform,
}

impl Told<'_> {
    fn answer(&self) -> Answer {
        let is_as_planted = self.missed.not_found.is_empty() && self.missed.not_planted.is_empty();
        let code = u8::from(!is_as_planted || !self.platform.is_as_planted());
        Answer { text: self.text(), json: self.json(), code }
    }

    fn text(&self) -> String {
        let Self { dir, made, missed, .. } = self;
        let mut text =
            format!("{} invented events of 5 tenants over {} days in {}\n", made.events, demo::DAYS, dir.display());
        for (dataset, ingest) in &self.ingests {
            if let Some(outcome) = &ingest.commit.summary.ingest {
                text.push_str(&show::ingested(dataset, outcome).text);
            }
        }
        write_line(&mut text, "planted violations:");
        for one in &made.planted {
            let verdict = if missed.not_found.contains(one) { "NOT FOUND" } else { "found" };
            let Planted { control, tenant, row, what } = one;
            write_line(&mut text, &format!("  {verdict:<9} {control} {tenant:<9} {what} ({row})"));
        }
        for (control, tenant, row) in &missed.not_planted {
            write_line(&mut text, &format!("  NOT PLANTED {control} {tenant:<9} ({row})"));
        }
        write_line(
            &mut text,
            &format!(
                "{} planted, {} found, {} near misses left alone",
                made.planted.len(),
                made.planted.len() - missed.not_found.len(),
                made.near_misses.len()
            ),
        );
        self.platform.tell(&mut text);
        self.suggest(&mut text);
        text
    }

    /// What to look at, and what to ask.
    fn suggest(&self, text: &mut String) {
        let lake = self.dir.display();
        let asked = [
            ("ask it something", "sql \"SELECT outcome, count(*) FROM audit GROUP BY outcome\""),
            ("where has a person gone", "lineage impact audit.actor_id"),
            ("what is borealis owed, and why", "sla explain borealis 2026-02"),
            ("is it what its evidence says", "verify"),
            ("what is due to go, once somebody agrees", "retention plans"),
        ];
        for (question, command) in asked {
            write_line(text, &format!("{question}: auditlake --lake {lake} {command}"));
        }
        for (job, ran) in &self.pages {
            let files = show::reports(self.lake, ran);
            let page = |ending: &str| files.iter().find(|path| path.ends_with(ending));
            let html = page("2026-02.borealis.html").or_else(|| page("borealis.html")).or(files.first());
            write_line(text, &format!("page of {job}: {}", html.map_or("", String::as_str)));
        }
        write_line(text, &format!("report: {}", self.html().unwrap_or_default()));
    }

    /// The report as a page.
    fn html(&self) -> Option<String> {
        let files = show::reports(self.lake, &self.report);
        files.iter().find(|path| path.ends_with(".html")).or(files.first()).cloned()
    }

    fn json(&self) -> Value {
        let planted =
            |one: &Planted| json!({"control": one.control, "tenant": one.tenant, "row": one.row, "what": one.what});
        let pages = self.pages.iter().map(|(job, ran)| (*job, show::reports(self.lake, ran)));
        json!({
            "lake": self.dir,
            "events": self.made.events,
            "ingests": self.ingests.iter().map(|(_, ingest)| &ingest.commit.summary.ingest).collect::<Vec<_>>(),
            "planted": self.made.planted.iter().map(planted).collect::<Vec<_>>(),
            "not_found": self.missed.not_found.iter().map(planted).collect::<Vec<_>>(),
            "not_planted": self.missed.not_planted,
            "platform": self.platform.json(),
            "report": self.html(),
            "files": show::reports(self.lake, &self.report),
            "pages": pages.collect::<BTreeMap<_, _>>(),
        })
    }
}
