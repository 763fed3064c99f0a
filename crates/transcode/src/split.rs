//! A stream of JSON values cut apart while it arrives. In: bytes in pieces of any
//! size; out: the text of one value after the other, with the place where it begins,
//! or the first thing that is wrong between them. What is inside a value is not
//! looked at beyond brackets and quotes: whoever reads it says what is wrong with it.
//!
//! It holds at most one value and the last piece, so that a stream of any length
//! takes the same memory, and looks at each byte a fixed number of times, however it
//! is cut. (`serde_json`'s stream reader wants all of its input, or a thread to wait
//! in.)

use crate::ReadError;

/// How the values of a stream are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separated {
    /// A value a line (NDJSON); lines with nothing on them are passed over.
    Lines,
    /// One list whose elements are the values.
    Elements,
}

/// Cuts a stream apart.
#[derive(Debug)]
pub struct Splitter {
    separated: Separated,
    value_bytes_max: usize,
    received: Vec<u8>,
    /// How much of `received` has been taken out or passed over.
    taken: usize,
    /// How much of it has been looked at.
    seen: usize,
    state: State,
    /// Where the byte at `taken` is.
    place: Place,
    ended: bool,
}

/// The text of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'s> {
    /// The value; of a line all of it.
    pub json: &'s [u8],
    /// Where it begins in the stream.
    pub place: Place,
}

/// Where a byte of a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
}

/// Why a stream cannot be cut further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// What is between the values is not right.
    #[error("{0}")]
    Malformed(ReadError),
    /// A value has more bytes than are allowed.
    #[error("a value of more than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The list.
    List,
    /// The first element, or the end of the list.
    First,
    /// An element.
    Element,
    /// The rest of a value.
    Inside(Inside),
    /// A comma, or the end of the list.
    Behind,
    /// Nothing.
    Over,
    /// The rest of a line.
    Line,
}

/// How far a value has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// A number, `true`, or something else without an end of its own.
    Word,
    /// A string or what is between brackets, of which so many are open.
    Nested { depth: usize, quoted: Quoted },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quoted {
    No,
    Yes,
    /// After a backslash.
    Escaped,
}

impl Splitter {
    /// One for a stream of which no value has more than `value_bytes_max` bytes.
    #[must_use]
    pub fn new(separated: Separated, value_bytes_max: usize) -> Self {
        Splitter {
            separated,
            value_bytes_max,
            received: Vec::new(),
            taken: 0,
            seen: 0,
            state: match separated {
                Separated::Lines => State::Line,
                Separated::Elements => State::List,
            },
            place: Place { line: 1, column: 1 },
            ended: false,
        }
    }

    /// Takes the next bytes of the stream; every whole value of those before should
    /// have been taken out.
    pub fn push(&mut self, bytes: &[u8]) {
        self.received.drain(..self.taken);
        self.seen -= self.taken;
        self.taken = 0;
        self.received.extend_from_slice(bytes);
    }

    /// Says that the stream has ended.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The next value, if all of it is there.
    ///
    /// # Errors
    ///
    /// [`SplitError`] for the first thing that is wrong; nothing can be taken out any
    /// more then.
    pub fn next_value(&mut self) -> Result<Option<Text<'_>>, SplitError> {
        let found = match self.separated {
            Separated::Lines => self.line()?,
            Separated::Elements => self.element()?,
        };
        let Some(length) = found else {
            let max = self.value_bytes_max;
            return match self.seen - self.taken > max {
                true => Err(SplitError::TooLarge { max }),
                false => Ok(None),
            };
        };
        if length > self.value_bytes_max {
            let max = self.value_bytes_max;
            return Err(SplitError::TooLarge { max });
        }
        let (start, place) = (self.taken, self.place);
        self.pass(start + length);
        let json = &self.received[start..start + length];
        Ok(Some(Text { json, place }))
    }

    /// The length of the line that begins at `taken`.
    fn line(&mut self) -> Result<Option<usize>, SplitError> {
        loop {
            let rest = &self.received[self.seen..];
            let end = rest.iter().position(|byte| *byte == b'\n');
            self.seen = end.map_or(self.received.len(), |end| self.seen + end);
            let line = &self.received[self.taken..self.seen];
            let is_whole = end.is_some() || self.ended;
            match (is_whole, line.iter().all(is_space)) {
                (true, false) => return Ok(Some(line.len())),
                (true, true) if end.is_some() && line.len() <= self.value_bytes_max => {
                    self.pass(self.seen + 1);
                }
                _ => return Ok(None),
            }
            self.seen = self.taken;
        }
    }

    /// The length of the element that begins at `taken`.
    fn element(&mut self) -> Result<Option<usize>, SplitError> {
        while let Some(&byte) = self.received.get(self.seen) {
            if let State::Inside(inside) = self.state {
                match inside.then(byte) {
                    Seen::Inside(inside) => {
                        self.state = State::Inside(inside);
                        self.seen += 1;
                        if self.seen - self.taken > self.value_bytes_max {
                            return Ok(None);
                        }
                    }
                    Seen::EndsWith => {
                        self.state = State::Behind;
                        self.seen += 1;
                        return Ok(Some(self.seen - self.taken));
                    }
                    Seen::EndsBefore => {
                        self.state = State::Behind;
                        return Ok(Some(self.seen - self.taken));
                    }
                }
                continue;
            }
            self.state = match (self.state, byte) {
                (state, _) if is_space(&byte) => state,
                (State::List, b'[') => State::First,
                (State::First | State::Behind, b']') => State::Over,
                (State::Behind, b',') => State::Element,
                (State::First | State::Element, b',' | b']' | b'}' | b':') => {
                    return Err(self.unexpected("an element of the list"));
                }
                (State::First | State::Element, _) => {
                    self.pass(self.seen);
                    self.state = State::Inside(Inside::beginning_with(byte));
                    continue;
                }
                (State::Behind, _) => {
                    return Err(self.unexpected("a comma or ] after an element"));
                }
                (State::Over, _) => return Err(self.unexpected("nothing more after the list")),
                (State::List | State::Line | State::Inside(_), _) => {
                    return Err(self.unexpected(
                        "a list of messages; one a line goes with `content-type: \
                         application/x-ndjson`",
                    ));
                }
            };
            self.seen += 1;
            self.pass(self.seen);
        }
        match (self.ended, self.state) {
            (false, _) | (true, State::Over | State::List) => Ok(None),
            (true, _) => {
                self.pass(self.seen);
                Err(self.unexpected("the rest of the list"))
            }
        }
    }

    /// Passes over everything before `end`.
    fn pass(&mut self, end: usize) {
        for &byte in &self.received[self.taken..end] {
            match byte {
                b'\n' => {
                    self.place.line += 1;
                    self.place.column = 1;
                }
                // Not the first byte of a character.
                0x80..=0xbf => {}
                _ => self.place.column += 1,
            }
        }
        self.taken = end;
        self.seen = self.seen.max(end);
    }

    fn unexpected(&mut self, expected: &str) -> SplitError {
        self.pass(self.seen);
        let value = match self.received.get(self.seen) {
            None => String::new(),
            Some(byte) if byte.is_ascii_graphic() => char::from(*byte).to_string(),
            Some(byte) => format!("the byte 0x{byte:02x}"),
        };
        SplitError::Malformed(ReadError {
            path: String::new(),
            value,
            expected: expected.to_owned(),
            line: self.place.line,
            column: self.place.column,
        })
    }
}

/// What a byte means to the value before it.
enum Seen {
    Inside(Inside),
    EndsWith,
    EndsBefore,
}

impl Inside {
    /// Of a value of which nothing has been seen; its first byte comes next.
    fn beginning_with(byte: u8) -> Self {
        match byte {
            b'{' | b'[' | b'"' => Inside::Nested {
                depth: 0,
                quoted: Quoted::No,
            },
            _ => Inside::Word,
        }
    }

    #[inline]
    fn then(self, byte: u8) -> Seen {
        let Inside::Nested { mut depth, quoted } = self else {
            return match byte {
                b',' | b']' => Seen::EndsBefore,
                byte if is_space(&byte) => Seen::EndsBefore,
                _ => Seen::Inside(Inside::Word),
            };
        };
        let quoted = match (quoted, byte) {
            (Quoted::Escaped, _) => Quoted::Yes,
            (Quoted::Yes, b'\\') => Quoted::Escaped,
            (Quoted::Yes, b'"') if depth == 0 => return Seen::EndsWith,
            (Quoted::Yes, b'"') => Quoted::No,
            (Quoted::Yes, _) => Quoted::Yes,
            (Quoted::No, b'"') => Quoted::Yes,
            (Quoted::No, b'{' | b'[') => {
                depth += 1;
                Quoted::No
            }
            (Quoted::No, b'}' | b']') if depth == 1 => return Seen::EndsWith,
            (Quoted::No, b'}' | b']') => {
                depth -= 1;
                Quoted::No
            }
            (Quoted::No, _) => Quoted::No,
        };
        Seen::Inside(Inside::Nested { depth, quoted })
    }
}

impl Place {
    /// Where something is that is at `error` in the text that begins here.
    #[must_use]
    pub fn of(self, mut error: ReadError) -> ReadError {
        if error.line == 1 {
            error.column += self.column - 1;
        }
        error.line += self.line - 1;
        error
    }
}

fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

#[cfg(test)]
mod tests;
