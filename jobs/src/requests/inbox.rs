//! What lies in the inbox, and since when it has not changed.

use std::collections::{BTreeMap, HashMap, HashSet};

use engine::Lakefront;
use object_store::ObjectMeta;
use object_store::path::Path;

use super::INBOX;
use crate::clock::Stopwatch;
use crate::error::JobError;

/// Requests of one principal that one look takes up.
const PER_PRINCIPAL: usize = 100;
/// Letters of an object's name.
const NAME_MAX: usize = 100;

/// An object that may be a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// The folder's name, whosever it is.
    pub(crate) folder: String,
    pub(crate) meta: ObjectMeta,
}

/// What was seen of the inbox, in this process's own time.
#[derive(Debug)]
pub(crate) struct Watched {
    /// Which folder comes first: another for each process, so that many do not stand before the same file.
    first: usize,
    seen: HashMap<Path, Seen>,
}

#[derive(Debug)]
struct Seen {
    size: u64,
    etag: Option<String>,
    since: Stopwatch,
}

impl Watched {
    /// Nothing seen; the folder number `first` comes first.
    pub(crate) fn from(first: usize) -> Self {
        Self { first, seen: HashMap::new() }
    }

    /// Looks at the inbox: objects that have stayed the same for so long, in turn between folders, and how many are left for the next look.
    pub(crate) async fn look(&mut self, front: &Lakefront, settle: f64) -> Result<(Vec<Dropped>, usize), JobError> {
        let inbox = Path::from(INBOX);
        let listed = front.list(&inbox).await?;
        // A link would have us read, and move away, what its maker may not.
        let is_there = |dropped: &Dropped| front.is_no_link(&inbox, &dropped.meta.location);
        let found: Vec<Dropped> = listed.into_iter().filter_map(dropped).filter(is_there).collect();
        let there: HashSet<&Path> = found.iter().map(|dropped| &dropped.meta.location).collect();
        self.seen.retain(|path, _| there.contains(path));
        let (mut stable, mut waiting) = (BTreeMap::<String, Vec<Dropped>>::new(), 0);
        for dropped in found {
            let meta = &dropped.meta;
            let known = self.seen.get(&meta.location).filter(|seen| seen.size == meta.size && seen.etag == meta.e_tag);
            let is_stable = match known {
                Some(seen) => seen.since.seconds() >= settle,
                None => {
                    let seen = Seen { size: meta.size, etag: meta.e_tag.clone(), since: Stopwatch::start() };
                    self.seen.insert(meta.location.clone(), seen);
                    settle <= 0.0
                }
            };
            let of = stable.entry(dropped.folder.clone()).or_default();
            if is_stable && of.len() < PER_PRINCIPAL {
                of.push(dropped);
            } else {
                waiting += 1;
            }
        }
        Ok((in_turn(stable, self.first), waiting))
    }
}

/// One of each folder after the other, beginning with the folder number `first`, counted in a circle.
fn in_turn(by_folder: BTreeMap<String, Vec<Dropped>>, first: usize) -> Vec<Dropped> {
    let mut by_folder: Vec<Vec<Dropped>> = by_folder.into_values().collect();
    by_folder.iter_mut().for_each(|of| of.reverse());
    let first = first.checked_rem(by_folder.len()).unwrap_or_default();
    by_folder.rotate_left(first);
    let mut all = Vec::new();
    while !by_folder.is_empty() {
        by_folder.retain_mut(|of| {
            all.extend(of.pop());
            !of.is_empty()
        });
    }
    all
}

/// What may be a request, by its name; a signature belongs to the file beside it.
fn dropped(meta: ObjectMeta) -> Option<Dropped> {
    let below = meta.location.as_ref().strip_prefix(INBOX)?.strip_prefix('/')?;
    let (folder, name) = below.split_once('/')?;
    let is_other = name.starts_with(['.', '_']) || [".tmp", ".part", ".sig"].iter().any(|end| name.ends_with(end));
    let folder = folder.to_owned();
    (!is_other).then_some(Dropped { folder, meta })
}

/// Whether a name may stand in a path of ours: anything else is put aside by its hash.
pub(crate) fn is_plain(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

impl Dropped {
    /// Its name in the folder.
    pub(crate) fn name(&self) -> &str {
        let below = self.meta.location.as_ref().strip_prefix(INBOX).unwrap_or_default().trim_start_matches('/');
        below.split_once('/').map_or("", |(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(path: &str) -> ObjectMeta {
        let last_modified = chrono::DateTime::<chrono::Utc>::UNIX_EPOCH;
        ObjectMeta { location: Path::from(path), last_modified, size: 1, e_tag: None, version: None }
    }

    #[test]
    fn only_what_may_be_a_request_is_one() {
        let name = |path: &str| dropped(meta(path)).map(|dropped| dropped.folder);
        assert_eq!(name("requests/inbox/alice/march.yaml").as_deref(), Some("alice"));
        for other in
            ["alice/.hidden.yaml", "alice/_x.yaml", "alice/a.tmp", "alice/a.part", "alice/a.yaml.sig", "a.yaml"]
        {
            assert_eq!(name(&format!("requests/inbox/{other}")), None, "{other}");
        }
        assert!(is_plain("march-2026.yaml") && !is_plain("a b.yaml") && !is_plain("sub/a.yaml") && !is_plain(""));
    }

    #[test]
    fn folders_take_turns() {
        let of = |folder: &str, names: &[&str]| {
            let all = names.iter().map(|name| dropped(meta(&format!("requests/inbox/{folder}/{name}"))).expect("one"));
            (folder.to_owned(), all.collect::<Vec<_>>())
        };
        let names = |first| {
            let all = BTreeMap::from([of("a", &["1", "2", "3"]), of("b", &["1"]), of("c", &["1", "2"])]);
            let all = in_turn(all, first);
            all.iter().map(|dropped| format!("{}{}", dropped.folder, dropped.name())).collect::<Vec<_>>()
        };
        assert_eq!(names(0), ["a1", "b1", "c1", "a2", "c2", "a3"]);
        assert_eq!(names(4), ["b1", "c1", "a1", "c2", "a2", "a3"]);
        assert_eq!(in_turn(BTreeMap::new(), 5), []);
    }
}
