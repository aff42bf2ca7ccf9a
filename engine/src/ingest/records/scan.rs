//! Finds where one JSON value ends, a piece of input at a time.
//!
//! It checks how brackets, commas, colons and strings follow each other, because that is what tells a
//! broken record from its neighbours. It leaves numbers, words, escapes and UTF-8 to `parse_strict`,
//! which every record passes afterwards: those cannot move a boundary.

/// Deepest nesting that is followed.
const DEPTH_MAX: u32 = 128;

/// What a scan met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The bytes so far are used up.
    More,
    /// The value ends just before [`Scan::at`].
    End,
    /// The array under [`Envelope::list`] opens just before [`Scan::at`], in an object that is no record itself.
    List,
    /// The text at [`Scan::at`] cannot follow what stands before it.
    Broken(&'static str),
    /// The value was never closed, and at [`Scan::at`] its neighbour or the end of its array begins.
    Cut,
}

/// What to do about text that is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recovery {
    /// Stop at it.
    Stop,
    /// Note it and look for the end of the value by its brackets alone.
    Brackets,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

/// Top-level keys of a source that decide what an object is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    /// Holds an array of records.
    pub(super) list: &'static str,
    /// Stands in every record, and in nothing else.
    pub(super) record: &'static str,
    /// Stand in objects that are neither records nor hold any.
    pub(super) waste: &'static [&'static str],
    /// What such an object is.
    pub(super) waste_is: &'static str,
}

/// Which keys of the envelope were met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Keys {
    /// One of [`Envelope::waste`].
    pub(super) waste: bool,
    /// [`Envelope::record`].
    pub(super) record: bool,
}

/// The state of a scan between two pieces of input.
#[derive(Debug)]
pub(super) struct Scan {
    /// Next byte to look at, counted from the start of the bytes given to [`Scan::run`].
    pub(super) at: usize,
    /// Top-level keys met, when they are watched.
    pub(super) keys: Keys,
    /// What broke the value, when the scan went on by brackets.
    pub(super) broken: Option<&'static str>,
    /// The top-level keys to look for, if any.
    envelope: Option<&'static Envelope>,
    recovery: Recovery,
    state: State,
    depth: u32,
    /// One bit a level, innermost lowest: 1 for an object.
    objects: u128,
    in_string: bool,
    in_scalar: bool,
    /// Where the current key began, and whether the last one was that of the list.
    key_from: usize,
    list_key: bool,
}

impl Scan {
    /// A scan of one value that stands at byte 0.
    pub(super) fn new(envelope: Option<&'static Envelope>, recovery: Recovery) -> Self {
        Self {
            at: 0,
            keys: Keys::default(),
            broken: None,
            envelope,
            recovery,
            state: State::Value,
            depth: 0,
            objects: 0,
            in_string: false,
            in_scalar: false,
            key_from: 0,
            list_key: false,
        }
    }

    /// Goes on behind the array that [`Step::List`] announced; `at` counts from there.
    pub(super) fn after_list(&mut self) {
        self.at = 0;
        self.state = State::CommaOrEnd;
        self.depth = 1;
        self.objects = 1;
    }

    /// Stops looking at top-level keys, so that any byte may be dropped.
    pub(super) fn stop_watching(&mut self) {
        self.envelope = None;
    }

    /// How many of the bytes before `at` may be dropped without losing a key that is watched.
    pub(super) fn droppable(&self) -> usize {
        if self.envelope.is_some() && self.in_string && self.is_top_key() { self.key_from } else { self.at }
    }

    /// Says that the first `bytes` were dropped.
    pub(super) fn dropped(&mut self, bytes: usize) {
        self.at -= bytes;
        self.key_from = self.key_from.saturating_sub(bytes);
    }

    /// Scans on from `at`; `bytes` are those of the last call, less what was dropped, and more behind them.
    pub(super) fn run(&mut self, bytes: &[u8]) -> Step {
        while let Some(&byte) = bytes.get(self.at) {
            let step = if self.in_string {
                self.string(bytes)
            } else if self.in_scalar {
                self.scalar(bytes)
            } else {
                match byte {
                    b' ' | b'\t' | b'\r' | b'\n' => {
                        self.at += 1;
                        None
                    }
                    _ => self.token(byte),
                }
            };
            if let Some(step) = step {
                return step;
            }
        }
        Step::More
    }

    fn token(&mut self, byte: u8) -> Option<Step> {
        let fits = match byte {
            b'"' => !matches!(self.state, State::Colon | State::CommaOrEnd),
            b'{' | b'[' => matches!(self.state, State::Value | State::ValueOrEnd),
            b'}' => self.in_object() && matches!(self.state, State::KeyOrEnd | State::CommaOrEnd),
            b']' => self.in_array() && matches!(self.state, State::ValueOrEnd | State::CommaOrEnd),
            b',' => self.state == State::CommaOrEnd,
            b':' => self.state == State::Colon,
            _ => matches!(self.state, State::Value | State::ValueOrEnd),
        };
        if !fits || (self.depth >= DEPTH_MAX && matches!(byte, b'{' | b'[')) {
            return self.misfit(byte);
        }
        self.at += 1;
        match byte {
            b'"' => {
                self.in_string = true;
                self.key_from = self.at;
            }
            b'{' | b'[' => return self.open(byte == b'{'),
            b'}' | b']' => return self.close(),
            b',' => self.state = if self.in_object() { State::Key } else { State::Value },
            b':' => self.state = State::Value,
            _ => self.in_scalar = true,
        }
        None
    }

    fn open(&mut self, object: bool) -> Option<Step> {
        if !object && self.depth == 1 && self.list_key && !self.keys.record && self.broken.is_none() {
            self.list_key = false;
            return Some(Step::List);
        }
        self.depth += 1;
        if self.depth <= DEPTH_MAX {
            self.objects = self.objects << 1 | u128::from(object);
        }
        self.state = if object { State::KeyOrEnd } else { State::ValueOrEnd };
        None
    }

    fn close(&mut self) -> Option<Step> {
        if self.depth <= DEPTH_MAX {
            self.objects >>= 1;
        }
        self.depth = self.depth.saturating_sub(1);
        self.value_done()
    }

    fn value_done(&mut self) -> Option<Step> {
        self.list_key = false;
        self.state = State::CommaOrEnd;
        (self.depth == 0).then_some(Step::End)
    }

    fn string(&mut self, bytes: &[u8]) -> Option<Step> {
        let rest = &bytes[self.at..];
        let Some(found) = string_stop(rest) else {
            self.at = bytes.len();
            return None;
        };
        self.at += found;
        match rest[found] {
            b'"' => {
                self.in_string = false;
                self.at += 1;
                self.string_done(bytes)
            }
            b'\\' if found + 1 < rest.len() => {
                self.at += 2;
                None
            }
            b'\\' => Some(Step::More),
            control => self.misfit(control),
        }
    }

    fn string_done(&mut self, bytes: &[u8]) -> Option<Step> {
        if self.broken.is_some() {
            return (self.depth == 0).then_some(Step::End);
        }
        if !matches!(self.state, State::Key | State::KeyOrEnd) {
            return self.value_done();
        }
        if let Some(envelope) = self.envelope
            && self.is_top_key()
        {
            let key = &bytes[self.key_from..self.at - 1];
            self.list_key = key == envelope.list.as_bytes();
            self.keys.record |= key == envelope.record.as_bytes();
            self.keys.waste |= envelope.waste.iter().any(|waste| key == waste.as_bytes());
        }
        self.state = State::Colon;
        None
    }

    fn scalar(&mut self, bytes: &[u8]) -> Option<Step> {
        let rest = &bytes[self.at..];
        let stop =
            |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' | b'[' | b']' | b'{' | b'}' | b'"');
        match rest.iter().position(stop) {
            Some(length) => {
                self.at += length;
                self.in_scalar = false;
                if self.broken.is_some() { None } else { self.value_done() }
            }
            None => {
                self.at = bytes.len();
                None
            }
        }
    }

    /// Text that cannot stand here: stop, or note it and go on by brackets.
    fn misfit(&mut self, byte: u8) -> Option<Step> {
        let why = if self.in_string {
            "a control character inside a string"
        } else if self.depth >= DEPTH_MAX && matches!(byte, b'{' | b'[') {
            "more than 128 levels of nesting"
        } else {
            match self.state {
                State::Value | State::ValueOrEnd => "a value was expected",
                State::Key | State::KeyOrEnd => "a key in double quotes was expected",
                State::Colon => "a colon was expected",
                State::CommaOrEnd => "a comma or a closing bracket was expected",
            }
        };
        if self.recovery == Recovery::Stop {
            return Some(Step::Broken(why));
        }
        let never_closed = self.broken.is_none() && byte == b'{' && self.state == State::Key && !self.in_string;
        self.broken.get_or_insert(why);
        if never_closed {
            return Some(Step::Cut);
        }
        self.by_brackets(byte)
    }

    /// One byte of a value that is broken already.
    fn by_brackets(&mut self, byte: u8) -> Option<Step> {
        if self.in_string {
            // A string that meets the end of its line lacks its closing quote.
            self.in_string = byte != b'\n';
            self.at += 1;
            return None;
        }
        match byte {
            b'{' | b'[' => {
                self.at += 1;
                self.open(byte == b'{')
            }
            b'}' | b']' => {
                let object = byte == b'}';
                if self.depth <= DEPTH_MAX && !self.opened(object) {
                    // `]` closes the array around the value; `}` closes nothing and is passed over.
                    if !object {
                        return Some(Step::Cut);
                    }
                    self.at += 1;
                    return None;
                }
                while self.depth <= DEPTH_MAX && self.in_object() != object {
                    self.close();
                }
                self.at += 1;
                self.close()
            }
            b'"' => {
                self.at += 1;
                self.in_string = true;
                None
            }
            _ => {
                self.at += 1;
                None
            }
        }
    }

    /// Whether any open bracket is of that kind.
    fn opened(&self, object: bool) -> bool {
        let open = u128::MAX.checked_shr(128 - self.depth).unwrap_or(0);
        open & if object { self.objects } else { !self.objects } != 0
    }

    fn in_object(&self) -> bool {
        self.depth > 0 && self.objects & 1 == 1
    }

    fn in_array(&self) -> bool {
        self.depth > 0 && self.objects & 1 == 0
    }

    fn is_top_key(&self) -> bool {
        self.depth == 1 && matches!(self.state, State::Key | State::KeyOrEnd)
    }
}

/// Where the run of plain string bytes ends: at a quote, a backslash or a control character.
fn string_stop(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        // False marks can only stand above a true one, so the lowest mark is exact.
        let marks = zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\'))) | control;
        if marks != 0 {
            return Some(index * 8 + (marks.trailing_zeros() / 8) as usize);
        }
    }
    tail.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).map(|found| words.len() * 8 + found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_stops_where_a_plain_search_says() {
        let mut seed = 7u32;
        for _ in 0..20_000 {
            let bytes: Vec<u8> = (0..23)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    [b'a', b'!', b'#', 0x20, 0x21, 0x5b, 0x5d, 0x80, 0xa2, 0xdc, 0xff, b'"', b'\\', 0x1f, 0]
                        [(seed >> 16) as usize % if seed & 0x800 == 0 { 11 } else { 15 }]
                })
                .collect();
            assert_eq!(
                string_stop(&bytes),
                bytes.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)),
                "{bytes:?}"
            );
        }
    }

    static ENVELOPE: Envelope = Envelope { list: "Records", record: "eventID", waste: &[], waste_is: "" };

    /// Scans `text` byte by byte and at once; both must agree.
    #[track_caller]
    fn check(text: &str, recovery: Recovery, want: (Step, usize)) {
        let mut whole = Scan::new(Some(&ENVELOPE), recovery);
        assert_eq!((whole.run(text.as_bytes()), whole.at), want, "at once");
        let mut piecewise = Scan::new(Some(&ENVELOPE), recovery);
        let mut step = Step::More;
        for end in 0..=text.len() {
            step = piecewise.run(&text.as_bytes()[..end]);
            if step != Step::More {
                break;
            }
        }
        assert_eq!((step, piecewise.at), want, "byte by byte");
    }

    #[test]
    fn a_value_ends_where_its_brackets_say() {
        use Recovery::*;
        check(r#"{"a":[1,{"b":"}\"\\"}],"c":{}} x"#, Stop, (Step::End, 30));
        check("[] x", Stop, (Step::End, 2));
        check("12,", Stop, (Step::End, 2));
        check(r#""a b" "#, Stop, (Step::End, 5));
        check(r#"{"a":1"#, Stop, (Step::More, 6));
        check(r#"{"x":1,"Records":[{}"#, Stop, (Step::List, 18));
        check(r#"{"x":{"Records":[{}]}}"#, Stop, (Step::End, 22));
        check(r#"{"Records":{}}"#, Stop, (Step::End, 14));
        check(r#"{"a":1 {"#, Stop, (Step::Broken("a comma or a closing bracket was expected"), 7));
        check(r#"{"a":1,}"#, Stop, (Step::Broken("a key in double quotes was expected"), 7));
        check(r#"{"a" 1}"#, Stop, (Step::Broken("a colon was expected"), 5));
        check("[1}", Stop, (Step::Broken("a comma or a closing bracket was expected"), 2));
        check("{\"a\n", Stop, (Step::Broken("a control character inside a string"), 3));
        check(r#"{"a":1,}, {"#, Brackets, (Step::End, 8));
        check(r#"{"a":[1 2}, {"#, Brackets, (Step::End, 10));
        check(r#"{"a":{"b":1},{"c":2}]"#, Brackets, (Step::Cut, 13));
        check("{\"a\":\"x\n}, {", Brackets, (Step::End, 9));
        check(r#"{"a" 1]"#, Brackets, (Step::Cut, 6));
        check("[1}2], {", Brackets, (Step::End, 5));
    }

    #[test]
    fn nesting_has_a_limit() {
        let deep = "[".repeat(129) + &"]".repeat(129);
        check(&deep, Recovery::Stop, (Step::Broken("more than 128 levels of nesting"), 128));
        check(&deep, Recovery::Brackets, (Step::End, 258));
        let fits = "[".repeat(128) + &"]".repeat(128);
        check(&fits, Recovery::Stop, (Step::End, 256));
    }
}
