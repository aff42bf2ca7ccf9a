//! Reads the answers of S3: elements and text, and nothing else that XML can hold.
//!
//! Strict, because an answer that is half understood would be a shorter list. Absent: attributes, namespaces, comments,
//! and sections of any kind; whatever holds one is refused.

/// One element: its name, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) children: Vec<Element>,
    /// Of an element without children.
    pub(super) text: String,
}

impl Element {
    /// The first child of that name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of that name.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

/// Elements inside elements, at most.
const DEPTH_MAX: usize = 16;

/// The outermost element; `None` when the text is not one element from end to end.
pub(super) fn parse(text: &str) -> Option<Element> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let text = match text.strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>")?.1.trim_start(),
        None => text,
    };
    let (element, rest) = element(text, 0)?;
    rest.trim().is_empty().then_some(element)
}

fn element(text: &str, depth: usize) -> Option<(Element, &str)> {
    let (tag, mut rest) = text.strip_prefix('<')?.split_once('>')?;
    let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
    let name = tag.split_ascii_whitespace().next()?.to_owned();
    if depth == DEPTH_MAX || name.starts_with(['!', '?', '/']) {
        return None;
    }
    let mut element = Element { name, children: Vec::new(), text: String::new() };
    if is_empty {
        return Some((element, rest));
    }
    loop {
        let (before, _) = rest.split_once('<')?;
        let tag = &rest[before.len()..];
        let end = tag.strip_prefix("</").and_then(|tag| tag.split_once('>'));
        match end {
            Some((name, _)) if name.trim_end() != element.name => return None,
            Some((_, after)) => {
                if element.children.is_empty() {
                    element.text = unescape(before)?;
                } else if !before.trim().is_empty() {
                    return None;
                }
                return Some((element, after));
            }
            None if !before.trim().is_empty() => return None,
            None => {
                let (child, after) = self::element(tag, depth + 1)?;
                element.children.push(child);
                rest = after;
            }
        }
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut parts = text.split('&');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';')?;
        let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => match entity.strip_prefix('#')? {
                hex if hex.starts_with('x') => number(&hex[1..], 16)?,
                digits => number(digits, 10)?,
            },
        });
        plain.push_str(rest);
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_in_order_and_text_as_it_was_meant() {
        let text = "<?xml version='1.0'?>\n<List xmlns=\"http://s3\"><Key>a &amp; b&#x20;&#39;&quot;</Key> <Key/><P><Q>1</Q></P></List>\n";
        let list = parse(text).expect("one element");
        let names: Vec<&str> = list.children.iter().map(|child| child.name.as_str()).collect();
        assert_eq!(names, ["Key", "Key", "P"]);
        assert_eq!(list.text_of("Key"), Some("a & b '\""));
        assert_eq!(list.child("P").and_then(|p| p.text_of("Q")), Some("1"));
    }

    #[test]
    fn what_is_not_one_element_from_end_to_end_is_refused() {
        let nested = format!("{}{}", "<a>".repeat(20), "</a>".repeat(20));
        for text in [
            "",
            "<a>",
            "<a></b>",
            "<a></a><b/>",
            "<a>x<b/></a>",
            "<a><b/>x</a>",
            "<a><![CDATA[x]]></a>",
            "<a><!-- x --></a>",
            "<a>&nbsp;</a>",
            "<a>&#xD800;</a>",
            "<a>& b</a>",
            "text",
            &nested,
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
