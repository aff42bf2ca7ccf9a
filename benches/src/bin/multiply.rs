//! Makes a big lake of the demo's: every record many times, each time of other people, tickets and addresses.
//!
//! `cargo run --release -p benches --bin multiply -- demo-lake/drop big-lake/drop 50` writes 10 million events. Tenants,
//! sources, times and types stay, so that every control has its population and its planted violations, as many times
//! as there are copies. The first copy is the original. Absent: ingest; `auditlake ingest` reads what this writes.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Keys whose texts name one thing or person.
const NAMES: [&str; 13] = [
    "event_id",
    "actor_id",
    "subject_id",
    "resource_id",
    "session_id",
    "requester_id",
    "approval_id",
    "account_id",
    "consent_id",
    "request_id",
    "chain_id",
    "ticket_ref",
    "src_ip",
];

/// Texts that name nobody.
const NOBODY: [&str; 4] = ["none", "unknown", "anonymous", "-"];

/// Stand in the text of a record where a copy differs, and in no record of the demo.
const NAME: &str = "~name~";
/// The same for an address.
const ADDRESS: &str = "~address~";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, copies] = args.as_slice() else {
        bail!(
            "give a folder of NDJSON, a folder to write, and a number of copies: multiply demo-lake/drop big/drop 50"
        );
    };
    let copies: u32 = copies.parse().with_context(|| format!("\"{copies}\" is no number of copies"))?;
    let written = folder(Path::new(from), Path::new(to), copies)?;
    writeln!(std::io::stderr(), "{written} records in {to}")?;
    Ok(())
}

/// Writes the copies of every file below a folder; returns how many records that are.
fn folder(from: &Path, to: &Path, copies: u32) -> Result<u64> {
    let named = |path: &Path| format!("cannot read or write {}", path.display());
    fs::create_dir_all(to).with_context(|| named(to))?;
    let mut written = 0;
    for entry in fs::read_dir(from).with_context(|| named(from))? {
        let path = entry.with_context(|| named(from))?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        written += match path.is_dir() {
            true => folder(&path, &target, copies)?,
            false => file(&path, &target, copies).with_context(|| named(&path))?,
        };
    }
    Ok(written)
}

fn file(from: &Path, to: &Path, copies: u32) -> Result<u64> {
    let mut out = BufWriter::new(File::create(to)?);
    let mut written = 0;
    for line in BufReader::new(File::open(from)?).lines() {
        let record: Value = serde_json::from_str(&line?)?;
        let template = template(record)?;
        for copy in 0..copies {
            writeln!(out, "{}", filled(&template, copy))?;
            written += 1;
        }
    }
    out.flush()?;
    Ok(written)
}

/// The text of a record with marks where copies differ.
fn template(mut record: Value) -> Result<String> {
    for (key, value) in record.as_object_mut().into_iter().flatten() {
        let Value::String(text) = value else { continue };
        if NAMES.contains(&key.as_str()) && !NOBODY.contains(&text.as_str()) {
            *text = if key == "src_ip" { address(text) } else { format!("{text}{NAME}") };
        }
    }
    Ok(serde_json::to_string(&record)?)
}

/// The address with a mark for the copy: within the prefix that RFC 3849 sets aside for documentation.
fn address(text: &str) -> String {
    match text.split_once("::") {
        Some((prefix, host)) => format!("{prefix}{ADDRESS}::{host}"),
        None => format!("2001:db8:ffff{ADDRESS}::{text}"),
    }
}

fn filled(template: &str, copy: u32) -> String {
    let (name, address) = match copy {
        0 => (String::new(), String::new()),
        copy => (format!("-c{copy}"), format!(":{copy:x}")),
    };
    template.replace(NAME, &name).replace(ADDRESS, &address)
}
