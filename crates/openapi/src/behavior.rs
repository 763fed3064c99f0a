//! `google.api.field_behavior`: which fields a service wants, and which are its own to
//! write. In: a field's options; out: what they say. The options are read as bytes,
//! so that the description need not know the annotation's own types.

use prost::Message;
use prost_reflect::FieldDescriptor;

/// What a field is annotated with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Behavior {
    /// A request without it is refused by the service.
    pub(crate) required: bool,
    /// The service writes it and passes it over in requests.
    pub(crate) output_only: bool,
    /// It is never in answers.
    pub(crate) input_only: bool,
    /// It may not be changed once it is set.
    pub(crate) immutable: bool,
}

/// `google.protobuf.FieldOptions`, of which only the annotation is read.
#[derive(Clone, PartialEq, Message)]
struct FieldOptions {
    #[prost(int32, repeated, tag = "1052")]
    field_behavior: Vec<i32>,
}

const REQUIRED: i32 = 2;
const OUTPUT_ONLY: i32 = 3;
const INPUT_ONLY: i32 = 4;
const IMMUTABLE: i32 = 5;

/// What the field is annotated with; nothing if that cannot be read.
pub(crate) fn of(field: &FieldDescriptor) -> Behavior {
    if field.field_descriptor_proto().options.is_none() {
        return Behavior::default();
    }
    let options = field.options().encode_to_vec();
    let options = FieldOptions::decode(&options[..]).unwrap_or_default();
    let has = |behavior| options.field_behavior.contains(&behavior);
    Behavior {
        required: has(REQUIRED),
        output_only: has(OUTPUT_ONLY),
        input_only: has(INPUT_ONLY),
        immutable: has(IMMUTABLE),
    }
}
