//! Lines from a terminal, edited, completed and remembered.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use reedline::{
    Color, ColumnarMenu, Completer, CompletionResult, DefaultPrompt, DefaultPromptSegment, Emacs, FileBackedHistory,
    Highlighter, KeyCode, KeyModifiers, MenuBuilder, Reedline, ReedlineEvent, ReedlineMenu, Signal, Span, StyledText,
    Suggestion, ValidationResult, Validator, default_emacs_keybindings,
};

use super::completion::Names;
use super::history::make_private;
use super::input::Cut;
use super::{Line, Lines};
use crate::error::JobError;

/// Statements that are remembered.
const REMEMBERED: usize = 2_000;
/// Columns of a terminal that does not export `COLUMNS`.
const COLUMNS: usize = 120;
const MENU: &str = "completion";

/// How wide a table may be before it is a mess; no limit where standard output is no terminal.
pub(crate) fn columns() -> Option<usize> {
    let given = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    std::io::stdout().is_terminal().then(|| given.unwrap_or(COLUMNS))
}

/// The terminal of this process.
pub(crate) struct Terminal {
    editor: Reedline,
    prompt: DefaultPrompt,
}

impl Terminal {
    /// Takes the terminal; without a history that can be used, it goes on and says so on `notes`.
    pub(crate) fn open(names: Names, history: Option<PathBuf>, notes: &mut dyn Write) -> Result<Self, JobError> {
        let mut keys = default_emacs_keybindings();
        let complete = ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext]);
        keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, complete);
        let colours = std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        let mut editor = Reedline::create()
            .with_ansi_colors(colours)
            .with_completer(Box::new(Completion(names)))
            .with_edit_mode(Box::new(Emacs::new(keys)))
            .with_highlighter(Box::new(Plain))
            .with_menu(ReedlineMenu::EngineCompleter(Box::new(ColumnarMenu::default().with_name(MENU))))
            .with_partial_completions(true)
            .with_quick_completions(true)
            .with_validator(Box::new(Ended))
            .use_bracketed_paste(true);
        if let Some(path) = history {
            let opened = make_private(&path)
                .and_then(|()| FileBackedHistory::with_file(REMEMBERED, path.clone()).map_err(std::io::Error::from));
            match opened {
                Ok(history) => {
                    editor = editor.with_history(Box::new(history)).with_history_exclusion_prefix(Some(" ".to_owned()));
                }
                Err(error) => writeln!(notes, "no history: \"{}\" cannot be used ({error})", path.display())?,
            }
        }
        let prompt = DefaultPromptSegment::Basic("auditlake".to_owned());
        Ok(Self { editor, prompt: DefaultPrompt::new(prompt, DefaultPromptSegment::Empty) })
    }
}

impl Lines for Terminal {
    fn next(&mut self, _: bool) -> Result<Line, JobError> {
        let signal = self.editor.read_line(&self.prompt).map_err(|source| JobError::Local {
            action: "read",
            path: "terminal".to_owned(),
            source,
        })?;
        // At once, so that a session that is killed is remembered, too.
        if let Err(error) = self.editor.sync_history() {
            tracing::warn!(%error, "the history cannot be written");
        }
        Ok(match signal {
            Signal::Success(typed) => Line::Typed(typed),
            Signal::CtrlD => Line::End,
            _ => Line::Dropped,
        })
    }
}

/// Enter begins another line until a statement has ended.
struct Ended;

impl Validator for Ended {
    fn validate(&self, typed: &str) -> ValidationResult {
        match Cut::of(typed).open {
            None => ValidationResult::Complete,
            Some(_) => ValidationResult::Incomplete,
        }
    }
}

struct Completion(Names);

impl Completer for Completion {
    fn complete(&mut self, typed: &str, cursor: usize) -> CompletionResult {
        let (start, words) = self.0.complete(typed, cursor);
        let suggestion = |value: String| Suggestion { value, span: Span::new(start, cursor), ..Suggestion::default() };
        CompletionResult::fresh(words.into_iter().map(suggestion).collect::<Vec<_>>())
    }
}

/// The terminal's own colours: those of a library do not know what they stand on.
struct Plain;

impl Highlighter for Plain {
    fn highlight(&self, typed: &str, _: usize) -> StyledText {
        let mut text = StyledText::new();
        text.push((Color::Default.normal(), typed.to_owned()));
        text
    }
}
