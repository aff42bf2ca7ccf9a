//! Ctrl-C while a statement runs: the first stops it, a second that finds the first unanswered ends the process. So
//! does the loss of the terminal.

use std::io::{self, IsTerminal};
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::Notify;

/// What a shell says of a program that SIGINT ended.
const INTERRUPTED: i32 = 130;
/// What a shell says of a program that SIGHUP ended.
const HUNG_UP: i32 = 129;
/// How often somebody looks whether the terminal is still there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Told {
    unanswered: AtomicBool,
    notify: Notify,
}

impl Told {
    async fn listen(&self) {
        while tokio::signal::ctrl_c().await.is_ok() {
            if self.unanswered.swap(true, Ordering::SeqCst) {
                exit(INTERRUPTED);
            }
            self.notify.notify_one();
        }
    }
}

/// Waits until the terminal is gone. Who ignores SIGHUP is not told of it otherwise, and reading keys from a terminal
/// that is gone never ends: the library for it tries again and again.
async fn terminal_lost() {
    while io::stdin().is_terminal() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Listens until the process ends.
#[derive(Debug)]
pub(crate) struct Interrupts(Arc<Told>);

impl Interrupts {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system gives no more threads or files.
    pub(crate) fn listen() -> io::Result<Self> {
        let told = Arc::new(Told::default());
        let heard = Arc::clone(&told);
        // Asked before anything is printed: from then on it may be gone.
        let on_terminal = io::stdin().is_terminal();
        // A thread of its own, because a statement can keep every thread of the runtime busy.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("interrupts".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = heard.listen() => {}
                    () = terminal_lost(), if on_terminal => exit(HUNG_UP),
                }
            });
        })?;
        Ok(Self(told))
    }

    /// Forgets what came before.
    pub(crate) fn forget(&self) {
        self.0.unanswered.store(false, Ordering::SeqCst);
    }

    /// Waits for the next one.
    pub(crate) async fn next(&self) {
        loop {
            self.0.notify.notified().await;
            if self.0.unanswered.swap(false, Ordering::SeqCst) {
                return;
            }
        }
    }
}
