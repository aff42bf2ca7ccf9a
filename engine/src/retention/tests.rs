//! Plans and applies over whole lakes in memory and on disk, undisturbed and disturbed.

mod applies;
mod bad_input;
mod faults;
pub(crate) mod faulty;
mod held;
mod lake;
mod readers;
