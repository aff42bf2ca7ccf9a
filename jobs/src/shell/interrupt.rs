//! Ctrl-C while a statement runs: the first stops it, a second that finds the first unanswered ends the process.

use std::io;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Builder;
use tokio::sync::Notify;

/// What a shell says of a program that SIGINT ended.
const INTERRUPTED: i32 = 130;

#[derive(Debug, Default)]
struct Told {
    unanswered: AtomicBool,
    notify: Notify,
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
        // A thread of its own, because a statement can keep every thread of the runtime busy.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("interrupts".to_owned()).spawn(move || {
            runtime.block_on(async {
                while tokio::signal::ctrl_c().await.is_ok() {
                    if heard.unanswered.swap(true, Ordering::SeqCst) {
                        exit(INTERRUPTED);
                    }
                    heard.notify.notify_one();
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
