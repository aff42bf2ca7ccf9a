//! Claims: who works on what. An epoch is a create-only object, and the highest one holds.
//!
//! A holder shows life by heartbeats, which others watch on their own clock; no two clocks are compared.
//! On the same machine nobody waits for a dead process: boot, process id and its start tell that it is gone.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use engine::{Created, EngineError, Fence, Lakefront};
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::clock::{Stopwatch, pause};
use crate::error::JobError;
use crate::world::World;

/// How often a holder shows life.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// How long a holder may show none before its claim passes on.
pub(crate) const LAPSE: Duration = Duration::from_secs(75);
/// Epochs behind the newest that stay: whoever looked that long ago must not find a name free again.
const KEPT_EPOCHS: u64 = 100;
/// How often a foreign claim is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Who holds a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    runner: String,
    nonce: String,
    boot: Option<String>,
    /// Within which its process number means something: every container has one of its own.
    #[serde(default)]
    process_space: Option<String>,
    process: u32,
    process_start: Option<String>,
}

/// A held claim. [`Claim::release`] hands it back, and so does dropping it, a little later.
#[derive(Debug)]
pub(crate) struct Claim {
    lake: Lakefront,
    folder: Path,
    /// The epoch, which is also the number of the attempt.
    pub(crate) epoch: u64,
    /// Holders before that never handed it back.
    pub(crate) deaths: u64,
    heart: JoinHandle<()>,
    is_handed_back: bool,
}

impl Claim {
    /// Whether somebody who may be alive holds a claim.
    pub(crate) async fn is_held(lake: &Lakefront, what: &str) -> Result<bool, EngineError> {
        let state = State::read(lake, &Path::from(format!("_auditlake/claims/{what}"))).await?;
        Ok(state.holder.is_some_and(|holder| !state.released && !holder.is_dead()))
    }

    /// Takes the claim on `what` (a path below `_auditlake/claims`), waiting for another holder to end or lapse.
    pub(crate) async fn take(lake: &Lakefront, world: &World, what: &str) -> Result<Self, JobError> {
        let folder = Path::from(format!("_auditlake/claims/{what}"));
        let me = Holder::me(world);
        lake.probe(&me.nonce).await?;
        let mut watched = Watched::default();
        loop {
            let state = State::read(lake, &folder).await?;
            let free = match &state.holder {
                None => true,
                Some(holder) => state.released || holder.is_dead() || watched.is_silent(&state),
            };
            if !free {
                if watched.waited > LAPSE * 8 {
                    let holder = state.holder.map(|holder| holder.runner).unwrap_or_default();
                    return Err(JobError::Claimed { what: what.to_owned(), holder, epoch: state.epoch });
                }
                watched.look().await;
                continue;
            }
            let epoch = state.epoch + 1;
            if lake.create_json(&epoch_path(&folder, epoch, ""), &me).await? == Created::Now {
                return Ok(Self::held(lake, folder, (epoch, state.deaths)));
            }
        }
    }

    /// Takes the claim if nobody holds it, without waiting; `patience` is what was seen of it before.
    pub(crate) async fn take_if_free(
        lake: &Lakefront,
        world: &World,
        what: &str,
        patience: &Patience,
    ) -> Result<Option<Self>, JobError> {
        let folder = Path::from(format!("_auditlake/claims/{what}"));
        let me = Holder::me(world);
        lake.probe(&me.nonce).await?;
        let state = State::read(lake, &folder).await?;
        let is_free = match &state.holder {
            None => true,
            Some(holder) => state.released || holder.is_dead() || patience.is_over(&folder, &state),
        };
        let epoch = state.epoch + 1;
        if !is_free || lake.create_json(&epoch_path(&folder, epoch, ""), &me).await? == Created::Existed {
            return Ok(None);
        }
        patience.forget(&folder);
        Ok(Some(Self::held(lake, folder, (epoch, state.deaths))))
    }

    /// A claim of which the epoch was created a moment ago; it shows life from here on.
    fn held(lake: &Lakefront, folder: Path, (epoch, deaths): (u64, u64)) -> Self {
        let heart = tokio::spawn(beat(lake.clone(), folder.clone(), epoch));
        Self { lake: lake.clone(), folder, epoch, deaths, heart, is_handed_back: false }
    }

    /// A proof of the claim for whoever writes under it.
    pub(crate) fn fence(&self) -> ClaimFence {
        ClaimFence { lake: self.lake.clone(), folder: self.folder.clone(), epoch: self.epoch }
    }

    /// Removes what earlier holders left, but for the newest: of a claim that is taken every few minutes for years.
    /// What fails here fails nothing: more is listed.
    pub(crate) async fn tidy(&self) {
        let tidied = async {
            for meta in self.lake.list(&self.folder).await? {
                let epoch = meta
                    .location
                    .filename()
                    .and_then(|name| name.strip_prefix("epoch-")?.split('.').next()?.parse::<u64>().ok());
                if epoch.is_some_and(|epoch| epoch + KEPT_EPOCHS < self.epoch) {
                    self.lake.remove(&meta.location).await?;
                }
            }
            Ok::<_, EngineError>(())
        };
        if let Err(error) = tidied.await {
            tracing::debug!(%error, claim = %self.folder, "earlier epochs not removed, will be later");
        }
    }

    /// Hands the claim back, so that the next one need not wait. What fails here fails nothing: a claim lapses.
    pub(crate) async fn release(mut self) {
        self.heart.abort();
        hand_back(self.lake.clone(), self.folder.clone(), self.epoch).await;
        self.is_handed_back = true;
    }
}

async fn hand_back(lake: Lakefront, folder: Path, epoch: u64) {
    if let Err(error) = handed_back(&lake, &folder, epoch).await {
        tracing::warn!(%error, claim = %folder, "claim not handed back, will lapse");
    }
}

async fn handed_back(lake: &Lakefront, folder: &Path, epoch: u64) -> Result<(), EngineError> {
    lake.create(&epoch_path(folder, epoch, ".released"), bytes::Bytes::new()).await?;
    for meta in lake.list(folder).await? {
        if is_heartbeat(&meta.location, epoch) {
            lake.remove(&meta.location).await?;
        }
    }
    Ok(())
}

impl Drop for Claim {
    /// Whoever is stopped in the middle, because time is over or somebody cancelled it, hands the claim back behind the
    /// scenes: this process lives on, and nobody would believe that the holder is gone. Its fence stops what still runs.
    fn drop(&mut self) {
        self.heart.abort();
        if self.is_handed_back {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(hand_back(self.lake.clone(), self.folder.clone(), self.epoch));
        }
    }
}

/// How long claims of others have shown no life, in this process's own time: for whoever looks now and then.
#[derive(Debug)]
pub(crate) struct Patience {
    lapse: Duration,
    seen: Mutex<HashMap<Path, (u64, u64, Stopwatch)>>,
}

impl Patience {
    /// With holders that have shown no life for less than `lapse`, [`LAPSE`] where there is no reason for another.
    pub(crate) fn of(lapse: Duration) -> Self {
        Self { lapse, seen: Mutex::default() }
    }

    /// How long a holder may show no life.
    pub(crate) fn lapse(&self) -> Duration {
        self.lapse
    }

    fn is_over(&self, folder: &Path, state: &State) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(folder) {
            Some((epoch, beats, since)) if (*epoch, *beats) == (state.epoch, state.beats) => {
                since.seconds() >= self.lapse.as_secs_f64()
            }
            _ => {
                seen.insert(folder.clone(), (state.epoch, state.beats, Stopwatch::start()));
                false
            }
        }
    }

    fn forget(&self, folder: &Path) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(folder);
    }
}

/// Says, before each write, that no higher epoch exists.
#[derive(Debug, Clone)]
pub(crate) struct ClaimFence {
    lake: Lakefront,
    folder: Path,
    epoch: u64,
}

#[async_trait]
impl Fence for ClaimFence {
    async fn check(&self) -> Result<(), EngineError> {
        let state = State::read(&self.lake, &self.folder).await?;
        if state.epoch > self.epoch {
            return Err(EngineError::ClaimLost { claim: self.folder.to_string(), epoch: self.epoch });
        }
        Ok(())
    }
}

/// What the folder of a claim says.
#[derive(Debug, Default)]
struct State {
    epoch: u64,
    beats: u64,
    released: bool,
    /// Epochs that were not handed back.
    deaths: u64,
    holder: Option<Holder>,
}

impl State {
    async fn read(lake: &Lakefront, folder: &Path) -> Result<Self, EngineError> {
        let mut state = Self::default();
        let (mut epochs, mut handed_back) = (0_u64, 0);
        for meta in lake.list(folder).await? {
            let name = meta.location.filename().unwrap_or_default();
            let mut parts = name.trim_start_matches("epoch-").splitn(2, '.');
            let Some(epoch) = parts.next().and_then(|epoch| epoch.parse::<u64>().ok()) else { continue };
            let ending = parts.next();
            match ending {
                None => epochs += 1,
                Some("released") => handed_back += 1,
                Some(_) => {}
            }
            if epoch > state.epoch {
                state = Self { epoch, ..Self::default() };
            }
            if epoch == state.epoch {
                match ending {
                    Some("released") => state.released = true,
                    Some(_) => state.beats += 1,
                    None => {}
                }
            }
        }
        state.deaths = epochs.saturating_sub(handed_back);
        if state.epoch > 0 {
            state.holder = lake.read_json(&epoch_path(folder, state.epoch, "")).await?;
        }
        Ok(state)
    }
}

/// What was seen of a foreign claim, in this process's own time.
#[derive(Debug, Default)]
struct Watched {
    seen: Option<(u64, u64)>,
    silent: Duration,
    waited: Duration,
}

impl Watched {
    fn is_silent(&mut self, state: &State) -> bool {
        let seen = (state.epoch, state.beats);
        if self.seen != Some(seen) {
            self.seen = Some(seen);
            self.silent = Duration::ZERO;
        }
        self.silent >= LAPSE
    }

    async fn look(&mut self) {
        // A foreign process gives no signal when it ends; looking again is the only way to know.
        pause(LOOK).await;
        self.passed();
    }

    fn passed(&mut self) {
        self.silent += LOOK;
        self.waited += LOOK;
    }
}

async fn beat(lake: Lakefront, folder: Path, epoch: u64) {
    for number in 1_u64.. {
        pause(HEARTBEAT).await;
        let path = epoch_path(&folder, epoch, &format!(".{number:06}"));
        if let Err(error) = lake.create(&path, bytes::Bytes::new()).await {
            tracing::warn!(%error, claim = %folder, "heartbeat failed, will retry");
        }
    }
}

fn epoch_path(folder: &Path, epoch: u64, suffix: &str) -> Path {
    Path::from(format!("{folder}/epoch-{epoch:06}{suffix}"))
}

fn is_heartbeat(path: &Path, epoch: u64) -> bool {
    let beat = path.filename().and_then(|name| name.strip_prefix(&format!("epoch-{epoch:06}.")));
    beat.is_some_and(|beat| beat.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Holder {
    pub(crate) fn me(world: &World) -> Self {
        let mut nonce = [0_u8; 16];
        world.fill(&mut nonce);
        let process = std::process::id();
        Self {
            runner: format!("process {process}"),
            nonce: engine::hex(&nonce),
            boot: boot(),
            process_space: process_space(),
            process,
            process_start: process_start(process),
        }
    }

    /// Whether the holder ran on this machine, since its last start, where we would see it, and is no more.
    pub(crate) fn is_dead(&self) -> bool {
        self.is_gone_here() == Some(true)
    }

    /// Whether the holder runs on this machine, where we see it.
    pub(crate) fn lives(&self) -> bool {
        self.is_gone_here() == Some(false)
    }

    /// None where nobody can tell from here.
    fn is_gone_here(&self) -> Option<bool> {
        let here = self.boot.is_some() && self.boot == boot();
        let here = here && self.process_space.is_some() && self.process_space == process_space();
        (here && self.process_start.is_some()).then(|| is_gone(self.process, self.process_start.as_deref()))
    }
}

fn boot() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

fn process_space() -> Option<String> {
    std::fs::read_link("/proc/self/ns/pid").ok().map(|space| space.to_string_lossy().into_owned())
}

/// Whether no process of this number and start is there. Processes of others may be hidden, the first one with them.
fn is_gone(process: u32, start: Option<&str>) -> bool {
    match std::fs::read_to_string(format!("/proc/{process}/stat")) {
        Ok(_) => process_start(process).as_deref() != start,
        Err(error) => error.kind() == std::io::ErrorKind::NotFound && std::fs::exists("/proc/1/stat").unwrap_or(false),
    }
}

/// When a process started, in ticks since the machine did; none for one that is gone or only awaits its burial.
fn process_start(process: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold blanks and brackets; what follows the last bracket does not.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    (state != "Z" && state != "X").then(|| fields.nth(18).map(str::to_owned)).flatten()
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.runner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{DateTime, Utc};
    use schemas::FixedClock;

    use super::*;

    fn world(seed: u64) -> World {
        World::seeded(Arc::new(FixedClock(DateTime::<Utc>::UNIX_EPOCH)), seed)
    }

    async fn take(lake: &Lakefront, seed: u64) -> Claim {
        Claim::take(lake, &world(seed), "datasets/audit").await.expect("the claim is free")
    }

    /// A holder that ran here and is gone: its process number now has another start.
    fn dead() -> Holder {
        Holder { process_start: Some("0".to_owned()), ..Holder::me(&world(9)) }
    }

    #[tokio::test]
    async fn a_claim_that_was_handed_back_passes_on() {
        let lake = Lakefront::memory();
        let first = take(&lake, 1).await;
        let fence = first.fence();
        fence.check().await.expect("held");
        first.release().await;
        let second = take(&lake, 2).await;
        assert_eq!(second.epoch, 2);
        let lost = fence.check().await.expect_err("a higher epoch exists");
        assert!(matches!(lost, EngineError::ClaimLost { epoch: 1, .. }), "{lost}");
        second.fence().check().await.expect("held");
    }

    #[tokio::test]
    async fn a_claim_that_is_dropped_in_the_middle_passes_on_and_its_fence_falls() {
        let lake = Lakefront::memory();
        let first = take(&lake, 1).await;
        let (fence, patience) = (first.fence(), Patience::of(LAPSE));
        drop(first);
        let mut second = None;
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
            second = Claim::take_if_free(&lake, &world(2), "datasets/audit", &patience).await.expect("a store");
            if second.is_some() {
                break;
            }
        }
        assert_eq!(second.expect("it was handed back").epoch, 2);
        fence.check().await.expect_err("a higher epoch exists");
    }

    #[tokio::test]
    async fn a_dead_process_of_this_machine_is_not_waited_for() {
        let lake = Lakefront::memory();
        let folder = Path::from("_auditlake/claims/datasets/audit");
        lake.create_json(&epoch_path(&folder, 7, ""), &dead()).await.expect("written");
        assert_eq!(take(&lake, 1).await.epoch, 8);
    }

    #[test]
    fn a_process_that_cannot_be_seen_from_here_is_not_taken_for_dead() {
        assert!(dead().is_dead());
        assert!(!Holder::me(&world(9)).is_dead());
        let elsewhere = Some("elsewhere".to_owned());
        assert!(!Holder { boot: elsewhere.clone(), ..dead() }.is_dead());
        assert!(!Holder { process_space: elsewhere, ..dead() }.is_dead(), "another container has our numbers");
        assert!(!Holder { process_space: None, ..dead() }.is_dead());
    }

    #[test]
    fn a_silent_holder_elsewhere_lapses_and_one_that_beats_does_not() {
        let mut watched = Watched::default();
        let state = |beats| State { epoch: 1, beats, ..State::default() };
        for beats in 0..20 {
            // A little late, as heartbeats on a slow store are.
            for _ in 0..(HEARTBEAT * 2).as_millis() / LOOK.as_millis() {
                assert!(!watched.is_silent(&state(beats)), "after {beats} beats");
                watched.passed();
            }
        }
        let mut silent = Duration::ZERO;
        while !watched.is_silent(&state(20)) {
            watched.passed();
            silent += LOOK;
        }
        assert_eq!(silent, LAPSE);
        assert!(!watched.is_silent(&State { epoch: 2, ..State::default() }), "the next holder starts anew");
    }

    #[tokio::test]
    async fn of_many_who_take_a_claim_at_once_each_holds_it_alone() {
        let lake = Lakefront::memory();
        let takers = (0..8).map(|seed| {
            let lake = lake.clone();
            tokio::spawn(async move {
                let claim = take(&lake, seed).await;
                claim.fence().check().await.expect("held");
                let epoch = claim.epoch;
                claim.release().await;
                epoch
            })
        });
        let mut epochs: Vec<u64> = Vec::new();
        for taker in takers.collect::<Vec<_>>() {
            epochs.push(taker.await.expect("it took it"));
        }
        epochs.sort_unstable();
        assert_eq!(epochs, (1..=8).collect::<Vec<u64>>());
    }
}
