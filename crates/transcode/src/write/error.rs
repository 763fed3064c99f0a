//! Why a message has no JSON, and which of its fields is to blame.

use super::{Stop, Writer};
use crate::{schema::MessageId, wire::Malformed};

/// Why a message could not be written as JSON. `at` is the message's full name,
/// followed by the names of the fields that lead to what is wrong, as far as it is in
/// one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The bytes are not a protobuf message.
    #[error(
        "{at} is malformed: {reason}; \
         check that the server was built from the same descriptors"
    )]
    Malformed {
        /// Where.
        at: String,
        /// What was found.
        reason: Malformed,
    },
    /// The JSON would be larger than the limit.
    #[error("{at} makes JSON of more than {bytes_max} bytes; ask for less, or raise the limit")]
    TooLarge {
        /// Where the limit was passed.
        at: String,
        /// The limit.
        bytes_max: usize,
    },
    /// A timestamp that RFC 3339 has no text for.
    #[error(
        "{at} is a timestamp out of range: {seconds} s and {nanos} ns after 1970; \
         the years 1 to 9999 and 0 to 999999999 ns can be written"
    )]
    Timestamp {
        /// Where.
        at: String,
        /// As in the message.
        seconds: i64,
        /// As in the message.
        nanos: i32,
    },
    /// A duration that is too long or whose parts have different signs.
    #[error(
        "{at} is a duration out of range: {seconds} s and {nanos} ns; \
         up to 315576000000 s and 999999999 ns of the same sign can be written"
    )]
    Duration {
        /// Where.
        at: String,
        /// As in the message.
        seconds: i64,
        /// As in the message.
        nanos: i32,
    },
    /// A path of a field mask that would be another one when read back.
    #[error(
        "{at} is a field mask with the path {path:?}, which has no lowerCamelCase \
         form; paths are made of snake_case names"
    )]
    FieldMask {
        /// Where.
        at: String,
        /// The path.
        path: String,
    },
    /// A number of a `google.protobuf.Value` that is none or infinite.
    #[error("{at} is {number}, which google.protobuf.Value cannot hold in JSON")]
    Number {
        /// Where.
        at: String,
        /// `NaN`, `Infinity` or `-Infinity`.
        number: &'static str,
    },
    /// An `Any` of a type that is not known.
    #[error(
        "{at} is an Any of the type {type_url:?}, which no descriptor describes; add \
         its file to the descriptors, or have unknown types written as base64"
    )]
    UnknownAny {
        /// Where.
        at: String,
        /// As in the message.
        type_url: String,
    },
}

/// A value that JSON has no form for.
#[derive(Debug)]
pub(super) enum Unfit {
    Timestamp { seconds: i64, nanos: i32 },
    Duration { seconds: i64, nanos: i32 },
    FieldMask { path: String },
    Number(f64),
    UnknownAny { type_url: String },
}

impl Writer<'_, '_> {
    /// Stops because of a value.
    #[cold]
    pub(super) fn unfit(&mut self, unfit: Unfit) -> Stop {
        self.unfit = Some(Box::new(unfit));
        Stop::Unfit
    }

    /// Notes that it stopped in a field of this message.
    #[cold]
    pub(super) fn blame(&mut self, stop: Stop, id: MessageId, index: usize) -> Stop {
        if stop != Stop::Disorder {
            self.path.push((id, index));
        }
        stop
    }

    #[cold]
    pub(super) fn explain(&self, root: MessageId, stop: Stop) -> WriteError {
        let mut at = self.schema.name(root).to_owned();
        for (id, index) in self.path.iter().rev() {
            at.push('.');
            at.push_str(&self.schema.get(*id).fields[*index].name);
        }
        match (stop, self.unfit.as_deref()) {
            (Stop::Malformed(reason), _) => WriteError::Malformed { at, reason },
            (Stop::TooLarge, _) => WriteError::TooLarge {
                at,
                bytes_max: self.options.bytes_max.unwrap_or(usize::MAX),
            },
            (_, Some(&Unfit::Timestamp { seconds, nanos })) => {
                WriteError::Timestamp { at, seconds, nanos }
            }
            (_, Some(&Unfit::Duration { seconds, nanos })) => {
                WriteError::Duration { at, seconds, nanos }
            }
            (_, Some(Unfit::FieldMask { path })) => WriteError::FieldMask {
                at,
                path: path.clone(),
            },
            (_, Some(Unfit::Number(number))) => WriteError::Number {
                at,
                number: crate::json::not_finite(*number),
            },
            (_, Some(Unfit::UnknownAny { type_url })) => WriteError::UnknownAny {
                at,
                type_url: type_url.clone(),
            },
            // Never: what is unfit has been noted, and sorted fields are in order.
            (_, None) => WriteError::Malformed {
                at,
                reason: Malformed::Tag,
            },
        }
    }
}
