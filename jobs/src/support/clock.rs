//! The clock of a ticket: open time of a calendar without pauses, exact to the microsecond.
//!
//! Absent: which pauses count, and limits.

use schemas::{Interval, OpenSpan};

/// What of a clock's time counts: open, and in no pause. Open time and pauses are in order, and none overlaps another of its kind.
pub(super) fn counted(open: &[OpenSpan], clock: Interval, pauses: &[Interval]) -> Vec<OpenSpan> {
    let mut counted = Vec::new();
    let first = open.partition_point(|span| span.interval.end <= clock.start);
    for span in open[first..].iter().take_while(|span| span.interval.start < clock.end) {
        let (mut start, end) = (span.interval.start.max(clock.start), span.interval.end.min(clock.end));
        let mut push = |start, end| {
            if start < end {
                counted.push(OpenSpan { interval: Interval { start, end }, version: span.version });
            }
        };
        for pause in pauses {
            push(start, end.min(pause.start));
            start = start.max(pause.end);
        }
        push(start, end);
    }
    counted
}

/// Pauses in order, those that overlap or touch as one: time in two of them is left out once.
pub(super) fn merged(mut pauses: Vec<Interval>) -> Vec<Interval> {
    pauses.retain(|pause| pause.start < pause.end);
    pauses.sort_by_key(|pause| (pause.start, pause.end));
    let mut merged: Vec<Interval> = Vec::new();
    for pause in pauses {
        match merged.last_mut() {
            Some(last) if pause.start <= last.end => last.end = last.end.max(pause.end),
            _ => merged.push(pause),
        }
    }
    merged
}

/// The length of all of it, microseconds.
pub(super) fn micros(spans: &[OpenSpan]) -> u64 {
    let of = |span: &OpenSpan| (span.interval.end - span.interval.start).num_microseconds().unwrap_or(0);
    // Spans end after they begin, and lie within a few years.
    u64::try_from(spans.iter().map(of).sum::<i64>()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
