//! Stands between one process and its S3 server, and does something to one of its requests: kills the process, refuses,
//! keeps the answer to itself, cuts it off, lets it wait.
//!
//! It sees every request, also those that `object_store` has no words for. Absent: more than one fault, and other processes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::auditlake::{Lake, Ran, ended};
use crate::moto::Bucket;
use crate::serial_proxy::Request;

/// What a store says that has too much to do.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Slow Down\r\nContent-Length: 36\r\nConnection: close\r\n\r\n<Error><Code>SlowDown</Code></Error>";

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process is killed before the store hears of it; [`Disturbed::deliver`] lets it arrive after all.
    KilledBefore,
    /// The store does it, and the process is killed before it hears of that.
    KilledAfter,
    /// The store refuses for a passing reason, and does nothing.
    Busy,
    /// The store does it, and the connection breaks before it says so.
    Unanswered,
    /// The connection breaks in the middle of the answer.
    Torn,
    /// Half the answer comes as if it were all of it.
    CutShort,
    /// It waits until somebody has read every object that is data.
    Delayed,
}

/// Which requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Any,
    /// After which the store may be another one.
    Writes,
    /// That ask what there is.
    Listings,
}

/// The request of that number, counted from 0 among those, and what happens to it.
pub(crate) type At = (Which, usize, Fault);

/// Requests that came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Met {
    pub(crate) any: usize,
    pub(crate) writes: usize,
    pub(crate) listings: usize,
    /// The request to which it happened.
    pub(crate) hit: Option<String>,
}

impl Met {
    pub(crate) fn of(&self, which: Which) -> usize {
        match which {
            Which::Any => self.any,
            Which::Writes => self.writes,
            Which::Listings => self.listings,
        }
    }
}

/// What became of a disturbed process.
#[derive(Debug)]
pub(crate) struct Disturbed {
    /// Without a code where it was killed.
    pub(crate) ran: Ran,
    pub(crate) met: Met,
    /// What somebody read while a request was waiting.
    pub(crate) meanwhile: Option<Vec<(String, Bytes)>>,
    late: Option<Request>,
    bucket: Bucket,
}

impl Disturbed {
    /// Lets the request arrive that was on its way when its process was killed; whether there was one. Nobody hears the
    /// answer.
    pub(crate) fn deliver(&self) -> bool {
        self.late.as_ref().map(|late| late.pass_on(self.bucket.server()).expect("the server answers")).is_some()
    }
}

/// Checks every case, two at a time, and then says which did not hold.
#[track_caller]
pub(crate) fn all_hold(met: &Met, cases: &[At], check: impl Fn(&At) + Sync) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Every request that fails is worth knowing, not only the first.
                    if catch_unwind(AssertUnwindSafe(|| check(case))).is_err() {
                        held(&failed).push(format!("{case:?}"));
                    }
                }
            });
        }
    });
    let failed = held(&failed);
    let told = format!("{} of {} requests, {} writes, {} listings", cases.len(), met.any, met.writes, met.listings);
    writeln!(std::io::stderr(), "faults at {told}").expect("stderr");
    assert!(failed.is_empty(), "{} of {}: {failed:#?}", failed.len(), cases.len());
}

/// Runs a command on a lake in `bucket`; where `at` is given, that happens.
pub(crate) fn disturbed(lake: &Lake, bucket: &Bucket, args: &[&str], at: Option<At>) -> Disturbed {
    let proxy = Proxy::start(bucket, at);
    let mut command = lake.command(args);
    command.env("AWS_ENDPOINT_URL", format!("http://{}", proxy.address));
    let (mut out, mut err) = {
        // Its first request may come before this is over, and then waits for it.
        let mut slot = held(&proxy.shared.child);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let pipes = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
        *slot = Some(child);
        pipes
    };
    let errors = std::thread::spawn(move || {
        let mut told = Vec::new();
        err.read_to_end(&mut told).map(|_| told)
    });
    let mut stdout = Vec::new();
    out.read_to_end(&mut stdout).expect("read");
    let stderr = errors.join().expect("read").expect("read");
    let status = held(&proxy.shared.child).as_mut().expect("a child").wait().expect("a child ends");
    let late = held(&proxy.shared.late).take();
    let meanwhile = held(&proxy.shared.meanwhile).take();
    let met = held(&proxy.shared.met).clone();
    Disturbed { ran: ended(Output { status, stdout, stderr }), met, meanwhile, late, bucket: bucket.clone() }
}

/// Ends when it is dropped.
struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    bucket: Bucket,
    at: Option<At>,
    met: Mutex<Met>,
    child: Mutex<Option<Child>>,
    meanwhile: Mutex<Option<Vec<(String, Bytes)>>>,
    late: Mutex<Option<Request>>,
    /// Nothing is passed on any more.
    over: AtomicBool,
    one_at_a_time: Mutex<()>,
}

impl Proxy {
    fn start(bucket: &Bucket, at: Option<At>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            bucket: bucket.clone(),
            at,
            met: Mutex::default(),
            child: Mutex::default(),
            meanwhile: Mutex::default(),
            late: Mutex::default(),
            over: AtomicBool::new(false),
            one_at_a_time: Mutex::default(),
        });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if own.over.load(Ordering::SeqCst) {
                    return;
                }
                let own = Arc::clone(&own);
                // A process that was killed leaves half a request, which is nobody's failure.
                std::thread::spawn(move || drop(own.answer(stream)));
            }
        });
        Self { address, shared }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // So that it looks whether it is over.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    fn answer(&self, mut client: TcpStream) -> std::io::Result<()> {
        let Some(request) = Request::receive(&client)? else { return Ok(()) };
        let fault = self.meet(&request);
        match fault {
            Some(Fault::KilledBefore) => {
                self.kill();
                *held(&self.late) = Some(request);
                return Ok(());
            }
            Some(Fault::Busy) => return client.write_all(BUSY),
            Some(Fault::Delayed) => *held(&self.meanwhile) = Some(self.bucket.data()),
            _ => {}
        }
        let answer = {
            let _one = held(&self.one_at_a_time);
            if self.over.load(Ordering::SeqCst) {
                return Ok(());
            }
            let answer = request.pass_on(self.bucket.server())?;
            if matches!(fault, Some(Fault::KilledAfter)) {
                self.kill();
            }
            answer
        };
        match fault {
            Some(Fault::KilledAfter | Fault::Unanswered) => Ok(()),
            Some(Fault::Torn) => client.write_all(&answer[..half(&answer)]),
            Some(Fault::CutShort) => client.write_all(&cut_short(&answer)),
            _ => client.write_all(&answer),
        }
    }

    /// Counts a request; what is to happen to it.
    fn meet(&self, request: &Request) -> Option<Fault> {
        let mut met = held(&self.met);
        let (any, writes, listings) = (met.any, met.writes, met.listings);
        met.any += 1;
        met.writes += usize::from(request.writes());
        met.listings += usize::from(request.lists());
        let (which, number, fault) = self.at?;
        let is_it = match which {
            Which::Any => any == number,
            Which::Writes => request.writes() && writes == number,
            Which::Listings => request.lists() && listings == number,
        };
        is_it.then(|| {
            met.hit = Some(request.line().to_owned());
            fault
        })
    }

    /// From here on the store hears nothing of the process.
    fn kill(&self) {
        self.over.store(true, Ordering::SeqCst);
        let mut child = held(&self.child);
        let child = child.as_mut().expect("it was started");
        child.kill().expect("a child can be killed");
        // Until it is buried, it counts among the living.
        child.wait().expect("a child ends");
    }
}

/// Where the second half of the body of an answer begins.
fn half(answer: &[u8]) -> usize {
    let body = body_at(answer);
    body + (answer.len() - body) / 2
}

fn body_at(answer: &[u8]) -> usize {
    answer.windows(4).position(|end| end == b"\r\n\r\n").map_or(answer.len(), |at| at + 4)
}

fn cut_short(answer: &[u8]) -> Vec<u8> {
    let body = &answer[body_at(answer)..half(answer)];
    let head = String::from_utf8_lossy(&answer[..body_at(answer)]);
    let mut cut = String::new();
    for line in head.lines().filter(|line| !line.is_empty()) {
        match line.to_ascii_lowercase().starts_with("content-length:") {
            true => cut.push_str(&format!("Content-Length: {}\r\n", body.len())),
            false => cut.push_str(&format!("{line}\r\n")),
        }
    }
    [cut.as_bytes(), b"\r\n", body].concat()
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
