//! `auditlake serve`: a process that stays, does what is due, answers requests, and says how it is.
//!
//! It reads its definitions anew when they change: what is at work comes to its end with the old ones, and what begins
//! from then on has the new ones. Definitions that are wrong are told and change nothing.
//!
//! Absent: what is due and how it is run, which is `schedule`'s; answering requests, which is `requests`'.

mod http;
mod metrics;
mod stopping;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::Answer;
use crate::args::{Cli, ServeArgs};
use crate::claim::{LAPSE, Patience};
use crate::clock::pause;
use crate::error::JobError;
use crate::lake::{OpenLake, read_definitions};
use crate::notify::{Posted, post};
use crate::progress::Progress;
use crate::requests::{self, Watch, watch_inbox};
use crate::runner::chain;
use crate::schedule::{Crew, Happened, TICK, Told, Until};
use crate::show::span;
use crate::world::World;

use http::Health;
use metrics::Metrics;
use stopping::Stopping;

/// How often it is looked whether definitions changed, and whether the store is there.
const LOOK: Duration = Duration::from_secs(20);
/// Looks between two states of the page.
const PAGE: u64 = 3;

/// Serves until it is told to stop.
///
/// # Errors
/// When the lake cannot be opened, or the address cannot be listened on.
pub(crate) async fn command(cli: &Cli, world: &World, args: &ServeArgs) -> Result<Answer, JobError> {
    if cli.at.is_some() {
        let why = "serve goes by the clock of the machine; leave --at out, or run `auditlake run --due --at INSTANT`";
        return Err(JobError::Usage(why.to_owned()));
    }
    let lake = Arc::new(cli.open()?);
    let local = |source| JobError::Local { action: "listen on", path: args.listen.to_string(), source };
    let listener = TcpListener::bind(args.listen).await.map_err(local)?;
    let listening = listener.local_addr().map_err(local)?;
    let health = Arc::new(Health::new(Metrics::new(world)));
    let stopping = Stopping::on_signals(Duration::from_secs(args.grace.into()))?;
    let http = tokio::spawn(http::serve(listener, Arc::clone(&health)));
    tracing::info!(lake = %lake.definitions.id, address = %listening, workers = args.workers, "serving");
    let (changed, mut changes) = mpsc::unbounded_channel();
    let server =
        |lake| Server { lake, cli, world, args, health: &health, stopping: &stopping, changed: changed.clone() };
    let mut generations = FuturesUnordered::new();
    generations.push(server(lake).generation());
    // With other definitions the next generation begins at once; what the one before has at work comes to its end.
    loop {
        // A generation may end in the moment in which it says what comes next.
        while let Ok(lake) = changes.try_recv() {
            generations.push(server(lake).generation());
        }
        tokio::select! {
            Some(lake) = changes.recv() => generations.push(server(lake).generation()),
            ended = generations.next() => match ended {
                Some(ended) => ended?,
                None => break,
            },
        }
    }
    health.close();
    tracing::info!("stopped");
    http.abort();
    Ok(Answer { text: String::new(), json: Value::Null, code: 0 })
}

/// Serving with one state of the definitions.
struct Server<'a> {
    lake: Arc<OpenLake>,
    cli: &'a Cli,
    world: &'a World,
    args: &'a ServeArgs,
    health: &'a Health,
    stopping: &'a Stopping,
    /// Where a lake with other definitions goes.
    changed: mpsc::UnboundedSender<Arc<OpenLake>>,
}

impl Server<'_> {
    /// Serves until it is to stop, or there are other definitions.
    async fn generation(self) -> Result<(), JobError> {
        let closing = self.stopping.closing.child_token();
        let patience = Patience::of(LAPSE);
        let workers = usize::from(self.args.workers);
        let crew = Crew {
            lake: &self.lake,
            world: self.world,
            workers,
            patience: &patience,
            watches: &self.health.watches,
            closing: &closing,
            stop: &self.stopping.stop,
            progress: Progress::silent(),
            tick: TICK,
            ticked: Some(&|| self.health.tick()),
        };
        let scheduled = async { crew.work(Until::Stopped, &|happened| self.told(happened)).await.map(drop) };
        let every = Duration::from_secs(self.args.compact_every);
        let ((), scheduled, asked, (), ()) = tokio::join!(
            self.changes(&closing),
            scheduled,
            self.requests(workers, &closing),
            self.notifications(&closing),
            upkeep::keep((&self.lake, self.world), every, (&closing, &self.stopping.stop))
        );
        scheduled.and(asked)
    }

    /// Looks whether the definitions are others and right, and whether the store is there, until the process is to stop.
    async fn changes(&self, closing: &CancellationToken) {
        tokio::select! {
            () = self.stopping.closing.cancelled() => self.health.close(),
            () = self.look_for_changes(closing) => {}
        }
    }

    async fn look_for_changes(&self, closing: &CancellationToken) {
        self.health.begin(&self.lake, self.world).await;
        let mut wrong = None;
        for number in 1_u64.. {
            pause(LOOK).await;
            self.health.look(&self.lake, self.world, number % PAGE == 0).await;
            match read_definitions(&self.cli.lake).map(|read| read.sha256) {
                Ok(sha256) if sha256 == self.lake.definitions.sha256 => wrong = None,
                Ok(_) => match self.cli.open() {
                    Ok(lake) => {
                        tracing::info!(definitions = %lake.definitions.sha256, "definitions changed, taken over");
                        let is_taken = self.changed.send(Arc::new(lake)).is_ok();
                        debug_assert!(is_taken, "whoever takes them lives as long as this");
                        closing.cancel();
                        return;
                    }
                    Err(error) => self.wrong(&mut wrong, &error),
                },
                Err(error) => self.wrong(&mut wrong, &error),
            }
        }
    }

    /// Tells once that the definitions are wrong.
    fn wrong(&self, told: &mut Option<String>, error: &JobError) {
        let why = chain(error).join(": ");
        if told.as_ref() != Some(&why) {
            tracing::error!(%why, "definitions changed and are wrong; going on with those of before");
            *told = Some(why);
        }
    }

    /// Answers requests, where anybody may ask.
    async fn requests(&self, workers: usize, closing: &CancellationToken) -> Result<(), JobError> {
        let Some(access) = &self.lake.definitions.access else { return Ok(()) };
        let how = Watch { once: false, workers, settle: self.args.settle, lapse: LAPSE, closing: Some(closing) };
        loop {
            let tell = |_: &_, outcome: &_| self.health.metrics.answered(requests::outcome(outcome));
            let watching = watch_inbox(&self.lake, self.world, access, how, &tell);
            let ended = tokio::select! {
                ended = watching => ended,
                () = self.stopping.stop.cancelled() => return Ok(()),
            };
            match ended {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::warn!(error = %chain(&error).join(": "), "requests cannot be watched, will retry");
                    tokio::select! {
                        () = closing.cancelled() => return Ok(()),
                        () = pause(LOOK) => {}
                    }
                }
            }
        }
    }

    /// Delivers notifications, where anybody is to be told.
    async fn notifications(&self, closing: &CancellationToken) {
        let tell = |posted: &Posted<'_>| self.health.metrics.posted(posted);
        post(&self.lake, self.world, (closing, &self.stopping.stop), &tell).await;
    }

    /// Writes down what became of a run: names, counts and the outermost error, for what lies below may show values of rows.
    fn told(&self, happened: &Happened) {
        self.health.metrics.take(happened);
        match happened {
            Happened::Began(run) => {
                tracing::debug!(run = %run.run, job = %run.job, interval = %span(run.interval), "began")
            }
            Happened::Elsewhere(run) => tracing::debug!(run = %run.run, job = %run.job, "at work elsewhere"),
            Happened::Ran(ran) if ran.before => tracing::info!(run = %ran.run, job = %ran.job, "committed elsewhere"),
            Happened::Ran(ran) => {
                tracing::info!(run = %ran.run, job = %ran.job, attempt = ran.attempt, seconds = ran.seconds, "committed");
            }
            Happened::Failed(failed) if failed.is_shutdown => {
                tracing::info!(run = %failed.run, job = %failed.job, "ended, another runner goes on");
            }
            Happened::Failed(failed) => {
                let error = failed.errors.first().map(String::as_str).unwrap_or_default();
                tracing::error!(run = %failed.run, job = %failed.job, remedy = failed.remedy, error, "failed");
            }
            Happened::Told(Told::Missed { run, job, reason, upstream, .. }) => tracing::warn!(
                %run, %job, reason = reason.as_str(), upstream = upstream.as_deref().unwrap_or_default(), "missed"
            ),
            Happened::Told(Told::SetAside { job, path, why }) => tracing::warn!(%job, %path, %why, "set aside"),
            Happened::Told(Told::GivenUp { run, job, errors, .. }) => {
                let error = errors.first().map(String::as_str).unwrap_or_default();
                tracing::error!(%run, %job, error, "not tried again");
            }
        }
    }
}
