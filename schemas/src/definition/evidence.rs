//! `policies/evidence.yaml`, checked against the store of the lake.

use super::duration;
use super::lake::store_url;
use super::problem::Problems;
use super::raw_evidence::{RawAnchor, RawEvidenceFile, RawSign};
use super::store_url::StoreUrl;
use super::yaml::At;
use crate::access::SecretSource;
use crate::evidence::{Anchor, EvidencePolicy};
use crate::id::name;

/// Longest origin: it stands in every signature line.
const ORIGIN_BYTES_MAX: usize = 200;
/// Files of verifier keys that one lake may name.
const TRUST_MAX: usize = 16;
/// Anchors of one lake: each is written to after a run.
const ANCHORS_MAX: usize = 8;
/// How long a checkpoint waits for an anchor unless the file says otherwise: an hour.
const EVERY_SECONDS_DEFAULT: u64 = 3_600;
/// Shortest wait.
const EVERY_SECONDS_MIN: u64 = 60;

/// `store` is that of the lake; none where `lake.yaml` is wrong itself.
pub(super) fn build(raw: RawEvidenceFile, store: Option<&StoreUrl>, problems: &mut Problems) -> Option<EvidencePolicy> {
    let before = problems.len();
    let raw = raw.evidence;
    let origin = problems.keep(raw.origin.place, origin(&raw.origin.value));
    let (key, retiring) = keys(raw.sign, problems);
    let trust = raw.trust.map(|listed| trust(listed, problems)).unwrap_or_default();
    let anchors = raw.anchors.map(|listed| anchors(listed, store, problems)).unwrap_or_default();
    let policy = EvidencePolicy { origin: origin?, key: key?, retiring, trust, anchors };
    (problems.len() == before).then_some(policy)
}

fn origin(given: &str) -> Result<String, String> {
    let example = "for example acme.example/auditlake/acme";
    if given.is_empty() {
        return Err(format!("origin is empty; write a domain of yours and a path, {example}"));
    }
    if given.len() > ORIGIN_BYTES_MAX {
        return Err(format!("origin has {} bytes; write at most {ORIGIN_BYTES_MAX}", given.len()));
    }
    match given.chars().find(|c| !fits_origin(*c)) {
        Some(other) => Err(format!(
            "origin {given:?} contains {other:?}; write visible letters without spaces and without +, {example}"
        )),
        None => Ok(given.to_owned()),
    }
}

/// Whether a letter can be seen and does not end a key name, which a space and a `+` do.
fn fits_origin(c: char) -> bool {
    let is_seen = matches!(c, '"' | '\'' | '\\') || c.escape_debug().len() == 1;
    is_seen && !c.is_whitespace() && c != '+'
}

fn keys(raw: RawSign, problems: &mut Problems) -> (Option<SecretSource>, Option<SecretSource>) {
    let source = |name: &str, given: &At<String>| {
        SecretSource::parse(&given.value).map_err(|why| why.replacen("secret ", &format!("{name} "), 1))
    };
    let key = problems.keep(raw.key.place, source("key", &raw.key));
    let Some(given) = raw.retiring else { return (key, None) };
    let retiring = problems.keep(given.place, source("retiring", &given));
    if key.is_some() && key == retiring {
        let message = format!(
            "retiring {:?} is the key that signs; name the one that it takes over from, or leave retiring out",
            given.value
        );
        problems.add(given.place, message);
    }
    (key, retiring)
}

fn trust(listed: At<Vec<At<String>>>, problems: &mut Problems) -> Vec<String> {
    let files = listed.value.len();
    if files > TRUST_MAX {
        let message =
            format!("trust has {files} files; name at most {TRUST_MAX}: one file holds many keys, one a line");
        problems.add(listed.place, message);
    }
    let mut trust: Vec<String> = Vec::new();
    for At { value: given, place } in listed.value {
        match given.strip_prefix("file:") {
            None | Some("") => {
                problems
                    .add(place, format!("trust {given:?} is not a file; write file: and its path: file:keys/log.pub"));
            }
            Some(path) if trust.iter().any(|other| other == path) => {
                problems.add(place, format!("trust {given:?} stands here twice; keep one"));
            }
            Some(path) => trust.push(path.to_owned()),
        }
    }
    trust
}

fn anchors(listed: At<Vec<RawAnchor>>, store: Option<&StoreUrl>, problems: &mut Problems) -> Vec<Anchor> {
    let given = listed.value.len();
    if given > ANCHORS_MAX {
        problems.add(listed.place, format!("anchors has {given} entries; name at most {ANCHORS_MAX}"));
    }
    let mut anchors: Vec<Anchor> = Vec::new();
    for raw in listed.value {
        let place = raw.name.place;
        let Some(anchor) = anchor(raw, store, problems) else { continue };
        if anchors.iter().any(|other| other.name == anchor.name) {
            problems.add(place, format!("anchor \"{}\" stands here twice; rename one", anchor.name));
        } else {
            anchors.push(anchor);
        }
    }
    anchors
}

fn anchor(raw: RawAnchor, store: Option<&StoreUrl>, problems: &mut Problems) -> Option<Anchor> {
    let to = problems.keep(raw.to.place, to(&raw.to.value, store));
    let every_seconds = match raw.every {
        Some(every) => problems.keep(every.place, every_seconds(&every.value)),
        None => Some(EVERY_SECONDS_DEFAULT),
    };
    let name = problems.keep(raw.name.place, name("anchor", &raw.name.value));
    Some(Anchor { name: name?, to: to?, every_seconds: every_seconds? })
}

fn every_seconds(given: &str) -> Result<u64, String> {
    match duration::seconds("every", given)? {
        0..EVERY_SECONDS_MIN => Err(format!("every {given:?} is shorter than a minute; write 1m or more")),
        seconds => Ok(seconds),
    }
}

fn to(given: &str, store: Option<&StoreUrl>) -> Result<StoreUrl, String> {
    let to = store_url(given).map_err(|why| why.replacen("store ", "to ", 1))?;
    let why = match (&to, store) {
        (StoreUrl::Memory, _) => {
            return Err(format!("to {given:?} goes with the process; name a bucket or a folder elsewhere"));
        }
        (StoreUrl::Bucket(to), Some(StoreUrl::Bucket(lake))) if to.whole() == lake.whole() => {
            "lies in the bucket of the lake's own store"
        }
        (StoreUrl::File(to), Some(StoreUrl::File(lake))) => {
            let (inside, around) = (Folder::of(to), Folder::of(lake));
            if around.holds(&inside) {
                "lies in the lake's own store"
            } else if inside.holds(&around) {
                "has the lake's own store in it"
            } else {
                return Ok(StoreUrl::File(to.clone()));
            }
        }
        _ => return Ok(to),
    };
    Err(format!(
        "to {given:?} {why}, and an anchor there can be rewritten with it; name another bucket or a folder elsewhere"
    ))
}

/// A folder by its text: what links lead to, the check does not see.
#[derive(Debug, PartialEq, Eq)]
struct Folder<'a> {
    is_absolute: bool,
    /// How many `..` it begins with.
    ups: usize,
    /// The names below.
    names: Vec<&'a str>,
}

impl<'a> Folder<'a> {
    fn of(path: &'a str) -> Self {
        let mut folder = Self { is_absolute: path.starts_with('/'), ups: 0, names: Vec::new() };
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." if folder.names.pop().is_some() || folder.is_absolute => {}
                ".." => folder.ups += 1,
                name => folder.names.push(name),
            }
        }
        folder
    }

    /// Whether the other is this folder or lies in it. An absolute and a relative one cannot be compared.
    fn holds(&self, other: &Self) -> bool {
        self.is_absolute == other.is_absolute
            && if self.names.is_empty() {
                self.ups >= other.ups
            } else {
                self.ups == other.ups && other.names.starts_with(&self.names)
            }
    }
}
