//! Ctrl-C while a statement runs: the first stops it, a second that finds the first unanswered ends the process. So
//! does the loss of the terminal.

use std::io::{self, IsTerminal, Stdin};
use std::os::fd::AsRawFd;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use tokio::runtime::Builder;
use tokio::sync::Notify;

/// What a shell says of a program that SIGINT ended.
const INTERRUPTED: i32 = 130;
/// What a shell says of a program that SIGHUP ended.
const HUNG_UP: i32 = 129;

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
fn terminal_lost(terminal: &Stdin) -> io::Result<()> {
    let mut poll = Poll::new()?;
    poll.registry().register(&mut SourceFd(&terminal.as_raw_fd()), Token(0), Interest::READABLE)?;
    let mut events = Events::with_capacity(1);
    while terminal.is_terminal() {
        // Every key wakes, too; it is not read here, and stays for whom it is meant.
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
    Ok(())
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
        let terminal = io::stdin();
        if terminal.is_terminal() {
            std::thread::Builder::new().name("terminal".to_owned()).spawn(move || match terminal_lost(&terminal) {
                Ok(()) => exit(HUNG_UP),
                Err(error) => tracing::warn!(%error, "the loss of the terminal will go unnoticed"),
            })?;
        }
        // A thread of its own, because a statement can keep every thread of the runtime busy.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("interrupts".to_owned()).spawn(move || runtime.block_on(heard.listen()))?;
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
