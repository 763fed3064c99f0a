//! Both directions against `prost-reflect`, over random schemas and random messages
//! of them. In: nothing but a seed; a failure names it, and with it in
//! `TRANSCODE_SEED` that case runs alone. `TRANSCODE_CASES` asks for more schemas than
//! the few hundred a test of everyday needs. Cases grow from tiny to large, so that
//! the first failure is about as small as one can be; that takes the place of
//! shrinking, which would have to keep a schema, its message and its bytes in step.
//!
//! The reference is not always right. Where the two differ on purpose the generators
//! keep away, or [`agreed`] tells it, and the corners say what is right.

mod agreed;
mod case;
mod compare;
mod forms;
mod messages;
mod query;
mod schemas;
mod wire;

use fastrand::Rng;
use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage, SerializeOptions};
use transcode::{Builder, Defaults, Enums, Names, ReadOptions, Unknown, WriteOptions};

use agreed::{agreed, maps_have_lengths};
use case::{Case, MESSAGES, finished, for_each_case, outline, shown};
use compare::{Json, canonical, canonical_wire, hex, parse, reference_json};
use forms::Strangers;

#[test]
fn writes_what_the_reference_writes() {
    for_each_case("writes_what_the_reference_writes", |case| {
        for _ in 0..MESSAGES {
            let message = case.message();
            let wire = message.encode_to_vec();
            let json = case.check_written(&message, &wire);
            check_parts(case, &message, &wire, &json);
        }
    });
}

/// The members alone, and each field alone, are parts of the whole.
fn check_parts(case: &Case, message: &DynamicMessage, wire: &[u8], json: &Json) {
    let described = message.descriptor();
    let (id, options) = (case.id(&described), WriteOptions::default());
    let mut members = b"{".to_vec();
    case.schema
        .write_members(id, wire, &options, &mut members)
        .expect("as before");
    members.push(b'}');
    assert_eq!(&parse(&members), json, "{}", shown(message, wire));

    let Json::Object(json) = json else {
        unreachable!("every root is an object")
    };
    for field in described.fields() {
        let path = case
            .schema
            .field_path(id, field.name())
            .expect("a field of it");
        let mut alone = Vec::new();
        case.schema
            .write_field(&path, wire, &options, &mut alone)
            .expect("as before");
        if let Some(member) = json.get(field.json_name()) {
            assert_eq!(
                &parse(&alone),
                member,
                "{} in {}",
                field.name(),
                shown(message, wire)
            );
        }
    }
}

#[test]
fn writes_by_options_as_the_reference() {
    for_each_case("writes_by_options_as_the_reference", |case| {
        for _ in 0..MESSAGES {
            let message = case.message();
            let wire = message.encode_to_vec();
            let [defaults, names, enums] = [(); 3].map(|()| case.random.bool());
            let options = WriteOptions {
                defaults: if defaults {
                    Defaults::Write
                } else {
                    Defaults::Omit
                },
                names: if names { Names::Original } else { Names::Json },
                enums: if enums { Enums::Numbers } else { Enums::Names },
                ..WriteOptions::default()
            };
            let theirs = SerializeOptions::new()
                .skip_default_fields(!defaults)
                .use_proto_field_name(names)
                .use_enum_numbers(enums);
            let ours = case
                .write(&message.descriptor(), &wire, &options)
                .expect("agreed");
            let reference = reference_json(&message, &theirs).expect("agreed");
            case.check_same(&parse(&ours), &reference, || {
                format!("{options:?}\n{}", shown(&message, &wire))
            });
            case.check_read(&message, &ours, Unknown::Reject);
        }
    });
}

#[test]
fn reads_every_form() {
    for_each_case("reads_every_form", |case| {
        for _ in 0..MESSAGES {
            let message = case.message();
            let json = reference_json(&message, &SerializeOptions::new()).expect("agreed");
            case.check_read(&message, &json, Unknown::Reject);
            let form = case.form(&message, Strangers::None);
            case.check_read(&message, form.as_bytes(), Unknown::Reject);
            let form = case.form(&message, Strangers::Some);
            case.check_read(&message, form.as_bytes(), Unknown::Ignore);
            if form.contains("no such field") {
                let refused = case.read(&message.descriptor(), form.as_bytes(), Unknown::Reject);
                let path = refused.expect_err("an unknown member").path;
                assert!(path.ends_with("no such field"), "{path:?} in {form}");
            }
        }
    });
}

#[test]
fn reads_each_field_alone() {
    for_each_case("reads_each_field_alone", |case| {
        for _ in 0..MESSAGES {
            let message = case.message();
            let described = message.descriptor();
            for (field, value) in message.fields() {
                let mut alone = DynamicMessage::new(described.clone());
                alone.set_field(&field, value.clone());
                let json = reference_json(&alone, &SerializeOptions::new()).expect("agreed");
                let Json::Object(_) = parse(&json) else {
                    unreachable!("every root is an object")
                };
                let key = serde_json::to_vec(field.json_name()).expect("text");
                let json = &json[key.len() + 2..json.len() - 1];
                let path = case
                    .schema
                    .field_path(case.id(&described), field.name())
                    .expect("a field");
                let mut builder = Builder::new();
                let read =
                    case.schema
                        .read_field(&path, json, ReadOptions::default(), &mut builder);
                let text = String::from_utf8_lossy(json);
                assert!(read.is_ok(), "{read:?} for {} = {text}", field.name());
                let read = canonical_wire(&described, &finished(&builder));
                assert_eq!(read, canonical(&alone), "{} = {text}", field.name());
            }
        }
    });
}

#[test]
fn reads_a_query_like_a_body() {
    for_each_case("reads_a_query_like_a_body", |case| {
        for _ in 0..MESSAGES {
            let message = case.message();
            let (pairs, kept) = query::pairs(&mut case.random, &message);
            let described = message.descriptor();
            let borrowed = pairs
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            let mut builder = Builder::new();
            let id = case.id(&described);
            let read = case
                .schema
                .read_query(id, borrowed, &[], Unknown::Reject, &mut builder);
            assert!(
                read.is_ok(),
                "{read:?} in {pairs:?} of {}",
                outline(&described)
            );
            let read = canonical_wire(&described, &finished(&builder));
            assert_eq!(
                read,
                canonical(&kept),
                "{pairs:?} of {}",
                outline(&described)
            );
        }
    });
}

#[test]
fn writes_any_valid_bytes_as_the_reference() {
    let mut counted = (0, 0);
    let counts = std::cell::RefCell::new(&mut counted);
    for_each_case("writes_any_valid_bytes_as_the_reference", |case| {
        for _ in 0..MESSAGES {
            let message = case.message();
            let described = message.descriptor();
            let mut wire = message.encode_to_vec();
            // Encodings one after the other are merged.
            if case.random.bool() {
                wire.extend(case.message_of(&described).encode_to_vec());
            }
            let wire = wire::scrambled(&mut case.random, &described, &wire);
            let decoded = DynamicMessage::decode(described.clone(), wire.as_slice());
            let decoded = decoded.unwrap_or_else(|error| unreachable!("{error}: {}", hex(&wire)));
            counts.borrow_mut().0 += 1;
            if agreed(&decoded) {
                counts.borrow_mut().1 += 1;
                case.check_written(&decoded, &wire);
                let json = case.write(&described, &wire, &WriteOptions::default());
                case.check_read(&decoded, &json.expect("as before"), Unknown::Reject);
            } else {
                // No more than that it answers.
                let _ = case.write(&described, &wire, &WriteOptions::default());
            }
        }
    });
    let (all, compared) = counted;
    assert!(
        compared * 4 >= all * 3,
        "only {compared} of {all} could be compared"
    );
}

#[test]
fn spoiled_bytes_are_errors_or_messages() {
    for_each_case("spoiled_bytes_are_errors_or_messages", |case| {
        for _ in 0..MESSAGES {
            let message = case.message();
            let described = message.descriptor();
            let wire = spoiled(&mut case.random, message.encode_to_vec());
            let Ok(ours) = case.write(&described, &wire, &WriteOptions::default()) else {
                continue;
            };
            let ours = parse(&ours);
            let Ok(decoded) = DynamicMessage::decode(described.clone(), wire.as_slice()) else {
                continue;
            };
            if agreed(&decoded) && maps_have_lengths(&described, &wire) {
                let reference = reference_json(&decoded, &SerializeOptions::new()).expect("agreed");
                case.check_same(&ours, &reference, || shown(&decoded, &wire));
            }
        }
    });
}

#[test]
fn spoiled_json_is_an_error_or_a_message() {
    for_each_case("spoiled_json_is_an_error_or_a_message", |case| {
        for _ in 0..MESSAGES {
            let message = case.message();
            let described = message.descriptor();
            let json = case.form(&message, Strangers::None).into_bytes();
            let json = spoiled(&mut case.random, json);
            let Ok(wire) = case.read(&described, &json, Unknown::Reject) else {
                continue;
            };
            let text = String::from_utf8_lossy(&json);
            assert!(
                serde_json::from_slice::<serde_json::Value>(&json).is_ok(),
                "no JSON: {text}"
            );
            let read = DynamicMessage::decode(described.clone(), wire.as_slice());
            let read =
                read.unwrap_or_else(|error| unreachable!("{error}: {} from {text}", hex(&wire)));
            if agreed(&read) {
                let json = case.write(&described, &wire, &WriteOptions::default());
                case.check_read(
                    &read,
                    &json.expect("what was read is written"),
                    Unknown::Reject,
                );
            }
        }
    });
}

/// A few bytes changed, left out, doubled or cut off.
fn spoiled(random: &mut Rng, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..random.usize(1..4) {
        if bytes.is_empty() {
            break;
        }
        let place = random.usize(..bytes.len());
        match random.u8(..5) {
            0 => bytes[place] = random.u8(..),
            1 => bytes[place] ^= 1 << random.u8(..8),
            2 => drop(bytes.remove(place)),
            3 => bytes.insert(place, bytes[random.usize(..bytes.len())]),
            _ => bytes.truncate(place),
        }
    }
    bytes
}
