//! Arguments of `serve`.

use std::net::SocketAddr;

use clap::Args;

/// A runner that stays.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address of health, metrics and status; not to be reached from other machines unless it says so
    #[arg(long, default_value = "127.0.0.1:9464", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Runs at the same time, and requests answered at the same time
    #[arg(long, default_value_t = 2, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub workers: u16,
    /// Seconds that work gets to come to its end when the process is told to stop
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    pub grace: u16,
    /// Seconds that a request must not have changed before it is read; 0 where files appear whole
    #[arg(long, default_value_t = 5.0, value_name = "SECONDS")]
    pub settle: f64,
    /// Seconds between two looks for small files of datasets, which are rewritten into few where there are many, as by
    /// `auditlake compact`; 0 never looks. Who lists folders by themselves finds replaced files beside them for a day
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub compact_every: u64,
}
