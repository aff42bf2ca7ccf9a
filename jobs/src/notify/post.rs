//! All channels of a lake: once behind runs, or for as long as a process stays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use schemas::{ChannelKind, NotifyChannel};
use tokio_util::sync::CancellationToken;

use super::call::{Caller, TIMEOUT};
use super::channel::{Channel, Stay, Waiting};
use super::due_soon::due_soon;
use super::guard::Machine;
use super::note::{LOOK_SECONDS, Seen, sweep};
use super::outbox::{Mark, marked};
use crate::claim::{LAPSE, Patience};
use crate::clock::{Stopwatch, pause};
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::runner::chain;
use crate::world::World;

/// How often it is looked whether something waits, where that takes no longer than a tenth of it.
const LOOK: Duration = Duration::from_secs(5);
/// How often a channel looks at what the last listing had.
const TICK: Duration = Duration::from_secs(1);
/// How often it is looked which answers to persons are due soon.
const DUE_SECONDS: f64 = 3_600.0;

/// Who is told what becomes of messages.
pub(crate) type Tell<'t> = &'t (dyn Fn(&Posted<'_>) + Sync);

/// What became of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Posted<'p> {
    /// A message of this channel arrived.
    Delivered(&'p str),
    /// An attempt failed.
    Failed(&'p str),
    /// No further attempt is made by itself.
    Dead(&'p str),
    /// So many messages of a channel have no end.
    Waiting(&'p str, usize),
    /// For so many no attempt is made.
    GivenUp(&'p str, usize),
}

/// What waits, as one listing for all channels has it.
#[derive(Debug, Default)]
struct Listed {
    begun: AtomicU64,
    listed: Mutex<(u64, BTreeMap<String, BTreeSet<String>>)>,
}

impl Listed {
    async fn look(&self, lake: &OpenLake, tell: Tell<'_>) -> Result<(), JobError> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let all = marked(&lake.front, Mark::Waiting).await?;
        for channel in &lake.definitions.notify {
            tell(&Posted::Waiting(&channel.name, all.get(&channel.name).map_or(0, BTreeSet::len)));
        }
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = (number, all);
        Ok(())
    }

    fn of(&self, channel: &NotifyChannel) -> Waiting {
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        Waiting { listing: listed.0, ids: listed.1.get(&channel.name).cloned().unwrap_or_default() }
    }

    fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }
}

fn caller() -> Caller {
    Caller { resolver: Arc::new(Machine), timeout: TIMEOUT }
}

/// Delivers for as long as the process stays.
pub(crate) async fn post(
    lake: &OpenLake,
    world: &World,
    (closing, stop): (&CancellationToken, &CancellationToken),
    tell: Tell<'_>,
) {
    if lake.definitions.notify.is_empty() {
        return;
    }
    let caller = caller();
    tokio::select! {
        () = posted(lake, world, &caller, closing, tell) => {}
        // A call that is not answered keeps no process from ending: it is made again, under the same id.
        () = stop.cancelled() => {}
    }
}

pub(super) async fn posted(
    lake: &OpenLake,
    world: &World,
    caller: &Caller,
    closing: &CancellationToken,
    tell: Tell<'_>,
) {
    let (listed, patience) = (Listed::default(), Patience::of(LAPSE));
    let channels = lake.definitions.notify.iter().map(|of| {
        let channel = Channel::new((lake, world), (caller, &patience), (closing, Stay::On), of);
        let listed = &listed;
        async move {
            while !closing.is_cancelled() {
                channel.pass(&|| listed.of(of), &|| listed.begun(), tell).await;
                rest(TICK, closing).await;
            }
        }
    });
    tokio::join!(look(lake, world, &listed, closing, tell), join_all(channels));
}

/// Looks what waits, until the process is to end.
async fn look(lake: &OpenLake, world: &World, listed: &Listed, closing: &CancellationToken, tell: Tell<'_>) {
    let (seen, mut swept, mut due) = (Seen::every(LOOK_SECONDS), None::<Stopwatch>, None::<Stopwatch>);
    let is_over = |since: &Option<Stopwatch>, seconds| since.as_ref().is_none_or(|since| since.seconds() >= seconds);
    while !closing.is_cancelled() {
        if is_over(&swept, LOOK_SECONDS) {
            swept = Some(Stopwatch::start());
            warned(swept_and_counted(lake, &seen, tell).await);
        }
        if is_over(&due, DUE_SECONDS) {
            due = Some(Stopwatch::start());
            warned(due_soon(lake, world).await);
        }
        let took = Stopwatch::start();
        warned(listed.look(lake, tell).await);
        let took = Duration::from_secs_f64(took.seconds() * 10.0);
        rest(LOOK.max(took), closing).await;
    }
}

async fn swept_and_counted(lake: &OpenLake, seen: &Seen, tell: Tell<'_>) -> Result<(), JobError> {
    sweep(lake, seen).await?;
    let dead = marked(&lake.front, Mark::Dead).await?;
    for channel in &lake.definitions.notify {
        tell(&Posted::GivenUp(&channel.name, dead.get(&channel.name).map_or(0, BTreeSet::len)));
    }
    Ok(())
}

async fn rest(span: Duration, closing: &CancellationToken) {
    tokio::select! {
        () = pause(span) => {}
        () = closing.cancelled() => {}
    }
}

fn warned(done: Result<(), JobError>) {
    if let Err(error) = done {
        tracing::warn!(error = %chain(&error).join(": "), "notifications cannot be looked at, will retry");
    }
}

/// Delivers once what is due, behind runs: what does not arrive, or is over the minute, waits for the next time. `is_told` is whether
/// standard output is free for a channel that writes there.
pub(crate) async fn after_runs(lake: &OpenLake, world: &World, is_told: bool) {
    once((lake, world), (&caller(), &Patience::of(LAPSE)), is_told, &|_| {}).await;
}

pub(super) async fn once(
    (lake, world): (&OpenLake, &World),
    (caller, patience): (&Caller, &Patience),
    is_told: bool,
    tell: Tell<'_>,
) {
    if lake.definitions.notify.is_empty() {
        return;
    }
    let (listed, closing) = (Listed::default(), CancellationToken::new());
    warned(sweep(lake, &Seen::every(LOOK_SECONDS)).await);
    warned(due_soon(lake, world).await);
    warned(listed.look(lake, tell).await);
    let channels = lake.definitions.notify.iter().filter(|of| is_told || of.to != ChannelKind::Stdout);
    let passes = channels.map(|of| {
        let channel = Channel::new((lake, world), (caller, patience), (&closing, Stay::Once), of);
        let listed = &listed;
        async move { channel.pass(&|| listed.of(of), &|| listed.begun(), tell).await }
    });
    join_all(passes).await;
}
