//! Which messages have one right JSON by both. The bytes of the tests can say what no
//! encoder writes; there the reference is lenient where the mapping asks for an error,
//! or the other way round.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value,
};
use prost_types::{Any, Duration, FieldMask, Timestamp};

use crate::compare::held;

/// Whether the reference's JSON of `message` is what the mapping says.
pub(crate) fn agreed(message: &DynamicMessage) -> bool {
    let name = message.descriptor().full_name().to_owned();
    well_known(&name, message)
        && message
            .fields()
            .all(|(field, value)| value_agreed(value, &field.kind()))
        && message
            .extensions()
            .all(|(field, value)| value_agreed(value, &field.kind()))
}

/// Whether every entry of a map is on the wire as a message: the reference takes it for
/// one whatever its wire type says.
pub(crate) fn maps_have_lengths(described: &MessageDescriptor, mut wire: &[u8]) -> bool {
    while !wire.is_empty() {
        let Ok((number, kind)) = decode_key(&mut wire) else {
            return false;
        };
        let whole = wire;
        if skip_field(kind, number, &mut wire, DecodeContext::default()).is_err() {
            return false;
        }
        let mut value = &whole[..whole.len() - wire.len()];
        let field = described.get_field(number);
        let is_map = field.as_ref().is_some_and(FieldDescriptor::is_map);
        let extension = described.get_extension(number);
        let known = field.map(|field| field.kind());
        let known = known.or(extension.map(|field| field.kind()));
        let Some(Kind::Message(inner)) = known else {
            continue;
        };
        if kind != WireType::LengthDelimited {
            if is_map {
                return false;
            }
            continue;
        }
        if decode_varint(&mut value).is_err() || !maps_have_lengths(&inner, value) {
            return false;
        }
    }
    true
}

fn value_agreed(value: &Value, kind: &Kind) -> bool {
    match value {
        Value::Message(message) => agreed(message),
        Value::List(values) => values.iter().all(|value| value_agreed(value, kind)),
        Value::Map(entries) => {
            let entry = kind
                .as_message()
                .map(|entry| entry.map_entry_value_field().kind());
            let each = |(_, value): (&MapKey, &Value)| {
                entry.as_ref().is_some_and(|kind| value_agreed(value, kind))
            };
            entries.iter().all(each)
        }
        // The reference makes null of every number.
        Value::EnumNumber(number) if *number != 0 => !matches!(
            kind,
            Kind::Enum(known) if known.full_name() == "google.protobuf.NullValue"
        ),
        _ => true,
    }
}

fn well_known(name: &str, message: &DynamicMessage) -> bool {
    match name {
        // The reference mends nanoseconds that are out of range.
        "google.protobuf.Timestamp" => message.transcode_to::<Timestamp>().is_ok_and(|time| {
            (-62_135_596_800..=253_402_300_799).contains(&time.seconds)
                && (0..1_000_000_000).contains(&time.nanos)
        }),
        "google.protobuf.Duration" => message.transcode_to::<Duration>().is_ok_and(|time| {
            let signs = time.seconds.signum() * i64::from(time.nanos.signum());
            signs >= 0 && time.seconds.abs() <= 315_576_000_000 && time.nanos.abs() < 1_000_000_000
        }),
        "google.protobuf.FieldMask" => message
            .transcode_to::<FieldMask>()
            .is_ok_and(|mask| mask.paths.iter().all(|path| is_mask_path(path))),
        "google.protobuf.Any" => message.transcode_to::<Any>().is_ok_and(|any| {
            let (host, name) = any.type_url.rsplit_once('/').unwrap_or_default();
            let known = held(message).is_some_and(|held| {
                agreed(&held) && maps_have_lengths(&held.descriptor(), &any.value)
            });
            known && !host.is_empty() && name != "google.protobuf.Empty"
        }),
        // Without a kind it is nothing that JSON has; nor are NaN and infinity.
        "google.protobuf.Value" => {
            let number = message.get_field_by_name("number_value");
            let set = message
                .descriptor()
                .oneofs()
                .next()
                .is_some_and(|oneof| oneof.fields().any(|field| message.has_field(&field)));
            set && number.is_none_or(|number| number.as_f64().is_some_and(f64::is_finite))
        }
        // The reference writes null.
        "google.protobuf.FloatValue" | "google.protobuf.DoubleValue" => {
            let value = message.get_field_by_name("value");
            value.is_some_and(|value| match *value {
                Value::F32(value) => value.is_finite(),
                Value::F64(value) => value.is_finite(),
                _ => false,
            })
        }
        _ => true,
    }
}

/// Letters, digits and single underscores before letters: what survives
/// lowerCamelCase and back.
fn is_mask_path(path: &str) -> bool {
    let part = |part: &str| {
        let mut words = part.split('_');
        let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        words
            .next()
            .is_some_and(|word| !word.is_empty() && word.chars().all(lower))
            && words.all(|word| {
                word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(lower)
            })
    };
    path.split('.').all(part)
}
