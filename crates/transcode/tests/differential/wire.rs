//! The same message in other bytes, and messages that only bytes can say: fields in
//! any order, several times, in several pieces, packed where the schema says not and
//! the other way round, with numbers wider than their type, and unknown fields among
//! them. What such bytes mean is not decided here: the reference decodes them.

use fastrand::Rng;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};
use prost_reflect::{Kind, MessageDescriptor};

use crate::messages::{int, text};

/// A field as it stands on the wire.
#[derive(Clone)]
struct Record {
    number: u32,
    payload: Payload,
}

#[derive(Clone)]
enum Payload {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    Length(Vec<u8>),
    /// Whatever lies between the two tags.
    Group(Vec<u8>),
}

/// What a field of a message holds.
struct Known {
    kind: Kind,
    is_list: bool,
}

/// Other bytes of `described`.
pub(crate) fn scrambled(random: &mut Rng, described: &MessageDescriptor, wire: &[u8]) -> Vec<u8> {
    let ours = described.package_name() != "google.protobuf";
    let mut records = Vec::new();
    for record in parsed(wire) {
        match known(described, record.number) {
            Some(known) if known.is_list && !matches!(known.kind, Kind::Message(_)) => {
                repacked(random, &known.kind, record, &mut records);
            }
            Some(Known {
                kind: Kind::Message(inner),
                is_list,
            }) => {
                nested(random, &inner, is_list, record, &mut records);
            }
            Some(known) if ours => {
                if random.u8(..4) == 0 {
                    records.push(another(random, &known.kind, &record));
                }
                records.push(record);
            }
            _ => records.push(record),
        }
    }
    if described.is_map_entry() && random.u8(..8) == 0 && !records.is_empty() {
        records.remove(random.usize(..records.len()));
    }
    for _ in 0..random.usize(..3) {
        records.insert(random.usize(..=records.len()), unknown(random, described));
    }
    if random.bool() {
        random.shuffle(&mut records);
    }
    written(random, &records)
}

fn known(described: &MessageDescriptor, number: u32) -> Option<Known> {
    let field = described.get_field(number);
    let field = field.map(|field| Known {
        kind: field.kind(),
        is_list: field.is_list() || field.is_map(),
    });
    let extension = described.get_extension(number);
    field.or(extension.map(|field| Known {
        kind: field.kind(),
        is_list: field.is_list(),
    }))
}

fn parsed(mut wire: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while !wire.is_empty() {
        let (number, kind) = decode_key(&mut wire).expect("a key");
        let payload = payload(kind, &mut wire);
        records.push(Record { number, payload });
    }
    records
}

fn payload(kind: WireType, wire: &mut &[u8]) -> Payload {
    match kind {
        WireType::Varint => Payload::Varint(decode_varint(wire).expect("a varint")),
        WireType::SixtyFourBit => {
            let (value, rest) = wire.split_first_chunk().expect("eight bytes");
            *wire = rest;
            Payload::Fixed64(*value)
        }
        WireType::ThirtyTwoBit => {
            let (value, rest) = wire.split_first_chunk().expect("four bytes");
            *wire = rest;
            Payload::Fixed32(*value)
        }
        WireType::LengthDelimited => {
            let length = usize::try_from(decode_varint(wire).expect("a length")).expect("small");
            let (value, rest) = wire.split_at(length);
            *wire = rest;
            Payload::Length(value.to_owned())
        }
        WireType::StartGroup | WireType::EndGroup => unreachable!("no schema here has groups"),
    }
}

/// Some varints longer than they need to be.
fn written(random: &mut Rng, records: &[Record]) -> Vec<u8> {
    let mut wire = Vec::new();
    for Record { number, payload } in records {
        let kind = match payload {
            Payload::Varint(_) => WireType::Varint,
            Payload::Fixed64(_) => WireType::SixtyFourBit,
            Payload::Fixed32(_) => WireType::ThirtyTwoBit,
            Payload::Length(_) => WireType::LengthDelimited,
            Payload::Group(_) => WireType::StartGroup,
        };
        encode_key(*number, kind, &mut wire);
        match payload {
            Payload::Varint(value) => put_varint(random, *value, &mut wire),
            Payload::Fixed64(value) => wire.extend_from_slice(value),
            Payload::Fixed32(value) => wire.extend_from_slice(value),
            Payload::Length(value) => {
                put_varint(random, value.len() as u64, &mut wire);
                wire.extend_from_slice(value);
            }
            Payload::Group(value) => {
                wire.extend_from_slice(value);
                encode_key(*number, WireType::EndGroup, &mut wire);
            }
        }
    }
    wire
}

fn put_varint(random: &mut Rng, value: u64, wire: &mut Vec<u8>) {
    encode_varint(value, wire);
    if value < 1 << 56 && random.u8(..16) == 0 {
        if let Some(last) = wire.last_mut() {
            *last |= 0x80;
        }
        wire.extend_from_slice(&[0x80, 0][random.usize(..2)..]);
    }
}

/// A packed list as elements and lists, an element perhaps as a list.
fn repacked(random: &mut Rng, kind: &Kind, record: Record, records: &mut Vec<Record>) {
    let element_kind = kind.wire_type();
    let number = record.number;
    let packed = element_kind != WireType::LengthDelimited;
    let elements = match record.payload {
        Payload::Length(content) if packed => {
            let mut content = content.as_slice();
            let mut elements = Vec::new();
            while !content.is_empty() {
                elements.push(payload(element_kind, &mut content));
            }
            elements
        }
        payload => vec![payload],
    };
    let mut waiting = elements.as_slice();
    while !waiting.is_empty() {
        let (some, rest) = waiting.split_at(1 + random.usize(..waiting.len()));
        waiting = rest;
        match random.bool() && packed {
            true => {
                let bare: Vec<_> = some
                    .iter()
                    .flat_map(|element| bare(random, element))
                    .collect();
                records.push(Record {
                    number,
                    payload: Payload::Length(bare),
                });
            }
            false => records.extend(some.iter().map(|element| Record {
                number,
                payload: element.clone(),
            })),
        }
    }
    if packed && random.u8(..6) == 0 {
        records.push(Record {
            number,
            payload: Payload::Length(Vec::new()),
        });
    }
}

fn bare(random: &mut Rng, element: &Payload) -> Vec<u8> {
    let mut wire = Vec::new();
    match element {
        Payload::Varint(value) => put_varint(random, *value, &mut wire),
        Payload::Fixed64(value) => wire.extend_from_slice(value),
        Payload::Fixed32(value) => wire.extend_from_slice(value),
        Payload::Length(_) | Payload::Group(_) => unreachable!("never packed"),
    }
    wire
}

/// A message, if it is no element perhaps in two pieces.
fn nested(
    random: &mut Rng,
    inner: &MessageDescriptor,
    is_list: bool,
    record: Record,
    records: &mut Vec<Record>,
) {
    let Payload::Length(content) = record.payload else {
        unreachable!("a message has a length")
    };
    let number = record.number;
    let content = scrambled(random, inner, &content);
    if is_list || random.bool() {
        records.push(Record {
            number,
            payload: Payload::Length(content),
        });
        return;
    }
    let pieces = whole(&content);
    let cut = random.usize(..=pieces.len());
    for half in [&pieces[..cut], &pieces[cut..]] {
        records.push(Record {
            number,
            payload: Payload::Length(half.concat()),
        });
    }
}

/// The records of a message, undecoded.
fn whole(content: &[u8]) -> Vec<Vec<u8>> {
    use prost::encoding::{DecodeContext, skip_field};

    let mut rest = content;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let before = rest;
        let (number, kind) = decode_key(&mut rest).expect("a key");
        skip_field(kind, number, &mut rest, DecodeContext::default()).expect("a field");
        pieces.push(before[..before.len() - rest.len()].to_owned());
    }
    pieces
}

/// The same scalar field with another value.
fn another(random: &mut Rng, kind: &Kind, record: &Record) -> Record {
    let payload = match (&record.payload, kind) {
        (Payload::Varint(_), _) => Payload::Varint(int(random)),
        (Payload::Fixed32(_), _) => Payload::Fixed32(random.u32(1..).to_le_bytes()),
        (Payload::Fixed64(_), _) => Payload::Fixed64(random.u64(1..).to_le_bytes()),
        (_, Kind::String) => Payload::Length(text(random).into_bytes()),
        (payload, _) => payload.clone(),
    };
    Record {
        number: record.number,
        payload,
    }
}

fn unknown(random: &mut Rng, described: &MessageDescriptor) -> Record {
    let mut number = random.u32(1..40);
    while known(described, number).is_some() {
        number = random.u32(1..=(1 << 29) - 1);
    }
    let payload = match random.u8(..6) {
        0 => Payload::Varint(int(random)),
        1 => Payload::Fixed64(random.u64(..).to_le_bytes()),
        2 => Payload::Fixed32(random.u32(..).to_le_bytes()),
        3 => Payload::Group(Vec::new()),
        4 => {
            let inside = [unknown(random, described), unknown(random, described)];
            Payload::Group(written(random, &inside))
        }
        _ => Payload::Length(text(random).into_bytes()),
    };
    Record { number, payload }
}
