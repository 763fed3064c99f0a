//! Bytes of any type as the `google.api.HttpBody` that a request has room for. The
//! message's meaning is fixed, so that its fields are written by their numbers.

use crate::{
    schema::{FieldPath, Schema},
    wire::{Builder, WireType},
};

/// Fields of `google.api.HttpBody`.
const CONTENT_TYPE: u32 = 1;
const DATA: u32 = 2;

impl Schema {
    /// Writes `data` as an `HttpBody`: as the message itself, or as the field at
    /// `path`, inside the messages that lead there.
    pub fn write_http_body(
        &self,
        path: Option<&FieldPath>,
        content_type: &str,
        data: &[u8],
        out: &mut Builder,
    ) {
        let mut open = Vec::new();
        for (message, index) in path.map_or(&[][..], |path| &path.steps) {
            let number = self.get(*message).fields[usize::from(*index)].number;
            out.tag(number, WireType::Length);
            open.push(out.begin());
        }
        for (number, value) in [(CONTENT_TYPE, content_type.as_bytes()), (DATA, data)] {
            if !value.is_empty() {
                out.tag(number, WireType::Length);
                out.length_delimited(value);
            }
        }
        while let Some(nested) = open.pop() {
            out.end(nested);
        }
    }
}
