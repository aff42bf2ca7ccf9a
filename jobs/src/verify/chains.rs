//! Chains that producers made: `chain_id, seq, prev_hash, hash` of `audit.v1`, taken as they are given.
//!
//! Of each chain the numbers rise by one, and each link has the hash of the one before. How far a chain went is in the
//! log since a verification looked, so one that ends earlier now was cut. Absent: computing hashes anew, which takes
//! knowing what a producer hashed.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use engine::EngineError;
use futures::TryStreamExt;
use schemas::Dataset;
use sha2::{Digest, Sha256};

use super::finding::{ChainHead, FindingKind, Verified};
use super::log::CheckedLog;
use super::scope::Scope;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::show::counted;

/// Columns that a chain is made of.
const COLUMNS: [&str; 4] = ["chain_id", "seq", "prev_hash", "hash"];

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Link {
    tenant: String,
    chain: String,
    seq: Option<i64>,
    before: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
}

/// Checks the chains of every dataset that can have some.
pub(crate) async fn check(
    lake: &OpenLake,
    log: &CheckedLog,
    scope: &Scope,
    now: chrono::DateTime<chrono::Utc>,
    verified: &mut Verified,
) -> Result<(), JobError> {
    let has_chains = |dataset: &&Dataset| {
        COLUMNS.iter().all(|name| dataset.schema.columns.iter().any(|column| column.name == *name))
    };
    for dataset in lake.definitions.datasets.iter().filter(has_chains).filter(|dataset| scope.has_dataset(dataset)) {
        let before = verified.findings.len();
        let mut walk =
            Walk { dataset, verified, seen: BTreeSet::new(), last: None, links: 0, chains: 0, heads: Vec::new() };
        let logged: Vec<_> =
            log.replay.chains.iter().filter(|(_, chain)| chain.dataset == dataset.id.as_str()).collect();
        let wanted: BTreeSet<(String, i64)> = logged.iter().map(|(_, head)| (head.chain.clone(), head.seq)).collect();
        if let Err(error) = links(lake, dataset, now, &mut walk, &wanted).await {
            let why = crate::runner::chain(&error).join(": ");
            verified.not_checked(format!("chains of dataset \"{}\": {why}", dataset.id));
            continue;
        }
        let (links, chains, seen, heads) = (walk.links, walk.chains, walk.seen, walk.heads);
        for (index, head) in &logged {
            if !seen.contains(&head.head) {
                let message = format!(
                    "chain {} of dataset \"{}\" had a link {} when entry {index} was logged, which is gone or another: its end was cut or changed",
                    head.chain, dataset.id, head.seq
                );
                verified.add(FindingKind::ChainCut, format!("{} chain {}", dataset.id, head.chain), message);
            }
        }
        if chains > 0 {
            let good = if verified.findings.len() == before { "no break, gap or fork" } else { "see the findings" };
            let about = format!(
                "{} of {} in dataset {}: {good}; {} of earlier ends are in the log",
                counted(chains, "chain"),
                counted(links, "link"),
                dataset.id,
                logged.len()
            );
            verified.looked_at("chains", about);
        }
        verified.heads.extend(heads);
    }
    Ok(())
}

async fn links(
    lake: &OpenLake,
    dataset: &Dataset,
    now: chrono::DateTime<chrono::Utc>,
    walk: &mut Walk<'_>,
    wanted: &BTreeSet<(String, i64)>,
) -> Result<(), JobError> {
    let session = lake.sessions.session(now)?;
    let sql = format!(
        "SELECT CAST(\"{}\" AS varchar) AS tenant, chain_id, seq, prev_hash, hash FROM \"{}\" \
         WHERE chain_id IS NOT NULL ORDER BY tenant, chain_id, seq NULLS LAST, hash, prev_hash",
        dataset.tenant, dataset.id
    );
    let plan = session.plan(&sql).await?;
    let mut rows = session.stream(&plan).await?;
    while let Some(batch) = rows.try_next().await.map_err(engine::stream_error)? {
        for link in of_batch(&batch)? {
            walk.take(link, wanted);
        }
    }
    walk.end();
    Ok(())
}

fn of_batch(batch: &RecordBatch) -> Result<Vec<Link>, EngineError> {
    let bug = |error: arrow::error::ArrowError| EngineError::Bug { what: format!("chains have odd columns ({error})") };
    let cast = |column: usize, to: &DataType| arrow::compute::cast(batch.column(column), to).map_err(bug);
    let (tenants, chains) = (cast(0, &DataType::Utf8)?, cast(1, &DataType::Utf8)?);
    let seqs = cast(2, &DataType::Int64)?;
    let (before, hashes) = (cast(3, &DataType::Binary)?, cast(4, &DataType::Binary)?);
    let (tenants, chains, seqs) =
        (tenants.as_string::<i32>(), chains.as_string::<i32>(), seqs.as_primitive::<Int64Type>());
    let bytes = |column: &arrow::array::ArrayRef, row: usize| {
        let column = column.as_binary::<i32>();
        column.is_valid(row).then(|| column.value(row).to_vec())
    };
    let link = |row: usize| Link {
        tenant: if tenants.is_valid(row) { tenants.value(row).to_owned() } else { String::new() },
        chain: chains.value(row).to_owned(),
        seq: seqs.is_valid(row).then(|| seqs.value(row)),
        before: bytes(&before, row),
        hash: bytes(&hashes, row),
    };
    Ok((0..batch.num_rows()).map(link).collect())
}

/// Half of a SHA-256 that stands for a chain in the log, where no id of a producer stands.
fn name_of(dataset: &str, link: &Link) -> String {
    let mut hash = Sha256::new();
    for part in [dataset, &link.tenant, &link.chain] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    engine::hex(&hash.finalize()[..16])
}

/// SHA-256 that stands for a link.
fn head_of(chain: &str, seq: i64, hash: &[u8]) -> String {
    engine::hex(&Sha256::new().chain_update(chain).chain_update(seq.to_be_bytes()).chain_update(hash).finalize())
}

/// A walk along the links, chain by chain.
struct Walk<'a> {
    dataset: &'a Dataset,
    verified: &'a mut Verified,
    /// What stands for links that the log has as ends.
    seen: BTreeSet<String>,
    last: Option<(Link, String)>,
    links: u64,
    chains: u64,
    heads: Vec<ChainHead>,
}

impl Walk<'_> {
    fn take(&mut self, link: Link, wanted: &BTreeSet<(String, i64)>) {
        self.links += 1;
        let name = match &self.last {
            Some((last, name)) if (&last.tenant, &last.chain) == (&link.tenant, &link.chain) => {
                let name = name.clone();
                let last = last.clone();
                self.compare(&last, &link);
                name
            }
            _ => {
                self.end();
                self.chains += 1;
                name_of(self.dataset.id.as_str(), &link)
            }
        };
        if let (Some(seq), Some(hash)) = (link.seq, &link.hash)
            && wanted.contains(&(name.clone(), seq))
        {
            self.seen.insert(head_of(&name, seq, hash));
        }
        // A link that cannot be placed says nothing of the next one.
        if link.seq.is_some() || self.last.as_ref().is_none_or(|(_, other)| *other != name) {
            self.last = Some((link, name));
        }
    }

    fn compare(&mut self, last: &Link, link: &Link) {
        let shown =
            format!("chain \"{}\" of tenant \"{}\" in dataset \"{}\"", link.chain, link.tenant, self.dataset.id);
        let object = format!("{} {} {}", self.dataset.id, link.tenant, link.chain);
        let (Some(before), Some(seq)) = (last.seq, link.seq) else {
            self.verified.not_checked(format!("links of {shown} that have no number"));
            return;
        };
        if seq == before {
            // One event may have come twice, by two ways.
            if link.hash != last.hash || link.before != last.before {
                self.verified.add(FindingKind::ChainFork, object, format!("{shown} has two links {seq}"));
            }
        } else if seq - before > 1 {
            let absent = if seq - before == 2 {
                format!("link {} is", before + 1)
            } else {
                format!("links {} to {} are", before + 1, seq - 1)
            };
            self.verified.add(FindingKind::ChainGap, object, format!("{shown}: {absent} absent"));
        } else {
            match (&last.hash, &link.before) {
                (Some(hash), Some(given)) if hash == given => {}
                (Some(_), Some(_)) => {
                    let message = format!("{shown}: link {seq} does not have the hash of link {before}");
                    self.verified.add(FindingKind::ChainBreak, object, message);
                }
                _ => self.verified.not_checked(format!("{shown}: link {seq}, as a hash is absent")),
            }
        }
    }

    fn end(&mut self) {
        let Some((link, chain)) = self.last.take() else { return };
        if let (Some(seq), Some(hash)) = (link.seq, &link.hash) {
            let head = head_of(&chain, seq, hash);
            self.heads.push(ChainHead { dataset: self.dataset.id.to_string(), chain, seq, head });
        }
    }
}
