//! Which statements may run: one, and only if it reads. The parsed form decides, not the text.

use datafusion::execution::context::SessionState;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;

use crate::error::EngineError;

/// Parses `sql` into the one reading statement it holds.
///
/// # Errors
/// When it does not parse, holds several statements, or one that does more than read.
pub(crate) fn reading(state: &SessionState, sql: &str) -> Result<Statement, EngineError> {
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
