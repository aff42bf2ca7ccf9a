//! What was typed, cut into statements and commands.

use engine::Script;

/// A statement, or a command that begins with a backslash.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Statement(String),
    Command(String),
}

/// A text, cut; each piece with the line on which it begins.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) pieces: Vec<(usize, Piece)>,
    /// A statement without its `;`.
    pub(crate) open: Option<(usize, String)>,
}

impl Cut {
    /// Cuts `text`. A backslash where a statement would begin makes the rest of its line a command.
    pub(crate) fn of(text: &str) -> Self {
        let mut cut = Self::default();
        let (mut from, mut line, mut counted) = (0, 1, 0);
        loop {
            let script = Script::of(&text[from..]);
            let ended = script.ended.into_iter().map(|range| (range, false));
            let mut command = None;
            for (range, open) in ended.chain(script.open.map(|range| (range, true))) {
                let (start, end) = (from + range.start, from + range.end);
                line += text[counted..start].matches('\n').count();
                counted = start;
                let statement = &text[start..end];
                if statement.starts_with('\\') {
                    command = Some(start);
                    break;
                } else if open {
                    cut.open = Some((line, statement.to_owned()));
                } else {
                    cut.pieces.push((line, Piece::Statement(statement.to_owned())));
                }
            }
            let Some(start) = command else { return cut };
            from = text[start..].find('\n').map_or(text.len(), |length| start + length);
            cut.pieces.push((line, Piece::Command(text[start..from].trim().to_owned())));
        }
    }

    /// Every piece; the last statement of a text may go without its `;`.
    pub(crate) fn into_pieces(self) -> Vec<(usize, Piece)> {
        let open = self.open.map(|(line, statement)| (line, Piece::Statement(statement)));
        self.pieces.into_iter().chain(open).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_stand_between_statements() {
        let cut = Cut::of("\\d don't\n\nSELECT 1; \\format csv;\nSELECT\n2; SELECT '\\q\n");
        let statement = |line, text: &str| (line, Piece::Statement(text.to_owned()));
        let command = |line, text: &str| (line, Piece::Command(text.to_owned()));
        let pieces = [
            command(1, "\\d don't"),
            statement(3, "SELECT 1;"),
            command(3, "\\format csv;"),
            statement(4, "SELECT\n2;"),
        ];
        assert_eq!(cut, Cut { pieces: pieces.into(), open: Some((5, "SELECT '\\q\n".to_owned())) });
    }
}
