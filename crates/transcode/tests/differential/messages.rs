//! Random messages of a descriptor, with the values at which encoders go wrong more
//! often than chance would have them. What the two sides are known to treat
//! differently is left out here and tested by itself among the corners: negative
//! zero where there is no presence, an `Any` without a type or of an `Empty`, a
//! wrapper of NaN or of infinity.

use std::collections::HashMap;

use fastrand::Rng;
use prost::Message;
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    ReflectMessage, Value,
};
use prost_types::{Any, Duration, FieldMask, ListValue, Struct, Timestamp, value};

use crate::schemas::Schemas;

/// Nesting beyond this holds no more messages.
const DEPTH_MAX: usize = 4;

/// Makes messages of one pool.
pub(crate) struct Messages<'a> {
    pub(crate) random: &'a mut Rng,
    pub(crate) schemas: &'a Schemas,
}

impl Messages<'_> {
    pub(crate) fn message(&mut self, described: &MessageDescriptor) -> DynamicMessage {
        self.nested(described, 0)
    }

    fn nested(&mut self, described: &MessageDescriptor, depth: usize) -> DynamicMessage {
        let mut message = DynamicMessage::new(described.clone());
        if described.package_name() == "google.protobuf" {
            self.fill_well_known(&mut message, depth);
            return message;
        }
        let chance = if depth == 0 { 3 } else { 2 };
        for field in described.fields() {
            if self.random.u8(..4) < chance
                && let Some(value) = self.field(&field, depth)
            {
                message.set_field(&field, value);
            }
        }
        for extension in described.extensions() {
            if self.random.bool()
                && let Some(value) = self.of_kind(&extension.kind(), extension.is_list(), depth)
            {
                message.set_extension(&extension, value);
            }
        }
        message
    }

    fn field(&mut self, field: &FieldDescriptor, depth: usize) -> Option<Value> {
        if !field.is_map() {
            let value = self.of_kind(&field.kind(), field.is_list(), depth)?;
            return Some(without_negative_zero(field, value));
        }
        let entry = field.kind();
        let entry = entry.as_message()?;
        let (key, value) = (
            entry.map_entry_key_field().kind(),
            entry.map_entry_value_field(),
        );
        let entries = (0..self.random.usize(..5)).filter_map(|_| {
            let key = self.of_kind(&key, false, depth)?.into_map_key()?;
            let held = self.of_kind(&value.kind(), false, depth)?;
            Some((key, without_negative_zero(&value, held)))
        });
        Some(Value::Map(entries.collect::<HashMap<MapKey, Value>>()))
    }

    fn of_kind(&mut self, kind: &Kind, is_list: bool, depth: usize) -> Option<Value> {
        if is_list {
            let values =
                (0..self.random.usize(..6)).filter_map(|_| self.of_kind(kind, false, depth));
            return Some(Value::List(values.collect()));
        }
        let random = &mut *self.random;
        Some(match kind {
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(int(random) as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(int(random) as i64),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(int(random) as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(int(random)),
            Kind::Bool => Value::Bool(random.bool()),
            Kind::Float => Value::F32(float(random)),
            Kind::Double => Value::F64(double(random)),
            Kind::String => Value::String(text(random)),
            Kind::Bytes => Value::Bytes(bytes(random).into()),
            Kind::Enum(known) => Value::EnumNumber(enum_number(random, known)),
            Kind::Message(_) if depth >= DEPTH_MAX => return None,
            Kind::Message(known) => Value::Message(self.nested(known, depth + 1)),
        })
    }

    fn fill_well_known(&mut self, message: &mut DynamicMessage, depth: usize) {
        let name = message.descriptor().name().to_owned();
        let random = &mut *self.random;
        let filled = match name.as_str() {
            "Any" => {
                let any = self.any(depth);
                message.transcode_from(&any)
            }
            "Timestamp" => message.transcode_from(&Timestamp {
                seconds: random.i64(-62_135_596_800..=253_402_300_799),
                nanos: nanos(random),
            }),
            "Duration" => message.transcode_from(&duration(random)),
            "FieldMask" => message.transcode_from(&FieldMask {
                paths: (0..random.usize(..4)).map(|_| field_path(random)).collect(),
            }),
            "Struct" => message.transcode_from(&structure(random, depth)),
            "ListValue" => message.transcode_from(&list(random, depth)),
            "Value" => message.transcode_from(&json_value(random, depth)),
            "Empty" => Ok(()),
            _ => {
                self.fill_wrapper(message);
                Ok(())
            }
        };
        filled.expect("the same message");
    }

    fn fill_wrapper(&mut self, message: &mut DynamicMessage) {
        let field = message
            .descriptor()
            .get_field(1)
            .expect("a wrapper's field");
        let value = match self.of_kind(&field.kind(), false, 0).expect("a scalar") {
            Value::F32(number) if !number.is_finite() || number == 0.0 => Value::F32(0.0),
            Value::F64(number) if !number.is_finite() || number == 0.0 => Value::F64(0.0),
            value => value,
        };
        message.set_field(&field, value);
    }

    fn any(&mut self, depth: usize) -> Any {
        let name = [
            "Duration",
            "Struct",
            "Value",
            "Int64Value",
            "StringValue",
            "FieldMask",
            "Any",
        ]
        .get(self.random.usize(..20))
        .filter(|name| **name != "Any" || depth < DEPTH_MAX);
        let described = match name {
            Some(name) => self
                .schemas
                .pool
                .get_message_by_name(&format!("google.protobuf.{name}")),
            None => Some(self.schemas.root(self.random).clone()),
        };
        let described = described.expect("a message of the pool");
        let host = ["type.googleapis.com", "example.org/types", "x"][self.random.usize(..3)];
        Any {
            type_url: format!("{host}/{}", described.full_name()),
            value: self.nested(&described, depth + 2).encode_to_vec(),
        }
    }
}

/// Where there is no presence the reference's encoder takes it for the default.
fn without_negative_zero(field: &FieldDescriptor, value: Value) -> Value {
    match value {
        Value::F32(0.0) if !field.supports_presence() => Value::F32(0.0),
        Value::F64(0.0) if !field.supports_presence() => Value::F64(0.0),
        value => value,
    }
}

/// An integer of 64 bits, of which the caller takes as many as it wants.
pub(crate) fn int(random: &mut Rng) -> u64 {
    match random.u8(..4) {
        0 => random.u64(..200),
        1 => u64::MAX - random.u64(..200),
        2 => [
            i32::MAX as u64,
            i32::MIN as u64,
            u64::from(u32::MAX),
            i64::MAX as u64,
            1 << 63,
            1 << 53,
        ][random.usize(..6)],
        _ => random.u64(..) >> random.u32(..64),
    }
}

fn float(random: &mut Rng) -> f32 {
    let special = [
        0.0,
        -0.0,
        0.1,
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        f32::MIN,
    ];
    let odd = [
        f32::MIN_POSITIVE,
        f32::from_bits(1),
        16_777_216.0,
        1e21,
        1e-7,
        -1.5,
    ];
    match random.usize(..24) {
        n @ 0..8 => special[n],
        n @ 8..14 => odd[n - 8],
        n if n < 20 => f32::from_bits(random.u32(..)),
        _ => random.i16(..).into(),
    }
}

fn double(random: &mut Rng) -> f64 {
    let special = [
        0.0,
        -0.0,
        0.1,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN,
    ];
    let odd = [
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        9_007_199_254_740_993.0,
        1e21,
        1e-7,
        -1.5,
    ];
    match random.usize(..24) {
        n @ 0..8 => special[n],
        n @ 8..14 => odd[n - 8],
        n if n < 20 => f64::from_bits(random.u64(..)),
        _ => random.i32(..).into(),
    }
}

fn finite(random: &mut Rng) -> f64 {
    let number = double(random);
    if number.is_finite() && number != 0.0 {
        number
    } else {
        0.0
    }
}

/// With everything that JSON escapes, and what it need not.
pub(crate) fn text(random: &mut Rng) -> String {
    let pieces = [
        "a",
        "Z",
        "0",
        " ",
        "\"",
        "\\",
        "/",
        "\n",
        "\r\t",
        "\u{8}\u{c}",
        "\0",
        "\u{1f}",
        "\u{7f}",
        "é",
        "\u{2028}",
        "€",
        "\u{ffff}",
        "\u{10ffff}",
        "😀",
        "<&>",
        "abcdefghijklmnop",
    ];
    let count = match random.u8(..8) {
        0 => 0,
        7 => random.usize(..60),
        _ => random.usize(..6),
    };
    (0..count)
        .map(|_| pieces[random.usize(..pieces.len())])
        .collect()
}

fn bytes(random: &mut Rng) -> Vec<u8> {
    let mut bytes = vec![0; random.usize(..12)];
    random.fill(&mut bytes);
    bytes
}

/// Mostly one that has a name.
fn enum_number(random: &mut Rng, known: &EnumDescriptor) -> i32 {
    if known.full_name() == "google.protobuf.NullValue" {
        return 0;
    }
    let values: Vec<_> = known.values().collect();
    match random.u8(..5) {
        0 => int(random) as i32,
        _ => values[random.usize(..values.len())].number(),
    }
}

fn nanos(random: &mut Rng) -> i32 {
    let digits = [1_000_000_000, 1_000_000, 1_000, 1][random.usize(..4)];
    random.i32(0..1_000_000_000 / digits) * digits
}

fn duration(random: &mut Rng) -> Duration {
    let seconds = random.i64(0..=315_576_000_000) >> random.u32(..40);
    let nanos = nanos(random);
    match random.bool() {
        true => Duration { seconds, nanos },
        false => Duration {
            seconds: -seconds,
            nanos: -nanos,
        },
    }
}

fn field_path(random: &mut Rng) -> String {
    let words = ["a", "foo_bar", "x1.y_z", "long_name_of_a_field.b", "f2"];
    words[random.usize(..words.len())].to_owned()
}

fn structure(random: &mut Rng, depth: usize) -> Struct {
    let fields = (0..random.usize(..4)).map(|_| (text(random), json_value(random, depth + 1)));
    Struct {
        fields: fields.collect(),
    }
}

fn list(random: &mut Rng, depth: usize) -> ListValue {
    let values = (0..random.usize(..4)).map(|_| json_value(random, depth + 1));
    ListValue {
        values: values.collect(),
    }
}

fn json_value(random: &mut Rng, depth: usize) -> prost_types::Value {
    let kind = match random.u8(..6) {
        0 => value::Kind::NullValue(0),
        1 => value::Kind::BoolValue(random.bool()),
        2 => value::Kind::NumberValue(finite(random)),
        3 if depth <= DEPTH_MAX => value::Kind::StructValue(structure(random, depth)),
        4 if depth <= DEPTH_MAX => value::Kind::ListValue(list(random, depth)),
        _ => value::Kind::StringValue(text(random)),
    };
    prost_types::Value { kind: Some(kind) }
}
