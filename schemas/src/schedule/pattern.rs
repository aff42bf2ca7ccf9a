//! The fields of a pattern, judged one by one: what the cron libraries say of a wrong one helps nobody, and some wrong
//! ones they read as something else (`MON` in the hour field is 1 o'clock).

use super::cron::Dialect;

/// Longest pattern: every minute of an hour, one by one, is shorter.
const LENGTH_MAX: usize = 400;

/// A field.
struct Field {
    name: &'static str,
    from: u32,
    to: u32,
    /// What stands for numbers, from `from` on.
    names: &'static [&'static str],
    /// What to write.
    write: &'static str,
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const MINUTE: Field = Field {
    name: "minute",
    from: 0,
    to: 59,
    names: &[],
    write: "*, 0 to 59, a list such as 0,30, a range such as 0-29, or a step such as */15",
};
const SECOND: Field = Field { name: "second", ..MINUTE };
const HOUR: Field = Field {
    name: "hour",
    from: 0,
    to: 23,
    names: &[],
    write: "*, 0 to 23, a list such as 6,18, a range such as 6-18, or a step such as */2",
};
const DAY: Field = Field {
    name: "day",
    from: 1,
    to: 31,
    names: &[],
    write: "*, 1 to 31, a list such as 1,15, a range such as 1-7, a step such as */2, L for the last day, or 15W for the \
            weekday nearest to the 15th",
};
const QUARTZ_DAY: Field =
    Field { write: "*, ?, 1 to 31, a list such as 1,15, a range such as 1-7, or a step such as */2", ..DAY };
const MONTH: Field = Field {
    name: "month",
    from: 1,
    to: 12,
    names: MONTHS,
    write: "*, 1 to 12 or JAN to DEC, a list such as 1,7, a range such as JAN-MAR, or a step such as */3",
};
const WEEKDAY: Field = Field {
    name: "weekday",
    from: 0,
    to: 7,
    names: WEEKDAYS,
    write: "*, SUN to SAT or 0 to 7, a list such as MON,THU, a range such as MON-FRI, MON#2 for the second Monday of the \
            month, FRIL for its last Friday, or +FRI for days that are a Friday and fit the day field",
};
const QUARTZ_WEEKDAY: Field =
    Field { from: 1, write: "*, ?, SUN to SAT, a list such as MON,THU, or a range such as MON-FRI", ..WEEKDAY };
const YEAR: Field = Field {
    name: "year",
    from: 1970,
    to: 2100,
    names: &[],
    write: "*, 1970 to 2100, a list such as 2026,2028, a range such as 2026-2030, or a step such as 2026/2",
};

const POSIX_FIELDS: &[Field] = &[MINUTE, HOUR, DAY, MONTH, WEEKDAY];
const QUARTZ_FIELDS: &[Field] = &[SECOND, MINUTE, HOUR, QUARTZ_DAY, MONTH, QUARTZ_WEEKDAY, YEAR];

/// Names for patterns: posix, then quartz.
const NICKNAMES: &[(&str, &str, &str)] = &[
    ("@hourly", "0 * * * *", "0 0 * * * ?"),
    ("@daily", "0 0 * * *", "0 0 0 * * ?"),
    ("@weekly", "0 0 * * SUN", "0 0 0 ? * SUN"),
    ("@monthly", "0 0 1 * *", "0 0 0 1 * ?"),
    ("@yearly", "0 0 1 1 *", "0 0 0 1 1 ?"),
];

/// A pattern that is right.
pub(super) fn example(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Posix => "0 6 * * *",
        Dialect::Quartz => "0 0 6 * * ?",
    }
}

/// The fields of a pattern, each of them right.
///
/// # Errors
/// A sentence that quotes the pattern and says what to write.
pub(super) fn fields(text: &str, dialect: Dialect) -> Result<Vec<String>, String> {
    if text.len() > LENGTH_MAX {
        return Err(format!("cron has {} characters; write at most {LENGTH_MAX}", text.chars().count()));
    }
    let pattern = if text.trim_start().starts_with('@') { nickname(text, dialect)? } else { text };
    let given: Vec<&str> = pattern.split_whitespace().collect();
    let (wanted, least) = match dialect {
        Dialect::Posix => (POSIX_FIELDS, 5),
        Dialect::Quartz => (QUARTZ_FIELDS, 6),
    };
    if given.is_empty() {
        return Err(format!("cron is empty; write for example {:?}", example(dialect)));
    }
    if !(least..=wanted.len()).contains(&given.len()) {
        return Err(wrong_count(text, given.len(), dialect));
    }
    for (field, given) in wanted.iter().zip(&given) {
        field.judge(given, dialect).map_err(|why| format!("cron {text:?}: {why}"))?;
    }
    Ok(given.into_iter().map(str::to_owned).collect())
}

fn nickname(text: &str, dialect: Dialect) -> Result<&'static str, String> {
    let given = text.trim();
    if given == "@reboot" {
        return Err(format!(
            "cron {text:?} is no time; a start runs what is due of itself, so write for example @daily"
        ));
    }
    let found = NICKNAMES.iter().find(|(name, ..)| *name == given);
    match (found, dialect) {
        (Some((_, posix, _)), Dialect::Posix) => Ok(posix),
        (Some((_, _, quartz)), Dialect::Quartz) => Ok(quartz),
        (None, _) => {
            let names: Vec<&str> = NICKNAMES.iter().map(|(name, ..)| *name).collect();
            Err(format!("cron {text:?} does not exist; names are: {}", names.join(", ")))
        }
    }
}

fn wrong_count(text: &str, count: usize, dialect: Dialect) -> String {
    const WORDS: [&str; 8] = ["no", "one", "two", "three", "four", "five", "six", "seven"];
    let counted = match WORDS.get(count) {
        Some(&word) if count == 1 => format!("{word} field"),
        Some(word) => format!("{word} fields"),
        None => format!("{count} fields"),
    };
    let example = example(dialect);
    match (dialect, count) {
        (Dialect::Posix, 6 | 7) => format!(
            "cron {text:?} has {counted}; seconds and years are read with dialect: quartz, so add that, or write five: \
             minute hour day month weekday, for example {example:?}"
        ),
        (Dialect::Posix, _) => {
            format!("cron {text:?} has {counted}; five are: minute hour day month weekday, for example {example:?}")
        }
        (Dialect::Quartz, _) => format!(
            "cron {text:?} has {counted}; with dialect: quartz six are: second minute hour day month weekday, and a \
             year may follow, for example {example:?}"
        ),
    }
}

impl Field {
    fn judge(&self, given: &str, dialect: Dialect) -> Result<(), String> {
        let items = match (self.name, dialect) {
            ("weekday", Dialect::Posix) => given.strip_prefix('+').unwrap_or(given),
            _ => given,
        };
        let wrong = |why: &str| Err(format!("{} {given:?} {why}; write {}", self.name, self.write));
        let items: Vec<&str> = items.split(',').collect();
        if items.len() > 1 && items.contains(&"*") {
            return wrong("has a * in a list");
        }
        if ["L", "LW"].iter().all(|last| items.iter().any(|item| item.eq_ignore_ascii_case(last))) {
            return wrong("names both L and LW, of which one is read");
        }
        for item in items {
            if self.fits(item, dialect) {
                continue;
            }
            let range = item.split('/').next().unwrap_or(item);
            return match dialect {
                Dialect::Quartz if self.is_of_month(item) => wrong("is not known to dialect: quartz"),
                Dialect::Quartz if self.name == "weekday" && range.contains(|c: char| c.is_ascii_digit()) => {
                    wrong("is a number, and with dialect: quartz 1 is Sunday, elsewhere Monday")
                }
                Dialect::Posix if item == "?" && matches!(self.name, "day" | "weekday") => {
                    wrong("is for dialect: quartz alone")
                }
                _ if self.numbers(range).is_some_and(|(from, to)| from > to) => wrong("runs backwards"),
                Dialect::Posix if item != range && digits(range).is_some() && self.number(range).is_some() => {
                    let step = item.strip_prefix(range).unwrap_or_default();
                    let Self { name, to, .. } = self;
                    Err(format!("{name} {given:?} has a step without a range; write {range}-{to}{step}"))
                }
                _ => wrong("does not exist"),
            };
        }
        Ok(())
    }

    /// Whether one part of a list is right.
    fn fits(&self, item: &str, dialect: Dialect) -> bool {
        let is_quartz = dialect == Dialect::Quartz;
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        if let Some(step) = step
            && !digits(step).is_some_and(|step| (1..=self.to).contains(&step))
        {
            return false;
        }
        match range {
            "*" => true,
            "?" => is_quartz && step.is_none() && matches!(self.name, "day" | "weekday"),
            _ if is_quartz && self.name == "weekday" && range.contains(|c: char| c.is_ascii_digit()) => false,
            _ if range.contains('-') => self.numbers(range).is_some_and(|(from, to)| from <= to),
            // A step from a number on is quartz alone, and its library wants the number.
            _ if step.is_some() => is_quartz && digits(range).is_some() && self.number(range).is_some(),
            _ => self.number(range).is_some() || (!is_quartz && self.is_of_month(range)),
        }
    }

    /// A day by its place in the month: `L`, `LW`, `15W`, `MON#2`, `FRIL`.
    fn is_of_month(&self, item: &str) -> bool {
        let item = item.to_ascii_uppercase();
        match self.name {
            "day" => {
                let weekday_near = |day: &str| digits(day).and_then(|_| self.number(day)).is_some();
                matches!(item.as_str(), "L" | "LW") || item.strip_suffix('W').is_some_and(weekday_near)
            }
            "weekday" => match item.split_once('#') {
                Some((day, nth)) => self.number(day).is_some() && matches!(nth, "1" | "2" | "3" | "4" | "5"),
                None => item.strip_suffix('L').is_some_and(|day| self.number(day).is_some()),
            },
            _ => false,
        }
    }

    /// The ends of `1-5` or `MON-FRI`.
    fn numbers(&self, range: &str) -> Option<(u32, u32)> {
        let (from, to) = range.split_once('-')?;
        // croner ends a range with the Sunday behind Saturday; from Sunday on that is a week, which nobody means by it.
        let is_sunday = self.from == 0 && to.eq_ignore_ascii_case("SUN");
        let end = if is_sunday { self.to } else { self.number(to)? };
        Some((self.number(from)?, end)).filter(|_| !from.eq_ignore_ascii_case(to))
    }

    /// The number of `5` or `FRI`.
    fn number(&self, item: &str) -> Option<u32> {
        if let Some(number) = digits(item) {
            return Some(number).filter(|number| (self.from..=self.to).contains(number));
        }
        let at = self.names.iter().position(|name| name.eq_ignore_ascii_case(item))?;
        Some(u32::try_from(at).ok()?.saturating_add(self.from))
    }
}

/// A number in at most four digits.
fn digits(text: &str) -> Option<u32> {
    let is_number = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}
