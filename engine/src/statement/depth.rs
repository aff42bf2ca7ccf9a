//! How deep the expressions of a statement are, before anything recursive looks at them.
//!
//! `a + b + c` is an operator inside an operator: a long chain is a deep tree, and what walks a tree takes a step of its
//! stack for each. The figure is an upper bound, counted over the tokens without any recursion.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// Operators that may stand in one another, at most; none where the text has no tokens, as the parser will say.
pub(crate) fn depth(sql: &str) -> u64 {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else { return 0 };
    let mut open = vec![Level::default()];
    for token in tokens {
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => open.push(Level::default()),
            Token::RParen | Token::RBracket | Token::RBrace => close(&mut open),
            Token::Comma | Token::SemiColon => last(&mut open).ends(),
            Token::Word(word) => of_word(word.keyword, &mut open),
            Token::Whitespace(_)
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::Period
            | Token::EOF => {}
            _ => last(&mut open).here += 1,
        }
    }
    // What was never closed does not parse, and is deep all the same.
    open.iter().map(Level::deepest).sum()
}

/// What stands between two brackets, or between CASE and END.
#[derive(Debug, Default)]
struct Level {
    /// Operators since the expression began.
    here: u64,
    /// The most of those before.
    before: u64,
    /// Joins and set operations, which stand in one another whatever lies between.
    around: u64,
}

impl Level {
    /// An expression ends, and another begins beside it.
    fn ends(&mut self) {
        self.before = self.here.max(self.before);
        self.here = 0;
    }

    fn deepest(&self) -> u64 {
        self.here.max(self.before) + self.around
    }
}

fn last(open: &mut Vec<Level>) -> &mut Level {
    if open.is_empty() {
        open.push(Level::default());
    }
    let at = open.len() - 1;
    &mut open[at]
}

fn close(open: &mut Vec<Level>) {
    if open.len() > 1 {
        let inner = open.pop().map(|level| level.deepest()).unwrap_or_default();
        last(open).here += inner + 1;
    }
}

fn of_word(keyword: Keyword, open: &mut Vec<Level>) {
    match keyword {
        Keyword::AND
        | Keyword::OR
        | Keyword::NOT
        | Keyword::LIKE
        | Keyword::ILIKE
        | Keyword::IS
        | Keyword::IN
        | Keyword::BETWEEN
        | Keyword::COLLATE
        | Keyword::AT => last(open).here += 1,
        Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::JOIN => {
            last(open).ends();
            last(open).around += 1;
        }
        Keyword::SELECT
        | Keyword::FROM
        | Keyword::WHERE
        | Keyword::GROUP
        | Keyword::HAVING
        | Keyword::QUALIFY
        | Keyword::ORDER
        | Keyword::ON
        | Keyword::WHEN
        | Keyword::THEN
        | Keyword::ELSE => last(open).ends(),
        Keyword::CASE => open.push(Level::default()),
        Keyword::END => close(open),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_and_brackets_are_deep_and_lists_are_not() {
        for (sql, expected) in [
            ("SELECT a + b + c FROM t", 2),
            ("SELECT a, b, c FROM t WHERE n IN (1, 2, 3, 4)", 2),
            ("SELECT ((a))", 2),
            ("SELECT f(a + b, c) + 1", 3),
            ("SELECT 'a + b + c' || x -- + + +", 1),
            ("SELECT a::int::text", 2),
            ("SELECT (((", 0),
            ("SELECT a + b FROM t UNION ALL SELECT c FROM t UNION ALL SELECT d + e FROM t", 3),
            ("SELECT CASE WHEN a > 1 THEN b WHEN c > 2 AND d THEN e ELSE f END", 3),
        ] {
            assert_eq!(depth(sql), expected, "{sql}");
        }
        assert_eq!(depth(&format!("SELECT 1{}", "+1".repeat(9_000))), 9_000);
        assert_eq!(depth(&format!("SELECT 1{}", "+CASE WHEN a THEN 1 END".repeat(900))), 1_800);
        assert_eq!(depth(&format!("SELECT {}1{}", "(".repeat(9_000), ")".repeat(9_000))), 9_000);
    }
}
