//! A text of several statements, cut where the parser's own tokenizer sees a `;`.
//!
//! A `;` inside quotes, dollar quotes or comments ends nothing. Absent: whether a statement is right; that is said
//! when it is planned.

use std::ops::Range;

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

/// Where the statements of a text stand, in bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    /// Statements with the `;` that ends each; a `;` after nothing but blanks and comments is none.
    pub ended: Vec<Range<usize>>,
    /// What follows the last `;`, where it is more than blanks and comments.
    pub open: Option<Range<usize>>,
}

impl Script {
    /// Cuts `text` into its statements.
    pub fn of(text: &str) -> Self {
        let mut tokens = Vec::new();
        let read = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location_into_buf(&mut tokens);
        let mut places = Places::of(text);
        let mut script = Self { ended: Vec::new(), open: None };
        let mut start = None;
        let mut behind = 0;
        for TokenWithSpan { token, span } in tokens {
            match token {
                Token::Whitespace(_) => {}
                Token::SemiColon => {
                    let end = places.byte(span.end);
                    script.ended.extend(start.take().map(|start| start..end));
                }
                _ if start.is_none() => start = Some(places.byte(span.start)),
                _ => {}
            }
            behind = behind.max(places.byte(span.end));
        }
        // What the tokenizer refuses is a quote or comment that goes on: more text may end it.
        let refused = || behind + text[behind..].len() - text[behind..].trim_start().len();
        let open = start.or_else(|| read.is_err().then(refused));
        script.open = open.map(|start| start..text.len());
        script
    }
}

/// Finds the bytes of places that come in order.
struct Places<'a> {
    rest: std::str::CharIndices<'a>,
    at: Location,
    byte: usize,
}

impl<'a> Places<'a> {
    fn of(text: &'a str) -> Self {
        Self { rest: text.char_indices(), at: Location { line: 1, column: 1 }, byte: 0 }
    }

    fn byte(&mut self, place: Location) -> usize {
        while self.at < place {
            let Some((_, letter)) = self.rest.next() else { break };
            self.at = match letter {
                '\n' => Location { line: self.at.line + 1, column: 1 },
                _ => Location { line: self.at.line, column: self.at.column + 1 },
            };
            self.byte = self.rest.offset();
        }
        self.byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, ended: &[&str], open: Option<&str>) {
        let script = Script::of(text);
        let found: Vec<&str> = script.ended.into_iter().map(|range| &text[range]).collect();
        assert_eq!((found, script.open.map(|range| &text[range])), (ended.to_vec(), open));
    }

    #[test]
    fn statements_end_at_semicolons() {
        check("SELECT 1; SELECT 'é';\nSELECT 3", &["SELECT 1;", "SELECT 'é';"], Some("SELECT 3"));
        check("SELECT 1;\r\nSELECT 2;\r\n", &["SELECT 1;", "SELECT 2;"], None);
    }

    #[test]
    fn a_semicolon_in_quotes_or_comments_ends_nothing() {
        for one in [
            "SELECT ';';",
            "SELECT 'it''s;';",
            "SELECT \";\";",
            "SELECT `;`;",
            "SELECT $$a;b$$;",
            "SELECT $x$a;$$b;$x$;",
            "SELECT E'a\\';b';",
            "SELECT 1 -- one;\n;",
            "SELECT /* ; /* ; */ ; */ 1;",
        ] {
            check(one, &[one], None);
            check(&format!("{one}{one}"), &[one, one], None);
        }
    }

    #[test]
    fn an_open_quote_or_comment_goes_on() {
        for open in ["SELECT ';", "SELECT \";", "SELECT $$;", "SELECT $x$;$$;", "SELECT 1 /* ;", "'", "/* ;", "E'\\';"]
        {
            check(open, &[], Some(open));
            check(&format!("SELECT 1; \n{open}"), &["SELECT 1;"], Some(open));
        }
    }

    #[test]
    fn nothing_but_blanks_and_comments_is_no_statement() {
        for nothing in ["", " \n", ";", ";;\n;", "-- one;", "-- one;\n", "/* one; */ ;", " ; -- one\n ; /* two */"] {
            check(nothing, &[], None);
        }
        check("-- first\nSELECT 1;", &["SELECT 1;"], None);
    }
}
