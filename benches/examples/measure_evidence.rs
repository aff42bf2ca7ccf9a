//! What the evidence log takes: digests, a log of a million entries on disk appended to in batches, one proof of it, and
//! checking all of its tree. Prints a line for each figure.
//!
//! `measure_evidence [ENTRIES]`

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use criterion::measurement::{Measurement, WallTime};
use engine::evidence::{EntryBody, FileEntry, Place, SignerKey, Tree, leaf_hash};
use jobs::{EvidenceLog, OpenLake, World, verify_log};
use schemas::{FixedClock, parse_rfc3339};

const BATCH: u64 = 10_000;
const ORIGIN: &str = "bench.example/log";
const POLICY: &str = "evidence:\n  origin: bench.example/log\n  sign: {key: file:log.key}\n";

fn main() -> Result<()> {
    let entries: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |given| given.parse()).context("a number")?;
    digests();
    tree(entries);
    let folder = std::env::temp_dir().join(format!("auditlake-measure-{}", std::process::id()));
    let measured = tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(log(&folder, entries));
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = WallTime.start();
    let done = work();
    (WallTime.end(start).as_secs_f64(), done)
}

fn digests() {
    use sha2::{Digest, Sha256};
    let bytes = vec![7_u8; 1 << 30];
    let (seconds, _) = timed(|| Sha256::digest(std::hint::black_box(&bytes)));
    println!("digest: {:.2} GB/s on one core", bytes.len() as f64 / 1e9 / seconds);
}

fn tree(entries: u64) {
    let leaves: Vec<_> = (0..entries).map(|entry| leaf_hash(&entry.to_be_bytes())).collect();
    let (seconds, tree) = timed(|| Tree::of(leaves));
    let (proof, path) = timed(|| tree.inclusion(entries / 3, entries));
    println!(
        "tree of {entries} leaves in memory: {seconds:.3} s; proof of {} hashes: {:.1} us",
        path.map_or(0, |path| path.len()),
        proof * 1e6
    );
}

fn file(number: u64) -> EntryBody {
    EntryBody::File(FileEntry {
        dataset: "audit".to_owned(),
        place: Place::Path(format!(
            "audit/tenant=t{}/date=2026-03-01/ingest-0123456789abcdef-{number:05}.parquet",
            number % 50
        )),
        sha256: schemas::hex(&leaf_hash(&number.to_be_bytes())),
        bytes: number,
        rows: number,
        adopted: false,
    })
}

async fn log(folder: &Path, entries: u64) -> Result<()> {
    std::fs::create_dir_all(folder.join("policies"))?;
    std::fs::write(folder.join("lake.yaml"), "lake: bench\nstore: file:./data\n")?;
    std::fs::write(folder.join("policies/evidence.yaml"), POLICY)?;
    let key = SignerKey::new(ORIGIN, &[1; 32]);
    std::fs::write(folder.join("log.key"), key.to_secret_text())?;
    let lake = OpenLake::open(folder)?;
    let at = parse_rfc3339("2026-03-01T00:00:00Z").map_err(anyhow::Error::msg)?;
    let log = EvidenceLog::open(&lake)?.context("a policy")?;
    let mut last = Vec::new();
    let start = WallTime.start();
    for batch in 0..entries.div_ceil(BATCH) {
        let bodies: Vec<EntryBody> = (batch * BATCH..((batch + 1) * BATCH).min(entries)).map(file).collect();
        let since = log.size().await?;
        last = log.append(&bodies, since, at).await?.entries;
    }
    let seconds = WallTime.end(start).as_secs_f64();
    println!(
        "append, in batches of {BATCH}: {entries} entries in {seconds:.1} s, {:.0} a second",
        entries as f64 / seconds
    );
    let (index, entry) = last.last().context("an entry")?;
    let mut slowest: f64 = 0.0;
    let mut sum = 0.0;
    for _ in 0..100 {
        let start = WallTime.start();
        let proof = log.proof(*index, entry).await?;
        let seconds = WallTime.end(start).as_secs_f64();
        slowest = slowest.max(seconds);
        sum += seconds;
        anyhow::ensure!(proof.leads_to().is_ok(), "the proof is good");
    }
    println!("inclusion proof from tiles on disk: {:.2} ms on average, {:.2} ms at most", sum * 10.0, slowest * 1e3);
    let world = World::seeded(Arc::new(FixedClock(at)), 1);
    for _ in 0..3 {
        let start = WallTime.start();
        let verified = verify_log(&lake, &world, &[key.verifier().clone()]).await?;
        println!("whole log checked: {:.2} s, {} findings", WallTime.end(start).as_secs_f64(), verified.findings.len());
    }
    Ok(())
}
