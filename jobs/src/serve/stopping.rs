//! Being told to stop: nothing new is begun, what is at work gets a while, then it is ended and handed on.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::clock::pause;
use crate::error::JobError;

/// How far stopping has come.
#[derive(Debug)]
pub(super) struct Stopping {
    /// Nothing new is begun.
    pub(super) closing: CancellationToken,
    /// What is at work ends.
    pub(super) stop: CancellationToken,
}

impl Stopping {
    /// Stops on the first SIGTERM or SIGINT; the second ends the process at once, and its claims lapse.
    pub(super) fn on_signals(grace: Duration) -> Result<Self, JobError> {
        let local = |source| JobError::Local { action: "wait for signals of", path: "the process".to_owned(), source };
        let mut terminate = signal(SignalKind::terminate()).map_err(local)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(local)?;
        let (closing, stop) = (CancellationToken::new(), CancellationToken::new());
        let stopping = Self { closing: closing.clone(), stop: stop.clone() };
        tokio::spawn(async move {
            let mut told = async || tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} };
            told().await;
            tracing::info!(grace_seconds = grace.as_secs(), "told to stop: nothing new is begun");
            closing.cancel();
            tokio::select! {
                () = pause(grace) => {
                    tracing::info!("ending what is at work; others go on with it");
                    stop.cancel();
                }
                () = told() => ended(),
            }
            told().await;
            ended();
        });
        Ok(stopping)
    }
}

/// The second signal: whoever sends it does not want to wait.
#[expect(clippy::exit, reason = "a second signal asks for exactly this; claims lapse")]
fn ended() {
    std::process::exit(1);
}
