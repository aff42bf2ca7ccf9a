//! Arguments of `notify`.

use clap::Subcommand;

/// Channels of `lake.yaml`, and what was not delivered to them.
#[derive(Debug, Subcommand)]
pub enum NotifyCommand {
    /// Send a signed sample to a channel now, and say what it answered
    #[command(after_help = "Example: auditlake notify test security-webhook")]
    Test {
        /// The channel
        channel: String,
        /// Who does it
        #[arg(long = "as", value_name = "PRINCIPAL")]
        principal: Option<String>,
    },
    /// Every channel, what waits for it, and what no further attempt is made for
    Dead {
        /// Of this channel only
        #[arg(long, value_name = "CHANNEL")]
        channel: Option<String>,
    },
    /// Send again what was given up: one message, or all of them
    #[command(after_help = "Examples:
  auditlake notify redeliver msg_8f2b6a0d7c4e1f3a9b5d2c8e7f60a1b4
  auditlake notify redeliver")]
    Redeliver {
        /// Id of a message, also of one that was delivered; everything that was given up if not given
        id: Option<String>,
        /// Who does it
        #[arg(long = "as", value_name = "PRINCIPAL")]
        principal: Option<String>,
    },
    /// Deliver again to a channel whose endpoint said that it wants nothing more
    #[command(after_help = "Example: auditlake notify enable security-webhook --as omar")]
    Enable {
        /// The channel
        channel: String,
        /// Who does it
        #[arg(long = "as", value_name = "PRINCIPAL")]
        principal: Option<String>,
    },
}
