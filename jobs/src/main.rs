//! The process: arguments, one runtime, one error chain, an exit code.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use jobs::{Cli, Command, OutputForm, World, carry_out, error_json};
use mimalloc::MiMalloc;

// Gives memory back that one thread took and another released, see docs/decisions/0014.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Warnings for people; of a process that stays, whatever happens, a JSON object a line where no one sits before it.
fn log(cli: &Cli) {
    let is_server = matches!(cli.command, Command::Serve(_));
    let level = if is_server { tracing::Level::INFO } else { tracing::Level::WARN };
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(level);
    if is_server && !std::io::stderr().is_terminal() {
        log.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
    } else {
        log.init();
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    log(&cli);
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let done = runtime.block_on(carry_out(&cli, &World::real()));
    // A statement that was stopped may take long to notice, and nothing waits for its rows.
    runtime.shutdown_background();
    match done {
        Ok(code) => Ok(ExitCode::from(code)),
        Err(error) => {
            let code = error.exit_code();
            if cli.output == OutputForm::Json {
                writeln!(std::io::stdout(), "{:#}", error_json(&error))?;
            }
            writeln!(std::io::stderr(), "{}", error.told())?;
            Ok(ExitCode::from(code))
        }
    }
}
