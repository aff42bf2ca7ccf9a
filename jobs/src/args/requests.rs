//! Arguments of `requests`.

use std::path::PathBuf;

use clap::Subcommand;

/// Requests that people drop onto the store.
#[derive(Debug, Subcommand)]
pub enum RequestsCommand {
    /// Answer the requests of the inbox as they come
    #[command(after_help = "Examples:
  auditlake requests run
  auditlake requests run --once --workers 4")]
    Run {
        /// End when nothing is left to do now
        #[arg(long)]
        once: bool,
        /// Requests answered at the same time; of each principal it is one
        #[arg(long, default_value_t = 2, value_name = "NUMBER")]
        workers: usize,
        /// Seconds that a file must not have changed before it is read; 0 where files appear whole
        #[arg(long, default_value_t = 5.0, value_name = "SECONDS")]
        settle: f64,
    },
    /// Every request: waiting, done, expired, rejected, failed
    List,
    /// One request, with what is wrong with it
    #[command(after_help = "Example: auditlake requests show alice/0123456789abcdef0123")]
    Show {
        /// Principal and hash, as the list shows them
        request: String,
    },
    /// Stop a request that is being answered, or will be
    #[command(after_help = "Example: auditlake requests cancel alice/0123456789abcdef0123")]
    Cancel {
        /// Principal and hash, as the list shows them
        request: String,
    },
    /// Put a request that was rejected or has failed back into the inbox
    Retry {
        /// Principal and hash, as the list shows them
        request: String,
    },
    /// Put a file of the inbox aside, so that nobody answers it
    #[command(after_help = "Example: auditlake requests reject alice/march.yaml --reason \"asked by mistake\"")]
    Reject {
        /// The file, seen from the inbox
        file: String,
        /// Why, for whoever asked
        #[arg(long)]
        reason: String,
    },
    /// Say all that is wrong with a request, and do nothing else; exits with 1 when something is
    #[command(after_help = "Example: auditlake requests check march.yaml --as alice")]
    Check {
        /// The file
        file: PathBuf,
        /// Who would ask
        #[arg(long = "as", value_name = "PRINCIPAL")]
        principal: String,
    },
    /// Print a request to begin with
    #[command(after_help = "Example: auditlake requests template > march.yaml")]
    Template,
}
