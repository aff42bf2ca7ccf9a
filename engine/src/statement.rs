//! Which statements may run: one, and only if it reads. The parsed form decides, not the text.

mod depth;

use std::ops::ControlFlow;

use datafusion::execution::context::SessionState;
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast::{self, Value, VisitMut, VisitorMut};
use schemas::Limit;

use crate::error::EngineError;

pub(crate) use depth::depth;

/// Operators in one another that anybody may write: a planner that is recursive has room for so many.
const DEPTH_MAX: u64 = 2_000;

/// Parses `sql` into the one reading statement it holds.
///
/// # Errors
/// When it does not parse, holds several statements, or one that does more than read.
pub(crate) fn reading(state: &SessionState, sql: &str) -> Result<Statement, EngineError> {
    if depth(sql) > DEPTH_MAX {
        return Err(EngineError::limit(Limit::Depth, depth(sql), DEPTH_MAX));
    }
    let dialect = state.config_options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect).map_err(|source| EngineError::sql("parsed", source))?;
    let refused = |what: &str| Err(EngineError::NotReading { what: what.to_owned() });
    match &statement {
        Statement::Statement(inner) => match inner.as_ref() {
            ast::Statement::Query(query) => match query.body.as_ref() {
                ast::SetExpr::Insert(_) | ast::SetExpr::Update(_) | ast::SetExpr::Delete(_) => {
                    refused("a query that writes")
                }
                ast::SetExpr::Select(select) if select.into.is_some() => refused("SELECT … INTO, which writes"),
                _ => Ok(statement),
            },
            ast::Statement::ShowTables { .. }
            | ast::Statement::ShowColumns { .. }
            | ast::Statement::ExplainTable { .. } => Ok(statement),
            other => refused(&format!("\"{}\"", first_words(&other.to_string()))),
        },
        Statement::Explain(explain) => match explain.statement.as_ref() {
            Statement::Statement(inner) if matches!(inner.as_ref(), ast::Statement::Query(_)) => Ok(statement),
            _ => refused("EXPLAIN of something that is not a query"),
        },
        other => refused(&format!("\"{}\"", first_words(&other.to_string()))),
    }
}

fn first_words(text: &str) -> String {
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// The statement with a `?` in place of every literal, for records that must hold none; nothing where it does not parse.
pub fn without_literals(sql: &str) -> Option<String> {
    struct Literals;
    impl VisitorMut for Literals {
        type Break = ();
        fn pre_visit_value(&mut self, value: &mut ast::ValueWithSpan) -> ControlFlow<()> {
            value.value = Value::Placeholder("?".to_owned());
            ControlFlow::Continue(())
        }
    }
    if depth(sql) > DEPTH_MAX {
        return None;
    }
    let mut parsed = DFParser::parse_sql(sql).ok()?;
    let mut inner = match (parsed.pop_front()?, parsed.is_empty()) {
        (Statement::Statement(inner), true) => inner,
        (Statement::Explain(explain), true) => match *explain.statement {
            Statement::Statement(inner) => inner,
            _ => return None,
        },
        _ => return None,
    };
    match inner.visit(&mut Literals) {
        ControlFlow::Continue(()) => Some(inner.to_string()),
        ControlFlow::Break(()) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_literal_is_left() {
        let told =
            without_literals("SELECT a, 'secret' || b FROM t WHERE n IN (1, 2.5) AND d > DATE '2026-01-01' LIMIT 7");
        let told = told.expect("parses");
        assert!(!told.contains(|letter: char| letter.is_ascii_digit()) && !told.contains("secret"), "{told}");
        assert_eq!(without_literals("SELEC 'x'"), None);
        assert_eq!(without_literals("SELECT 1; SELECT 2"), None);
    }
}
