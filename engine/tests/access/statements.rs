//! Statements made up from a seed: of everything that SQL has, right and wrong.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const TABLES: [&str; 2] = ["plain", "narrow"];
const COLUMNS: [&str; 12] =
    ["id", "tenant", "kind", "region", "actor", "address", "note", "person", "amount", "digits", "divisor", "at"];
/// Names that are not there for those who ask.
const FORBIDDEN: [&str; 5] = ["hidden", "secret", "marks_column", "absent", "auditlake.runs"];
const TEXTS: [&str; 6] = ["'MARK'", "'ta'", "'tb'", "'open'", "'%5%'", "''"];

/// Makes statements.
pub(crate) struct Maker {
    chance: ChaCha8Rng,
}

impl Maker {
    pub(crate) fn new(seed: u64) -> Self {
        Self { chance: ChaCha8Rng::seed_from_u64(seed) }
    }

    fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.choose(&mut self.chance).expect("a choice")
    }

    fn odds(&mut self, percent: u32) -> bool {
        self.chance.random_ratio(percent, 100)
    }

    /// A statement. What it makes of rows depends on nothing but the rows, however they come.
    pub(crate) fn statement(&mut self) -> String {
        match self.chance.random_range(0..100) {
            0..=3 => self.other(),
            4..=8 => format!("EXPLAIN {}", self.query(2)),
            9..=12 => self.catalog(),
            _ => self.query(3),
        }
    }

    fn other(&mut self) -> String {
        let (table, query) = (self.one_of(&TABLES), self.query(1));
        match self.chance.random_range(0..8) {
            0 => format!("COPY ({query}) TO '/tmp/auditlake-leak.csv'"),
            1 => format!("CREATE VIEW v AS {query}"),
            2 => format!("INSERT INTO {table} {query}"),
            3 => "SET datafusion.execution.batch_size = 1".to_owned(),
            4 => format!("EXPLAIN ANALYZE {query}"),
            5 => format!("DELETE FROM {table} WHERE {}", self.condition(2)),
            6 => format!("{query}; {query}"),
            _ => format!("PREPARE p AS {query}"),
        }
    }

    fn catalog(&mut self) -> String {
        let of = ["tables", "columns", "views", "schemata", "df_settings", "routines"];
        match self.chance.random_range(0..3) {
            0 => format!("SELECT count(*) AS n FROM information_schema.{}", self.one_of(&of)),
            1 => format!("SHOW COLUMNS FROM {}", self.one_of(&["plain", "narrow", "secret"])),
            _ => format!("DESCRIBE {}", self.one_of(&["plain", "narrow", "secret"])),
        }
    }

    fn query(&mut self, depth: u32) -> String {
        match self.chance.random_range(0..10) {
            0 => {
                let operator = self.one_of(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT"]);
                let (left, right) = (self.column(), self.column());
                format!(
                    "SELECT {left} FROM {} WHERE {} {operator} SELECT {right} FROM {}",
                    self.one_of(&TABLES),
                    self.condition(2),
                    self.one_of(&TABLES)
                )
            }
            1 if depth > 1 => format!("WITH c AS ({}) SELECT count(*) AS n FROM c", self.query(depth - 1)),
            2 if depth > 1 => format!("SELECT count(*) AS n FROM ({}) AS s", self.query(depth - 1)),
            3 => self.windowed(),
            4 => self.joined(),
            5 | 6 => self.grouped(),
            _ => self.selected(depth),
        }
    }

    fn selected(&mut self, depth: u32) -> String {
        let columns: Vec<String> =
            (0..self.chance.random_range(1..4)).map(|at| format!("{} AS c{at}", self.value(2))).collect();
        let star = if self.odds(10) { "*".to_owned() } else { columns.join(", ") };
        let mut sql = format!("SELECT {star} FROM {} t", self.one_of(&TABLES));
        if self.odds(15) {
            sql.push_str(", unnest([1, 2]) AS u(n)");
        }
        if self.odds(70) {
            sql.push_str(&format!(" WHERE {}", self.condition(depth)));
        }
        if self.odds(10) {
            sql.push_str(" LIMIT 0");
        }
        sql
    }

    fn grouped(&mut self) -> String {
        let (key, table) = (self.value(1), self.one_of(&TABLES));
        let figure = self.figure();
        let filter = if self.odds(60) { format!(" WHERE {}", self.condition(2)) } else { String::new() };
        match self.chance.random_range(0..3) {
            0 => format!("SELECT {figure} AS f FROM {table} t{filter}"),
            1 => format!("SELECT {key} AS k, {figure} AS f FROM {table} t{filter} GROUP BY {key}"),
            _ => format!(
                "SELECT {key} AS k, {figure} AS f FROM {table} t{filter} GROUP BY {key} HAVING {figure} IS NOT NULL"
            ),
        }
    }

    fn figure(&mut self) -> String {
        let value = self.value(2);
        match self.chance.random_range(0..6) {
            0 => "count(*)".to_owned(),
            1 => format!("count(DISTINCT {value})"),
            2 => format!("min({value})"),
            3 => format!("max({value})"),
            4 => format!("sum({})", self.number(2)),
            _ => format!("count({value})"),
        }
    }

    fn windowed(&mut self) -> String {
        let (by, order) = (self.column(), self.column());
        let function = self.one_of(&["rank()", "dense_rank()", "count(*)", "max(amount)", "min(note)"]);
        format!("SELECT id, {function} OVER (PARTITION BY {by} ORDER BY {order}) AS w FROM {} t", self.one_of(&TABLES))
    }

    fn joined(&mut self) -> String {
        let kind = self.one_of(&["JOIN", "LEFT JOIN", "FULL JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN"]);
        let (left, right) = (self.column(), self.column());
        let (one, other) = (self.one_of(&TABLES), self.one_of(&TABLES));
        let on = if self.odds(70) {
            format!("t.{left} = o.{right}")
        } else {
            format!("t.{left} = o.{left} AND {}", self.condition(1))
        };
        format!("SELECT count(*) AS n, min(t.{left}) AS f FROM {one} t {kind} {other} o ON {on}")
    }

    fn condition(&mut self, depth: u32) -> String {
        let value = self.value(1);
        match self.chance.random_range(0..if depth > 0 { 14 } else { 8 }) {
            0 => format!("{value} = {}", self.one_of(&TEXTS)),
            1 => format!("{} {} {}", self.number(2), self.one_of(&["<", "=", ">", "<>"]), self.number(1)),
            2 => format!("{value} IS NOT NULL"),
            3 => format!("{} LIKE {}", self.column(), self.one_of(&TEXTS)),
            4 => format!("CAST({} AS {}) > 5", self.column(), self.one_of(&["BIGINT", "DOUBLE", "INT"])),
            5 => format!("{} ~ '^MARK.*'", self.one_of(&["id", "note", "person", "actor"])),
            6 => format!("100 / {} >= 0", self.number(1)),
            7 => format!("{} IN ({}, {})", self.column(), self.one_of(&TEXTS), self.one_of(&TEXTS)),
            8 => format!("({} AND {})", self.condition(depth - 1), self.condition(depth - 1)),
            9 => format!("({} OR {})", self.condition(depth - 1), self.condition(depth - 1)),
            10 => format!("NOT ({})", self.condition(depth - 1)),
            11 => format!(
                "EXISTS (SELECT 1 FROM {} e WHERE e.{} = t.{})",
                self.one_of(&TABLES),
                self.column(),
                self.column()
            ),
            12 => format!("{} IN (SELECT {} FROM {})", self.column(), self.column(), self.one_of(&TABLES)),
            _ => format!(
                "amount > (SELECT {} FROM {} t)",
                self.one_of(&["max(amount)", "min(amount)", "count(*)"]),
                self.one_of(&TABLES)
            ),
        }
    }

    fn column(&mut self) -> &'static str {
        if self.odds(3) { self.one_of(&FORBIDDEN) } else { self.one_of(&COLUMNS) }
    }

    fn number(&mut self, depth: u32) -> String {
        match self.chance.random_range(0..if depth > 0 { 6 } else { 3 }) {
            0 => "amount".to_owned(),
            1 => "divisor".to_owned(),
            2 => self.chance.random_range(-3..900_000).to_string(),
            3 => format!("({} / {})", self.number(depth - 1), self.number(depth - 1)),
            4 => format!("CAST({} AS BIGINT)", self.column()),
            _ => format!("({} % {})", self.number(depth - 1), self.number(depth - 1)),
        }
    }

    fn value(&mut self, depth: u32) -> String {
        match self.chance.random_range(0..if depth > 0 { 9 } else { 3 }) {
            0..=2 => self.column().to_owned(),
            3 => format!("length({})", self.column()),
            4 => format!("concat({}, '-', {})", self.column(), self.column()),
            5 => format!("CASE WHEN {} THEN {} END", self.condition(0), self.column()),
            6 => format!("coalesce({}, {})", self.column(), self.column()),
            7 => format!("substr(CAST({} AS VARCHAR), 1, 6)", self.column()),
            _ => format!("CAST({} AS {})", self.column(), self.one_of(&["BIGINT", "TIMESTAMP", "BOOLEAN", "DATE"])),
        }
    }
}
