//! Templates of messages, paths and bodies: text in which `{{expression}}` stands
//! for a value that differs between requests. In: the text, once, and [`Values`]
//! for each request; out: the rendered text. An expression is a name and its
//! arguments, separated by blanks:
//!
//! | expression | becomes |
//! |---|---|
//! | `{{user}}` | index of the virtual user, from 0 |
//! | `{{iteration}}` | iteration of that user, from 0 |
//! | `{{request}}` | number of the request in its generator thread, from 0 |
//! | `{{message}}` | number of the message in its call, from 0 |
//! | `{{random 1 100}}` | a whole number between the two, both included |
//! | `{{pick a b c}}` | one of the words |
//! | `{{uuid}}` | a random UUID (version 4) |
//! | `{{now_ms}}` | milliseconds since 1970 |
//!
//! A literal `{{` is written `{{{{`. `}}` outside an expression is text, because
//! nested JSON objects end so. Values are put in as they are: the text around
//! them says what they must be, a JSON string or a part of a path.
//!
//! It has no conditions, loops or nesting, for which there are whole languages: a
//! template here is rendered for each request, and its cost is the generator's.

use std::{
    fmt::Write,
    time::{SystemTime, UNIX_EPOCH},
};

use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const OPEN: &str = "{{";
const CLOSE: &str = "}}";
const ESCAPED_OPEN: &str = "{{{{";

/// What expressions there are, as an error lists them.
const KNOWN: &str =
    "user, iteration, request, message, random LOW HIGH, pick WORD..., uuid, now_ms";

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    User,
    Iteration,
    Request,
    Message,
    Random { low: i64, high: i64 },
    Pick(Vec<String>),
    Uuid,
    NowMs,
}

/// What expressions stand for in one request, and the source of randomness. One
/// belongs to a generator thread, which sets the numbers before each request.
#[derive(Debug)]
pub struct Values {
    /// Index of the virtual user, from 0.
    pub user: u32,
    /// Iteration of that user, from 0.
    pub iteration: u64,
    /// Number of the request in its generator thread, from 0.
    pub request: u64,
    /// Number of the message in its call, from 0.
    pub message: u32,
    random: ChaCha8Rng,
    /// Kept for those who render and use the text at once.
    pub(crate) scratch: String,
}

impl Values {
    /// The values of one generator thread; threads with the same seed draw
    /// independent sequences.
    ///
    /// A sequence is the same in every run. Which request draws which part of it
    /// is not, since that depends on whose answer comes first.
    #[must_use]
    pub fn new(seed: u64, thread: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(thread);
        Values {
            user: 0,
            iteration: 0,
            request: 0,
            message: 0,
            random,
            scratch: String::new(),
        }
    }
}

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// An expression has no end.
    #[error(
        "the `{{{{` at character {position} is never closed; end the expression with `}}}}`, \
         or write `{{{{{{{{` for a literal `{{{{`"
    )]
    Unclosed {
        /// Of the `{{`, counting characters from 1.
        position: usize,
    },
    /// No expression has this name.
    #[error("no expression is called {name:?} (character {position}); there are: {KNOWN}")]
    Unknown {
        /// Of the `{{`, counting characters from 1.
        position: usize,
        /// The name as given.
        name: String,
    },
    /// The expression exists, with other arguments.
    #[error("{name} at character {position} {problem}; there are: {KNOWN}")]
    Arguments {
        /// Of the `{{`, counting characters from 1.
        position: usize,
        /// The expression's name.
        name: String,
        /// What is wrong with its arguments.
        problem: String,
    },
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// [`TemplateError`] names the place and what could stand there.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Parts::default();
        let mut rest = text;
        while let Some(open) = rest.find(OPEN) {
            parts.text(&rest[..open]);
            let at = text.len() - rest.len() + open;
            rest = &rest[open..];
            if let Some(after) = rest.strip_prefix(ESCAPED_OPEN) {
                parts.text(OPEN);
                rest = after;
                continue;
            }
            let position = text[..at].chars().count() + 1;
            let Some((expression, after)) = rest[OPEN.len()..].split_once(CLOSE) else {
                return Err(TemplateError::Unclosed { position });
            };
            parts.0.push(Part::parse(expression, position)?);
            rest = after;
        }
        parts.text(rest);
        Ok(Template { parts: parts.0 })
    }

    /// Whether every rendering is the same.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// Appends one rendering to `into`.
    pub fn render(&self, values: &mut Values, into: &mut String) {
        for part in &self.parts {
            match part {
                Part::Text(text) => into.push_str(text),
                Part::User => number(values.user, into),
                Part::Iteration => number(values.iteration, into),
                Part::Request => number(values.request, into),
                Part::Message => number(values.message, into),
                Part::Random { low, high } => {
                    number(values.random.random_range(*low..=*high), into);
                }
                Part::Pick(words) => {
                    into.push_str(&words[values.random.random_range(0..words.len())]);
                }
                Part::Uuid => uuid(values.random.random(), into),
                Part::NowMs => number(now_ms(), into),
            }
        }
    }

    /// Renderings that between them hold every word of each `pick` and both ends
    /// of each `random`, for a check before the first request.
    pub(crate) fn samples(&self) -> Vec<String> {
        let choices = self.parts.iter().map(|part| match part {
            Part::Pick(words) => words.len(),
            Part::Random { .. } => 2,
            _ => 1,
        });
        (0..choices.max().unwrap_or(1))
            .map(|sample| self.sample(sample))
            .collect()
    }

    fn sample(&self, sample: usize) -> String {
        let mut into = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => into.push_str(text),
                Part::User | Part::Iteration | Part::Request | Part::Message => into.push('0'),
                Part::Random { low, .. } if sample.is_multiple_of(2) => number(*low, &mut into),
                Part::Random { high, .. } => number(*high, &mut into),
                Part::Pick(words) => into.push_str(&words[sample % words.len()]),
                Part::Uuid => uuid(0, &mut into),
                Part::NowMs => number(now_ms(), &mut into),
            }
        }
        into
    }
}

/// Parts while they are read.
#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    /// Adds text, to the text before it if there is some.
    fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(before)) => before.push_str(text),
            _ => self.0.push(Part::Text(text.to_owned())),
        }
    }
}

impl Part {
    fn parse(expression: &str, position: usize) -> Result<Part, TemplateError> {
        let mut words = expression.split_whitespace();
        let name = words.next().unwrap_or_default().to_owned();
        let arguments: Vec<&str> = words.collect();
        let constant = match name.as_str() {
            "random" => Part::random(&arguments),
            "pick" if arguments.is_empty() => Err("needs at least one word".to_owned()),
            "pick" => Ok(Part::Pick(
                arguments.iter().map(|&word| word.to_owned()).collect(),
            )),
            "user" => Part::User.without(&arguments),
            "iteration" => Part::Iteration.without(&arguments),
            "request" => Part::Request.without(&arguments),
            "message" => Part::Message.without(&arguments),
            "uuid" => Part::Uuid.without(&arguments),
            "now_ms" => Part::NowMs.without(&arguments),
            _ => return Err(TemplateError::Unknown { position, name }),
        };
        constant.map_err(|problem| TemplateError::Arguments {
            position,
            name,
            problem,
        })
    }

    fn random(arguments: &[&str]) -> Result<Part, String> {
        let &[low, high] = arguments else {
            return Err(format!(
                "needs two whole numbers, not {} arguments",
                arguments.len()
            ));
        };
        let whole = |text: &str| {
            text.parse::<i64>()
                .map_err(|_| format!("needs whole numbers of at most 64 bits, not {text:?}"))
        };
        match (whole(low)?, whole(high)?) {
            (low, high) if low <= high => Ok(Part::Random { low, high }),
            (low, high) => Err(format!("needs the lower number first, not {low} {high}")),
        }
    }

    /// Refuses arguments.
    fn without(self, arguments: &[&str]) -> Result<Part, String> {
        match arguments {
            [] => Ok(self),
            [first, ..] => Err(format!("takes no argument, not even {first:?}")),
        }
    }
}

fn number(value: impl itoa::Integer, into: &mut String) {
    into.push_str(itoa::Buffer::new().format(value));
}

/// Writes 128 random bits as a UUID of version 4 and variant 10 (RFC 9562).
fn uuid(random: u128, into: &mut String) {
    let bits = random & !(0xf << 76) & !(0b11 << 62) | (4 << 76) | (0b10 << 62);
    // Writing to a string cannot fail.
    let _ = write!(
        into,
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        (bits >> 80) & 0xffff,
        (bits >> 64) & 0xffff,
        (bits >> 48) & 0xffff,
        bits & 0xffff_ffff_ffff,
    );
}

/// The wall clock; 0 on a machine that believes to be before 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
