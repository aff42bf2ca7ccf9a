//! Figures for people, and the check of a file that somebody has at hand.

use engine::Resources;
use engine::anonymize::{CopyOutcome, Figures, measure_file};
use schemas::{AnonymizePolicy, Diversity, Privacy};
use serde_json::json;

use crate::Answer;
use crate::args::{Cli, CopyCheckArgs};
use crate::error::JobError;
use crate::ledger::AnonymizeSummary;
use crate::show::{counted, write_line};
use crate::world::World;

/// Lines about a copy that was made.
pub(crate) fn summary_text(summary: &AnonymizeSummary) -> String {
    let mut text = String::new();
    let replaced = match summary.replaced {
        0 => String::new(),
        files => format!(", in place of {}", counted(files, "file")),
    };
    let rows = counted(summary.figures.rows, "row");
    write_line(&mut text, &format!("{rows} in dataset {}{}{replaced}", summary.dataset, left_out(summary.suppressed)));
    lines(&mut text, &summary.figures, &summary.levels);
    if !summary.keys.is_empty() {
        write_line(&mut text, &format!("keys {}", summary.keys.join(", ")));
    }
    text
}

/// Answer of a dry run.
pub(super) fn preview(policy: &AnonymizePolicy, outcome: &CopyOutcome) -> Answer {
    let mut text = String::new();
    let (rows, to) = (counted(outcome.figures.rows, "row"), &policy.to);
    write_line(&mut text, &format!("would write {rows} to dataset {to}{}", left_out(outcome.suppressed)));
    lines(&mut text, &outcome.figures, &outcome.levels);
    for miss in &outcome.misses {
        write_line(&mut text, &format!("would not be published: {miss}"));
    }
    let json = json!({
        "policy": policy.id,
        "dataset": policy.to,
        "dry_run": true,
        "figures": outcome.figures,
        "suppressed": outcome.suppressed,
        "levels": outcome.levels,
        "misses": outcome.misses,
        "inputs": outcome.inputs.len(),
    });
    Answer { text, json, code: u8::from(!outcome.misses.is_empty()) }
}

fn left_out(rows: u64) -> String {
    if rows == 0 { String::new() } else { format!(", {} left out", counted(rows, "row")) }
}

fn lines(text: &mut String, figures: &Figures, levels: &std::collections::BTreeMap<String, u64>) {
    if figures.groups > 0 {
        write_line(text, &format!("k {} in {}", figures.k, counted(figures.groups, "group")));
    }
    for one in &figures.sensitive {
        write_line(
            text,
            &format!("{}: distinct l {}, entropy l {:.3}, t {:.3}", one.column, one.distinct_l, one.entropy_l, one.t),
        );
    }
    if !levels.is_empty() {
        let levels: Vec<String> = levels.iter().map(|(column, level)| format!("{column} {level}")).collect();
        write_line(text, &format!("levels {}", levels.join(", ")));
    }
}

/// Measures a file.
pub(super) async fn check(cli: &Cli, world: &World, args: &CopyCheckArgs) -> Result<Answer, JobError> {
    let quasi: Vec<&str> = args.quasi.iter().map(String::as_str).collect();
    let sensitive: Vec<&str> = args.sensitive.iter().map(String::as_str).collect();
    let require = required(&args.fail_on, !sensitive.is_empty())?;
    let resources = Resources { memory_bytes: cli.memory, ..Resources::default() };
    let figures = measure_file(&args.file, (&quasi, &sensitive), world.now(), resources).await?;
    let misses = figures.misses(&require);
    let mut text = String::new();
    write_line(&mut text, &format!("{} in {}", counted(figures.rows, "row"), args.file.display()));
    lines(&mut text, &figures, &std::collections::BTreeMap::new());
    for miss in &misses {
        write_line(&mut text, &format!("missed: {miss}"));
    }
    let json = json!({"file": args.file, "quasi": quasi, "sensitive": sensitive, "figures": figures, "misses": misses});
    Ok(Answer { text, json, code: if misses.is_empty() { 0 } else { 3 } })
}

/// `k=5`, `l=2`, `entropy_l=1.5`, `t=0.2`.
fn required(given: &[String], has_sensitive: bool) -> Result<Privacy, JobError> {
    let mut require = Privacy::default();
    for one in given {
        let wrong = || {
            JobError::Usage(format!(
                "--fail-on {one:?} is no figure; write for example k=5, l=2, entropy_l=1.5 or t=0.2"
            ))
        };
        let (name, value) = one.split_once('=').ok_or_else(wrong)?;
        match name {
            "k" => require.k = Some(value.parse().map_err(|_| wrong())?),
            "l" => require.l = Some(Diversity::Distinct(value.parse().map_err(|_| wrong())?)),
            "entropy_l" => require.l = Some(Diversity::Entropy(value.parse().map_err(|_| wrong())?)),
            "t" => require.t = Some(value.parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        }
    }
    if !has_sensitive && (require.l.is_some() || require.t.is_some()) {
        return Err(JobError::Usage("l and t are of sensitive columns; name them with --sensitive".to_owned()));
    }
    Ok(require)
}
