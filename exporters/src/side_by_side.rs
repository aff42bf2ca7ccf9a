//! Work on several things at once, on as many threads as there are cores; each takes the next thing that nobody has.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Does work on things numbered from 0; the results stand in their order, whoever made them.
pub(crate) fn side_by_side<T: Send>(things: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= things {
                return done;
            }
            done.push((number, work(number)));
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(things).max(1);
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let own = take();
        // A panic of another thread is ours.
        let others =
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        others.flatten().chain(own).collect()
    });
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, done)| done).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_done_once_and_stands_in_its_place() {
        for things in [0, 1, 2, 7, 1_000] {
            assert_eq!(
                side_by_side(things, |number| number * 2),
                (0..things).map(|number| number * 2).collect::<Vec<_>>()
            );
        }
    }
}
