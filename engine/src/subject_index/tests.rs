//! The index finds what is there, hides nothing, and forgets what is gone.

mod found;
mod kept;
mod lake;
