//! Judges a tree against the JSON Schema of its raw type, and reports everything that does not fit.
//!
//! It knows the part of JSON Schema that `schemars` writes for `raw.rs`, and no more. One source for what editors
//! show and what is refused; the typed reading behind it then meets no surprise.

use serde_json::Value;

use super::later;
use super::nearest::nearest;
use super::problem::{Place, Problems};
use super::yaml::{Node, Tree};

/// Reports every unknown, missing and misshapen key of a file. Whether its type can be read all the same: unknown keys
/// do not hinder that, so what is wrong with the values is said with them.
pub(super) fn judge(document: &'static str, schema: &Value, node: &Node, problems: &mut Problems) -> bool {
    let mut judge = Judge { document, root: schema, problems, readable: true };
    judge.node(schema, node, document, "");
    judge.readable
}

struct Judge<'a> {
    document: &'static str,
    root: &'a Value,
    problems: &'a mut Problems,
    readable: bool,
}

impl<'a> Judge<'a> {
    /// Something is missing or of the wrong shape, so the type cannot be read.
    fn misshapen(&mut self, place: Place, message: String) {
        self.readable = false;
        self.problems.add(place, message);
    }

    /// One node against its schema; `name` is what messages call it, `path` the keys that it stands in, with dots.
    fn node(&mut self, schema: &'a Value, node: &Node, name: &str, path: &str) {
        let schema = self.resolved(schema);
        if is_free(schema) {
            return;
        }
        if let Some(word) = schema.get("const") {
            return self.word(&[word.as_str().unwrap_or_default()], node, name);
        }
        if let Some(words) = words(schema) {
            return self.word(&words, node, name);
        }
        let is_mapping = schema.get("properties").is_some();
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array).filter(|_| !is_mapping) {
            return self.choice(choices, node, name, path);
        }
        let wanted = wanted_type(schema);
        match (wanted, &node.value) {
            ("object", Tree::Map(entries)) => self.mapping(schema, node.place, entries, name, path),
            ("array", Tree::List(items)) => {
                let Some(item_schema) = schema.get("items") else { return };
                items.iter().for_each(|item| self.node(item_schema, item, name, path));
            }
            // A number or a boolean without quotes is read as the text that stands there.
            ("string", Tree::Text(_) | Tree::Int(_) | Tree::Float(_) | Tree::Bool(_)) => {}
            ("boolean", Tree::Bool(_)) => {}
            ("integer", Tree::Int(value)) => self.number(schema, *value, node.place, name),
            (_, Tree::Null) => {
                self.misshapen(node.place, format!("{name} has no value; give it one or leave the key out"));
            }
            (_, found) => {
                let wanted = wanted_phrase(wanted);
                self.misshapen(node.place, format!("{name} must be {wanted}; found {}", found.describe()));
            }
        }
    }

    fn mapping(&mut self, schema: &'a Value, place: Place, entries: &[(Node, Node)], name: &str, path: &str) {
        let known = schema.get("properties").and_then(Value::as_object);
        for (key, value) in entries {
            let Some(key_text) = key_text(&key.value) else {
                self.misshapen(key.place, format!("a key of {name} must be a text; found {}", key.value.describe()));
                continue;
            };
            let key_path = if path.is_empty() { key_text.clone() } else { format!("{path}.{key_text}") };
            match (known.and_then(|known| known.get(&key_text)), schema.get("additionalProperties")) {
                (Some(of_key), _) => self.node(of_key, value, &key_text, &key_path),
                (None, Some(of_any @ Value::Object(_))) => self.node(of_any, value, &key_text, &key_path),
                (None, _) => {
                    let known: Vec<&str> = known.into_iter().flatten().map(|(key, _)| key.as_str()).collect();
                    let message = self.unknown_key(&key_text, &known, &key_path);
                    self.problems.add(key.place, message);
                }
            }
        }
        let has = |key: &str| entries.iter().any(|(name, _)| name.value.text() == Some(key));
        let one_of = schema.get("anyOf").and_then(Value::as_array).map(|choices| choices.iter().flat_map(required));
        // Where one of several is required, the first is asked for.
        let lacking = one_of.into_iter().filter_map(|mut keys| {
            let first = keys.next()?;
            Some(first).filter(|_| !has(first) && !keys.any(has))
        });
        for key in required(schema).filter(|key| !has(key)).chain(lacking) {
            self.misshapen(place, missing(key, known.and_then(|known| known.get(key))));
        }
    }

    fn unknown_key(&self, key: &str, known: &[&str], path: &str) -> String {
        if let Some(instead) = later::key(self.document, path) {
            return format!("key \"{key}\" is not in this version; {instead}");
        }
        let offer = nearest(key, known.iter().copied()).map(|near| format!("; did you mean \"{near}\"?"));
        format!("unknown key {key:?}{} keys are: {}", offer.as_deref().unwrap_or(";"), known.join(", "))
    }

    fn word(&mut self, words: &[&str], node: &Node, name: &str) {
        // A word of another version may take a value: `{allow: 3}`.
        let later = match &node.value {
            Tree::Map(entries) => entries.first().and_then(|(key, _)| key.value.text()),
            _ => None,
        };
        if let Some((given, instead)) = later.and_then(|given| Some((given, later::word(name, given)?))) {
            return self.misshapen(node.place, format!("{name}: {given} is not in this version: {instead}"));
        }
        let Some(given) = node.value.text() else {
            let message = format!("{name} must be one of {}; found {}", words.join(", "), node.value.describe());
            return self.misshapen(node.place, message);
        };
        if words.contains(&given) {
            return;
        }
        if let Some(instead) = later::word(name, given) {
            return self.misshapen(node.place, format!("{name}: {given} is not in this version: {instead}"));
        }
        let choices = words.join(", ");
        let message = match (name, nearest(given, words.iter().copied())) {
            ("format", _) if later::FORMATS.contains(&given) => {
                format!("format {given:?} does not exist in this version; formats are: {choices}")
            }
            (_, Some(near)) => {
                format!("{name} {given:?} does not exist; did you mean \"{near}\"? choices are: {choices}")
            }
            (_, None) => format!("{name} {given:?} does not exist; choices are: {choices}"),
        };
        self.misshapen(node.place, message);
    }

    /// `anyOf`: an optional value (the other choice is null), a name or a mapping, a text or a list of texts, or the
    /// untagged value of a parameter.
    fn choice(&mut self, choices: &'a [Value], node: &Node, name: &str, path: &str) {
        let not_null: Vec<&Value> = choices.iter().filter(|choice| wanted_type(choice) != "null").collect();
        if let [only] = not_null.as_slice() {
            return self.node(only, node, name, path);
        }
        let object = choices.iter().find(|choice| wanted_type(self.resolved(choice)) == "object");
        if let Some(object) = object {
            return match &node.value {
                Tree::Map(_) => self.node(object, node, name, path),
                Tree::Text(_) => {}
                found => {
                    let (found, keys) = (found.describe(), keys_of(self.resolved(object)));
                    self.misshapen(
                        node.place,
                        format!("{name} must be a name, or a mapping with {keys}; found {found}"),
                    );
                }
            };
        }
        if let Some(list) = choices.iter().find(|choice| is_words(choices) && wanted_type(choice) == "array") {
            return match &node.value {
                Tree::List(_) => self.node(list, node, name, path),
                Tree::Text(_) | Tree::Bool(_) => {}
                // What it was before YAML took it for a number, only a list of texts still knows.
                Tree::Int(_) | Tree::Float(_) => {
                    let found = node.value.describe();
                    let message =
                        format!("{name} must be a text or a list; found {found}: quote it, or write it in [ ]");
                    self.misshapen(node.place, message);
                }
                found => {
                    let found = found.describe();
                    self.misshapen(node.place, format!("{name} must be a text or a list of texts; found {found}"));
                }
            };
        }
        let fits = match &node.value {
            Tree::List(items) => items.iter().all(|item| matches!(item.value, Tree::Text(_))),
            Tree::Int(value) => i64::try_from(*value).is_ok(),
            Tree::Bool(_) | Tree::Text(_) => true,
            Tree::Null | Tree::Float(_) | Tree::Map(_) => false,
        };
        if !fits {
            let found = node.value.describe();
            let wanted =
                "true or false, a whole number, a text, or a list of texts (quoted where they look like numbers)";
            self.misshapen(node.place, format!("{name} must be {wanted}; found {found}"));
        }
    }

    fn number(&mut self, schema: &Value, value: i128, place: Place, name: &str) {
        let bound = |key: &str| schema.get(key).and_then(Value::as_f64).map(|bound| bound as i128);
        let top = match schema.get("format").and_then(Value::as_str) {
            Some("uint32") => i128::from(u32::MAX),
            _ => i128::from(i64::MAX),
        };
        let (min, max) = (bound("minimum").unwrap_or(0), bound("maximum").unwrap_or(top));
        if value < min {
            self.misshapen(place, format!("{name} must be at least {min}; found {value}"));
        } else if value > max {
            self.misshapen(place, format!("{name} must be at most {max}; found {value}"));
        }
    }

    fn resolved(&self, schema: &'a Value) -> &'a Value {
        schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|path| path.strip_prefix('#'))
            .and_then(|path| self.root.pointer(path))
            .unwrap_or(schema)
    }
}

/// Whether anything may stand there.
fn is_free(schema: &Value) -> bool {
    match schema {
        Value::Object(keys) => keys.keys().all(|key| key == "description"),
        other => *other == Value::Bool(true),
    }
}

/// The text of a key; a number or boolean is taken as it prints.
fn key_text(key: &Tree) -> Option<String> {
    match key {
        Tree::Text(text) => Some(text.clone()),
        Tree::Int(value) => Some(value.to_string()),
        Tree::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// The keys of a mapping for a sentence: all that it needs, or those of which it needs one.
fn keys_of(schema: &Value) -> String {
    let required: Vec<&str> = required(schema).collect();
    if !required.is_empty() {
        return required.join(" and ");
    }
    let known = schema.get("properties").and_then(Value::as_object);
    known.into_iter().flatten().map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(" or ")
}

/// The keys that a mapping needs.
fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn missing(key: &str, schema: Option<&Value>) -> String {
    match schema.and_then(|schema| schema.get("description")).and_then(Value::as_str) {
        Some(doc) => format!("{key} is required: {doc}"),
        None => format!("{key} is required"),
    }
}

/// The words of an enum, whether its variants carry docs (`oneOf` of `const`) or not (`enum`).
fn words(schema: &Value) -> Option<Vec<&str>> {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return Some(words.iter().filter_map(Value::as_str).collect());
    }
    let choices = schema.get("oneOf").and_then(Value::as_array)?;
    choices.iter().map(|choice| choice.get("const").and_then(Value::as_str)).collect()
}

/// Whether the choice is between a text, which may look like a boolean, and a list of texts: the schema of `words.rs`.
fn is_words(choices: &[Value]) -> bool {
    choices
        .iter()
        .any(|choice| choice.get("type").is_some_and(|wanted| *wanted == serde_json::json!(["string", "boolean"])))
}

/// The type a schema wants; of `["string", "null"]` the one that is not null.
fn wanted_type(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(one)) => one,
        Some(Value::Array(some)) => some.iter().filter_map(Value::as_str).find(|one| *one != "null").unwrap_or("null"),
        _ => "",
    }
}

fn wanted_phrase(wanted: &str) -> &'static str {
    match wanted {
        "object" => "a mapping of keys to values",
        "array" => "a list",
        "string" => "a text",
        "boolean" => "true or false",
        "integer" => "a whole number",
        _ => "a value",
    }
}
