//! SQL of a control with its parameters in place: parsed, bound as literals, printed again.
//!
//! A value becomes a node of the parsed tree, never a piece of text, so no value can change what a
//! statement says. What is printed is what runs. Absent: planning.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Array, Expr, Ident, ObjectName, Query, Select, SelectItem, SetExpr, Statement, Value, ValueWithSpan, VisitMut,
    VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::{
    ALL_KEYWORDS, ALL_KEYWORDS_INDEX, RESERVED_FOR_COLUMN_ALIAS, RESERVED_FOR_IDENTIFIER, RESERVED_FOR_TABLE_ALIAS,
};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;
use schemas::{Interval, ParamValue};

/// Why the SQL of a control is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// It does not parse.
    #[error("{what} does not parse")]
    Syntax {
        what: &'static str,
        #[source]
        source: ParserError,
    },
    /// More follows where the SQL should end.
    #[error("{what} has text after its end: \"{rest}\"")]
    Trailing { what: &'static str, rest: String },
    /// A placeholder that nothing stands behind.
    #[error("{what} uses {name}, which is no parameter; declare it under params")]
    Unknown { what: &'static str, name: String },
    /// `SELECT *`.
    #[error("{what} says SELECT *; name its columns, so that a missing one is noticed")]
    Star { what: &'static str },
    /// A statement that does more than select.
    #[error("{what} is not a SELECT")]
    NotSelect { what: &'static str },
    /// A table that is not named in `reads` or `from`.
    #[error("{what} reads table \"{table}\", which the control does not name")]
    Table { what: &'static str, table: String },
    /// A named subquery that hides a dataset.
    #[error("{what} gives the name of dataset \"{table}\" to a subquery; choose another name")]
    Shadow { what: &'static str, table: String },
    /// A subquery where there is only one row to look at.
    #[error("{what} has a subquery; a control over rows looks at one row at a time, use form sql for more")]
    Subquery { what: &'static str },
    /// A function that gives another answer next year.
    #[error("{what} calls {function}(), whose answer is not the same next year; use $start or $end")]
    Volatile { what: &'static str, function: String },
}

/// Parameters as literals, and the tables that may be read.
#[derive(Debug)]
pub(crate) struct Binder<'a> {
    literals: BTreeMap<String, Expr>,
    reads: BTreeSet<&'a str>,
}

impl<'a> Binder<'a> {
    /// Literals for `params`, `$start`, `$end` and `$timezone`.
    pub(crate) fn new(
        params: &BTreeMap<String, ParamValue>,
        interval: Interval,
        timezone: &str,
        reads: BTreeSet<&'a str>,
    ) -> Self {
        let mut literals: BTreeMap<String, Expr> =
            params.iter().map(|(name, value)| (format!("${name}"), literal(value))).collect();
        literals.insert("$start".to_owned(), expression_of(&instant(interval.start)));
        literals.insert("$end".to_owned(), expression_of(&instant(interval.end)));
        literals.insert("$timezone".to_owned(), text(timezone));
        Self { literals, reads }
    }

    /// An expression over one row; `what` names it in messages.
    pub(crate) fn expression(&self, what: &'static str, sql: &str) -> Result<String, Refused> {
        let mut parser = parser(what, sql)?;
        let mut parsed = parser.parse_expr().map_err(|source| Refused::Syntax { what, source })?;
        at_end(what, &parser)?;
        let mut walk = Walk { binder: self, what, subqueries: false, named: BTreeSet::new() };
        broken(parsed.visit(&mut walk))?;
        Ok(parsed.to_string())
    }

    /// A whole `SELECT`; its named subqueries must not be called like a dataset.
    pub(crate) fn query(
        &self,
        what: &'static str,
        sql: &str,
        is_dataset: &dyn Fn(&str) -> bool,
    ) -> Result<String, Refused> {
        let mut parser = parser(what, sql)?;
        let statement = parser.parse_statement().map_err(|source| Refused::Syntax { what, source })?;
        while parser.consume_token(&Token::SemiColon) {}
        at_end(what, &parser)?;
        let Statement::Query(mut query) = statement else { return Err(Refused::NotSelect { what }) };
        let mut names = Names::default();
        if query.visit(&mut names).is_break() {
            return Err(Refused::NotSelect { what });
        }
        if let Some(table) = names.0.iter().find(|name| is_dataset(name)) {
            return Err(Refused::Shadow { what, table: table.clone() });
        }
        let mut walk = Walk { binder: self, what, subqueries: true, named: names.0 };
        broken(query.visit(&mut walk))?;
        Ok(query.to_string())
    }
}

/// A name as it stands in SQL: quoted only where it must be.
pub(crate) fn name(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let reserved = ALL_KEYWORDS.binary_search(&name.to_uppercase().as_str()).is_ok_and(|at| {
        let keyword = &ALL_KEYWORDS_INDEX[at];
        RESERVED_FOR_TABLE_ALIAS.contains(keyword)
            || RESERVED_FOR_COLUMN_ALIAS.contains(keyword)
            || RESERVED_FOR_IDENTIFIER.contains(keyword)
    });
    if plain && !reserved { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// An instant with exactly the type of time columns, so that comparing casts no column.
pub(crate) fn instant(at: chrono::DateTime<chrono::Utc>) -> String {
    format!("arrow_cast('{}', 'Timestamp(Microsecond, Some(\"UTC\"))')", schemas::rfc3339(at))
}

fn literal(value: &ParamValue) -> Expr {
    match value {
        ParamValue::Bool(value) => Expr::value(Value::Boolean(*value)),
        ParamValue::Int(i64::MIN) => expression_of("CAST('-9223372036854775808' AS bigint)"),
        ParamValue::Int(value) if *value < 0 => expression_of(&format!("({value})")),
        ParamValue::Int(value) => Expr::value(Value::Number(value.to_string(), false)),
        ParamValue::Text(value) => text(value),
        // An empty list has no type of its own.
        ParamValue::Texts(values) if values.is_empty() => expression_of("arrow_cast([], 'List(Utf8)')"),
        ParamValue::Texts(values) => {
            Expr::Array(Array { elem: values.iter().map(|value| text(value)).collect(), named: false })
        }
    }
}

fn text(value: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(value.to_owned()))
}

/// An expression of our own, known to parse.
fn expression_of(sql: &str) -> Expr {
    let parsed = Parser::new(&GenericDialect {}).try_with_sql(sql).and_then(|mut parser| parser.parse_expr());
    parsed.unwrap_or_else(|_| Expr::Identifier(Ident::new("unparsed literal")))
}

fn parser(what: &'static str, sql: &str) -> Result<Parser<'static>, Refused> {
    Parser::new(&GenericDialect {}).try_with_sql(sql).map_err(|source| Refused::Syntax { what, source })
}

fn at_end(what: &'static str, parser: &Parser<'_>) -> Result<(), Refused> {
    match parser.peek_token_ref().token {
        Token::EOF => Ok(()),
        ref rest => Err(Refused::Trailing { what, rest: rest.to_string() }),
    }
}

fn broken(walked: ControlFlow<Refused>) -> Result<(), Refused> {
    match walked {
        ControlFlow::Break(refused) => Err(refused),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Names given to subqueries; breaks where something other than a `SELECT` stands.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl VisitorMut for Names {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let Some(with) = &query.with {
            self.0.extend(with.cte_tables.iter().map(|cte| normal(&cte.alias.name)));
        }
        if selects(&query.body) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

fn selects(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.into.is_none(),
        SetExpr::Query(_) | SetExpr::Values(_) => true,
        SetExpr::SetOperation { left, right, .. } => selects(left) && selects(right),
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) | SetExpr::Table(_) => false,
    }
}

fn normal(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}

struct Walk<'a> {
    binder: &'a Binder<'a>,
    what: &'static str,
    subqueries: bool,
    named: BTreeSet<String>,
}

impl VisitorMut for Walk<'_> {
    type Break = Refused;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Refused> {
        if self.subqueries {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(Refused::Subquery { what: self.what })
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Refused> {
        let star = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
        if select.projection.iter().any(star) {
            return ControlFlow::Break(Refused::Star { what: self.what });
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Refused> {
        let known = match relation.0.as_slice() {
            [part] => part
                .as_ident()
                .map(normal)
                .is_some_and(|name| self.binder.reads.contains(name.as_str()) || self.named.contains(&name)),
            _ => false,
        };
        if known {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(Refused::Table { what: self.what, table: relation.to_string() })
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Refused> {
        let Expr::Value(ValueWithSpan { value: Value::Placeholder(name), .. }) = expr else {
            return ControlFlow::Continue(());
        };
        match self.binder.literals.get(name) {
            Some(literal) => *expr = literal.clone(),
            None => return ControlFlow::Break(Refused::Unknown { what: self.what, name: name.clone() }),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<Refused> {
        match &mut value.value {
            // sqlparser prints a quote that follows a quote or a backslash as it stands, because it takes
            // it for escaped; so it gets text that is.
            Value::SingleQuotedString(text) => *text = text.replace('\'', "''"),
            Value::Placeholder(name) => {
                return ControlFlow::Break(Refused::Unknown { what: self.what, name: name.clone() });
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binder(params: &[(&str, ParamValue)]) -> Binder<'static> {
        let interval = Interval {
            start: schemas::parse_rfc3339("2026-03-01T00:00:00Z").expect("reads"),
            end: schemas::parse_rfc3339("2026-03-02T00:00:00Z").expect("reads"),
        };
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Binder::new(&params, interval, "Europe/Berlin", BTreeSet::from(["audit"]))
    }

    #[track_caller]
    fn check(value: ParamValue, printed: &str) {
        assert_eq!(binder(&[("x", value)]).expression("test", "a = $x").expect("binds"), format!("a = {printed}"));
    }

    #[test]
    fn values_become_literals_and_nothing_else() {
        check(ParamValue::Bool(true), "true");
        check(ParamValue::Int(-3), "(-3)");
        check(ParamValue::Int(i64::MIN), "CAST('-9223372036854775808' AS BIGINT)");
        check(ParamValue::Text("it's".into()), "'it''s'");
        check(ParamValue::Text(r"\' OR true --".into()), r"'\'' OR true --'");
        check(ParamValue::Text("''".into()), "''''''");
        check(ParamValue::Text("$start".into()), "'$start'");
        check(ParamValue::Texts(vec![]), "arrow_cast([], 'List(Utf8)')");
        check(ParamValue::Texts(vec!["a".into(), "'".into()]), "['a', '''']");
    }

    #[track_caller]
    fn refused(sql: &str, message: &str) {
        let is_dataset = |name: &str| ["audit", "identity"].contains(&name);
        assert_eq!(binder(&[]).query("population", sql, &is_dataset).expect_err("refused").to_string(), message);
    }

    #[test]
    fn what_is_not_a_plain_select_over_named_tables_is_refused() {
        refused("SELECT * FROM audit", "population says SELECT *; name its columns, so that a missing one is noticed");
        refused(
            "SELECT a.* FROM audit AS a",
            "population says SELECT *; name its columns, so that a missing one is noticed",
        );
        refused("DELETE FROM audit", "population is not a SELECT");
        refused("SELECT n FROM identity", "population reads table \"identity\", which the control does not name");
        refused(
            "SELECT n FROM public.audit",
            "population reads table \"public.audit\", which the control does not name",
        );
        refused(
            "WITH identity AS (SELECT n FROM audit) SELECT n FROM identity",
            "population gives the name of dataset \"identity\" to a subquery; choose another name",
        );
        refused(
            "SELECT $nothing FROM audit",
            "population uses $nothing, which is no parameter; declare it under params",
        );
        refused("SELECT n FROM audit; SELECT n FROM audit", "population has text after its end: \"SELECT\"");
        let nested = binder(&[]).expression("violation", "a IN (SELECT b FROM audit)").expect_err("refused");
        assert_eq!(nested, Refused::Subquery { what: "violation" });
    }
}
