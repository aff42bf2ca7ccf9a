//! Notifications: whoever is named in `notify:` of `lake.yaml` is told what happens.
//!
//! ```text
//! event      what happened, with its id and its CloudEvent      made       events of records
//! note       so that a process that dies loses none             slow       an attempt that takes long
//! due_soon   answers to persons that are due within days        outbox     what waits, attempts, what became of it
//! timetable  when the next attempt is, how many a minute; pure  sign       Standard Webhooks
//! guard      addresses that are not called                      call       one call over TLS
//! channel    a channel at work: claim, attempts, outcomes       post       all channels, for a while or for ever
//! command    `auditlake notify`
//! ```
//!
//! An event follows from records of the lake, and its id from what it is: whoever makes it again makes the same one. Nobody's
//! work waits for a delivery. Absent: what may happen and how a channel is defined, which is `schemas`'.

mod call;
mod channel;
mod command;
mod due_soon;
mod event;
mod guard;
mod made;
mod note;
mod outbox;
mod post;
mod sign;
mod slow;
#[cfg(test)]
mod tests;
mod timetable;

pub(crate) use command::command;
pub(crate) use note::{Note, Source};
pub(crate) use post::{Posted, after_runs, post};
pub(crate) use slow::watched;
