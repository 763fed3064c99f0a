//! JSON text, one token after the other, exactly by RFC 8259: no comments, no
//! trailing commas, no lone surrogates, nothing but white space after the value.
//! The reader says what it wants next and gets it as a piece of the text; only a
//! string with escapes is copied. Nothing is converted here.

use std::borrow::Cow;

use super::fault::{Fault, Read};
use crate::wire::DEPTH_MAX;

/// A place in a text, and how deep in it that is.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<'j> {
    text: &'j str,
    at: usize,
    depth: usize,
}

/// What a value is, as its first character tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

/// Whether an object or array that has been opened is still at its beginning.
#[derive(Debug)]
pub(crate) struct Inside {
    at_start: bool,
}

impl<'j> Tokens<'j> {
    pub(crate) fn new(text: &'j str) -> Self {
        Tokens {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// Offset of the next token, if it has been peeked at.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// The same text from another place on.
    pub(crate) fn ahead(&self, position: usize) -> Self {
        Tokens {
            at: position,
            ..self.clone()
        }
    }

    /// What comes next, without taking it.
    #[inline]
    pub(crate) fn peek(&mut self) -> Read<Token> {
        match self.byte() {
            Some(b'"') => Ok(Token::String),
            Some(b'-' | b'0'..=b'9') => Ok(Token::Number),
            Some(b'{') => Ok(Token::Object),
            Some(b'[') => Ok(Token::Array),
            Some(b't') => Ok(Token::True),
            Some(b'f') => Ok(Token::False),
            Some(b'n') => Ok(Token::Null),
            _ => Err(Fault::text(self.at, "a value")),
        }
    }

    /// Takes a string.
    #[inline]
    pub(crate) fn string(&mut self) -> Read<Cow<'j, str>> {
        self.character(b'"', "a string in quotes")?;
        let start = self.at;
        let end = self.plain_until(start);
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        self.escaped(start, end).map(Cow::Owned)
    }

    /// Takes a number, as it is written.
    pub(crate) fn number(&mut self) -> Read<&'j str> {
        self.byte();
        let rest = &self.text[self.at..];
        match number_length(rest.as_bytes()) {
            Some(length) => {
                self.at += length;
                Ok(&rest[..length])
            }
            None => Err(Fault::text(self.at, "a number")),
        }
    }

    /// Takes a number that is written as a whole number that is not large, as almost
    /// all are; anything else is left where it is.
    #[inline]
    pub(crate) fn short_whole_number(&mut self) -> Option<i64> {
        let rest = &self.text.as_bytes()[self.at..];
        let (sign, digits) = match rest {
            [b'-', digits @ ..] => (-1, digits),
            digits => (1, digits),
        };
        let mut number = 0;
        let mut length = 0;
        while let Some(digit @ b'0'..=b'9') = digits.get(length) {
            if length == SHORT_DIGITS {
                return None;
            }
            number = number * 10 + i64::from(digit - b'0');
            length += 1;
        }
        let more = matches!(digits.get(length), Some(b'.' | b'e' | b'E'));
        // Zero in front of other digits is wrong, and -0 is no whole number to all.
        if more || length == 0 || (digits[0] == b'0' && (length, sign) != (1, 1)) {
            return None;
        }
        self.at += rest.len() - digits.len() + length;
        Some(sign * number)
    }

    /// Takes `true`, `false` or `null`.
    pub(crate) fn literal(&mut self, word: &'static str) -> Read<()> {
        self.byte();
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(Fault::text(self.at, word))
        }
    }

    pub(crate) fn open_object(&mut self) -> Read<Inside> {
        self.deeper()?;
        self.character(b'{', "an object")?;
        Ok(Inside { at_start: true })
    }

    /// Takes the name of the next member; `None` is the end of the object, taken too.
    #[inline]
    pub(crate) fn next_key(&mut self, inside: &mut Inside) -> Read<Option<Cow<'j, str>>> {
        if !self.another(inside, b'}', "a comma or } after a member")? {
            return Ok(None);
        }
        if self.byte() != Some(b'"') {
            return Err(Fault::text(self.at, "a member's name in quotes"));
        }
        let key = self.string()?;
        self.character(b':', "a colon after the member's name")?;
        Ok(Some(key))
    }

    pub(crate) fn open_array(&mut self) -> Read<Inside> {
        self.deeper()?;
        self.character(b'[', "a list")?;
        Ok(Inside { at_start: true })
    }

    /// Whether there is another element; the end of the array is taken.
    #[inline]
    pub(crate) fn next_element(&mut self, inside: &mut Inside) -> Read<bool> {
        self.another(inside, b']', "a comma or ] after an element")
    }

    /// Passes over a value, whatever it is.
    pub(crate) fn skip(&mut self) -> Read<()> {
        match self.peek()? {
            Token::Object => {
                let mut inside = self.open_object()?;
                while self.next_key(&mut inside)?.is_some() {
                    self.skip()?;
                }
                Ok(())
            }
            Token::Array => {
                let mut inside = self.open_array()?;
                while self.next_element(&mut inside)? {
                    self.skip()?;
                }
                Ok(())
            }
            Token::String => self.string().map(drop),
            Token::Number => self.number().map(drop),
            Token::True => self.literal("true"),
            Token::False => self.literal("false"),
            Token::Null => self.literal("null"),
        }
    }

    /// Checks that the text ends here.
    pub(crate) fn finish(&mut self) -> Read<()> {
        match self.byte() {
            None => Ok(()),
            Some(_) => Err(Fault::text(self.at, "nothing more after the value")),
        }
    }

    /// One level further in.
    pub(crate) fn deeper(&mut self) -> Read<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Fault::value(
                self.at,
                format!("at most {DEPTH_MAX} levels of lists, objects and messages"),
            ));
        }
        Ok(())
    }

    /// Undoes `deeper`.
    pub(crate) fn shallower(&mut self) {
        self.depth -= 1;
    }

    /// The next byte that is not white space, not taken.
    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    #[inline]
    fn character(&mut self, wanted: u8, expected: &'static str) -> Read<()> {
        if self.byte() == Some(wanted) {
            self.at += 1;
            Ok(())
        } else {
            Err(Fault::text(self.at, expected))
        }
    }

    #[inline]
    fn another(&mut self, inside: &mut Inside, end: u8, expected: &'static str) -> Read<bool> {
        let at_start = std::mem::replace(&mut inside.at_start, false);
        match self.byte() {
            Some(byte) if byte == end => {
                self.at += 1;
                self.shallower();
                Ok(false)
            }
            Some(b',') if !at_start => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if at_start => Ok(true),
            _ => Err(Fault::text(self.at, expected)),
        }
    }

    /// Offset of the first byte from `start` on that a string cannot hold as it is.
    #[inline]
    fn plain_until(&self, start: usize) -> usize {
        let rest = &self.text.as_bytes()[start..];
        let (words, _) = rest.as_chunks();
        for (index, word) in words.iter().enumerate() {
            if let Some(place) = special_in(*word) {
                return start + index * WORD + place;
            }
        }
        let tail = &rest[words.len() * WORD..];
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        self.text.len() - tail.len() + tail.iter().position(special).unwrap_or(tail.len())
    }

    /// The rest of a string whose plain beginning goes from `plain` to `end`.
    fn escaped(&mut self, mut plain: usize, mut end: usize) -> Read<String> {
        let mut text = String::new();
        loop {
            text.push_str(&self.text[plain..end]);
            match self.text.as_bytes().get(end) {
                Some(b'"') => {
                    self.at = end + 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    let (character, length) = escape(&self.text.as_bytes()[end..])
                        .ok_or_else(|| Fault::text(end, ESCAPES))?;
                    text.push(character);
                    plain = end + length;
                    end = self.plain_until(plain);
                }
                Some(_) => return Err(Fault::text(end, "no control character in a string")),
                None => return Err(Fault::text(end, "a quote that ends the string")),
            }
        }
    }
}

/// Digits that fit in 64 bits with room to spare.
const SHORT_DIGITS: usize = 18;
/// Bytes that are looked at together.
const WORD: usize = 8;

/// Index of the first byte that ends the plain part of a string: a quote, a
/// backslash or a control character.
#[inline]
fn special_in(word: [u8; WORD]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; WORD]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; WORD]);
    let word = u64::from_le_bytes(word);
    // A byte of the difference borrows, and so gets its high bit, if it is less than
    // what is taken from it. Bytes after the first such one may get it wrongly.
    let less_than = |bytes: u64, limit: u8| bytes.wrapping_sub(ONES * u64::from(limit)) & !bytes;
    let quote = less_than(word ^ (ONES * u64::from(b'"')), 1);
    let backslash = less_than(word ^ (ONES * u64::from(b'\\')), 1);
    let found = (quote | backslash | less_than(word, 0x20)) & HIGHS;
    (found != 0).then(|| (found.trailing_zeros() / u8::BITS) as usize)
}

const ESCAPES: &str =
    r#"one of \" \\ \/ \b \f \n \r \t, or \u with four hexadecimal digits, surrogates in pairs"#;

/// The character that the escape at the start of `text` stands for, and its length.
fn escape(text: &[u8]) -> Option<(char, usize)> {
    let character = match text.get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(text),
        _ => return None,
    };
    Some((character, 2))
}

fn unicode_escape(text: &[u8]) -> Option<(char, usize)> {
    let unit = code_unit(text)?;
    if !(0xd800..0xdc00).contains(&unit) {
        // Of the second half of a pair this is `None`.
        return Some((char::from_u32(unit)?, 6));
    }
    let second = code_unit(text.get(6..)?)?;
    if !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    let character = 0x1_0000 + ((unit - 0xd800) << 10) + (second - 0xdc00);
    Some((char::from_u32(character)?, 12))
}

/// What `\u` and four hexadecimal digits at the start of `text` stand for.
fn code_unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(br"\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| {
        Some(unit << 4 | char::from(*digit).to_digit(16)?)
    })
}

/// Whether the whole of `text` is a number as JSON writes it.
pub(crate) fn is_number(text: &str) -> bool {
    number_length(text.as_bytes()) == Some(text.len())
}

/// The length of the number at the start of `text`, if one is there.
fn number_length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = text[from..].iter();
        rest.take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut end = usize::from(text.first() == Some(&b'-'));
    end += match text.get(end)? {
        b'0' => 1,
        b'1'..=b'9' => digits(end),
        _ => return None,
    };
    if text.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        if fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    }
    if let Some(b'e' | b'E') = text.get(end) {
        end += 1 + usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end);
        if exponent == 0 {
            return None;
        }
        end += exponent;
    }
    Some(end)
}

#[cfg(test)]
mod tests;
