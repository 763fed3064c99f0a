//! The JSON of a message in one of the many forms that a reader has to accept:
//! members in any order under either name, numbers as texts or with an exponent, an
//! enum by name, alias or number, base64 of both alphabets, any escapes, blanks
//! anywhere, defaults and nulls written out.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use fastrand::Rng;
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, ReflectMessage, Value,
};
use prost_types::{Any, Duration, Timestamp, value};

use crate::compare::{held, reference_json};

/// Whether members that no message knows are strewn in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strangers {
    None,
    Some,
}

/// Writes one form.
pub(crate) struct Forms<'a> {
    pub(crate) random: &'a mut Rng,
    pub(crate) strangers: Strangers,
}

impl Forms<'_> {
    pub(crate) fn write(&mut self, message: &DynamicMessage) -> String {
        let name = message.descriptor().full_name().to_owned();
        match name.strip_prefix("google.protobuf.") {
            None => {
                let members = self.members(message);
                self.object(members)
            }
            Some(name) => self.well_known(name, message),
        }
    }

    fn object(&mut self, mut members: Vec<(String, String)>) -> String {
        if self.strangers == Strangers::Some && self.random.u8(..3) == 0 {
            let values = [
                "1",
                "null",
                "[[{}], \"]\"]",
                "{\"a\\\"\": {\"b\": [1e9, true]}}",
                "\"\\u0041\"",
            ];
            let value = values[self.random.usize(..values.len())];
            members.push(("no such field".to_owned(), value.to_owned()));
        }
        self.random.shuffle(&mut members);
        let members: Vec<_> = members
            .iter()
            .map(|(name, value)| {
                let (name, before, after) = (self.string(name), self.blank(), self.blank());
                format!("{before}{name}{after}:{after}{value}{before}")
            })
            .collect();
        format!("{{{}{}}}", self.blank(), members.join(","))
    }

    fn array(&mut self, values: &[String]) -> String {
        let (before, after) = (self.blank(), self.blank());
        let values: Vec<_> = values
            .iter()
            .map(|value| format!("{before}{value}{after}"))
            .collect();
        format!("[{after}{}]", values.join(","))
    }

    fn blank(&mut self) -> &'static str {
        ["", "", "", " ", "\n", "\t\r\n  "][self.random.usize(..6)]
    }

    /// A member for each set field, and some for others.
    fn members(&mut self, message: &DynamicMessage) -> Vec<(String, String)> {
        let mut members = Vec::new();
        for field in message.descriptor().fields() {
            let name = match self.random.bool() {
                true => field.json_name().to_owned(),
                false => field.name().to_owned(),
            };
            if message.has_field(&field) {
                let value = self.field(&field, &message.get_field(&field));
                members.push((name, value));
            } else if let Some(value) = self.absent(&field) {
                members.push((name, value));
            }
        }
        for (extension, value) in message.extensions() {
            let value = match value {
                Value::List(values) => self.list(values, &extension.kind()),
                value => self.value(value, &extension.kind()),
            };
            members.push((format!("[{}]", extension.full_name()), value));
        }
        members
    }

    /// What says the same as no member at all.
    fn absent(&mut self, field: &FieldDescriptor) -> Option<String> {
        let kind = field.kind();
        let takes_null = match &kind {
            Kind::Message(known) => known.full_name() == "google.protobuf.Value",
            Kind::Enum(known) => known.full_name() == "google.protobuf.NullValue",
            _ => false,
        };
        match self.random.u8(..6) {
            0 if !takes_null || field.is_list() => Some("null".to_owned()),
            1 if field.is_list() => Some("[]".to_owned()),
            1 if field.is_map() => Some("{}".to_owned()),
            1 if !field.supports_presence() => {
                Some(self.value(&Value::default_value(&kind), &kind))
            }
            _ => None,
        }
    }

    fn field(&mut self, field: &FieldDescriptor, value: &Value) -> String {
        match value {
            Value::List(values) => self.list(values, &field.kind()),
            Value::Map(entries) => {
                let Kind::Message(entry) = field.kind() else {
                    unreachable!("a map has entries")
                };
                let kind = entry.map_entry_value_field().kind();
                let members = entries
                    .iter()
                    .map(|(key, value)| (key_text(key), self.value(value, &kind)));
                let members = members.collect();
                // A stranger here would be an entry.
                let strangers = std::mem::replace(&mut self.strangers, Strangers::None);
                let object = self.object(members);
                self.strangers = strangers;
                object
            }
            value => self.value(value, &field.kind()),
        }
    }

    fn list(&mut self, values: &[Value], kind: &Kind) -> String {
        let values: Vec<_> = values.iter().map(|value| self.value(value, kind)).collect();
        self.array(&values)
    }

    fn value(&mut self, value: &Value, kind: &Kind) -> String {
        match value {
            Value::Bool(value) => value.to_string(),
            Value::I32(value) => self.integer((*value).into()),
            Value::I64(value) => self.integer((*value).into()),
            Value::U32(value) => self.integer((*value).into()),
            Value::U64(value) => self.integer((*value).into()),
            Value::F32(value) if value.is_finite() => {
                let forms = [
                    format!("{value:?}"),
                    format!("{value:e}"),
                    format!("{:?}", f64::from(*value)),
                ];
                self.number(&forms)
            }
            Value::F64(value) if value.is_finite() => self.number(&[
                format!("{value:?}"),
                format!("{value:e}"),
                format!("{value:E}"),
            ]),
            Value::F32(value) => self.string(special(f64::from(*value))),
            Value::F64(value) => self.string(special(*value)),
            Value::String(value) => self.string(value),
            Value::Bytes(value) => {
                let text = match self.random.u8(..4) {
                    0 => STANDARD.encode(value),
                    1 => STANDARD_NO_PAD.encode(value),
                    2 => URL_SAFE.encode(value),
                    _ => URL_SAFE_NO_PAD.encode(value),
                };
                self.string(&text)
            }
            Value::EnumNumber(number) => match kind {
                Kind::Enum(known) => self.enum_value(*number, known),
                _ => unreachable!("an enum's number in a field of another kind"),
            },
            Value::Message(message) => self.write(message),
            Value::List(_) | Value::Map(_) => unreachable!("a list in a list"),
        }
    }

    /// Forms with a fraction or an exponent only where a `double` holds the number.
    fn integer(&mut self, value: i128) -> String {
        let exact = value.unsigned_abs() < 1 << 53;
        let (sign, digits) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
        match self.random.u8(..8) {
            0 if exact => format!("{value}.0"),
            1 if exact => format!("{value}e0"),
            2 if exact && value != 0 => format!("{value}00E-2"),
            3 if exact => format!("\"{value}.00\""),
            4 if exact => format!("{sign}{}.{}e+1", digits / 10, digits % 10),
            5 | 6 => self.string(&value.to_string()),
            _ => value.to_string(),
        }
    }

    /// One of the forms, perhaps in quotes.
    fn number(&mut self, forms: &[String]) -> String {
        let form = &forms[self.random.usize(..forms.len())];
        match self.random.u8(..3) {
            0 => self.string(form),
            _ => form.clone(),
        }
    }

    fn enum_value(&mut self, number: i32, known: &EnumDescriptor) -> String {
        if known.full_name() == "google.protobuf.NullValue" {
            return "null".to_owned();
        }
        let names: Vec<_> = known
            .values()
            .filter(|value| value.number() == number)
            .collect();
        match self.random.choice(&names) {
            Some(name) if self.random.u8(..4) > 0 => self.string(name.name()),
            _ => number.to_string(),
        }
    }

    /// With escapes that are needed and escapes that are not.
    fn string(&mut self, text: &str) -> String {
        let mut quoted = "\"".to_owned();
        for character in text.chars() {
            let short = match character {
                '"' => Some("\\\""),
                '\\' => Some("\\\\"),
                '/' => Some("\\/"),
                '\u{8}' => Some("\\b"),
                '\u{c}' => Some("\\f"),
                '\n' => Some("\\n"),
                '\r' => Some("\\r"),
                '\t' => Some("\\t"),
                _ => None,
            };
            let must = character < ' ' || character == '"' || character == '\\';
            match short {
                Some(short)
                    if must && self.random.bool()
                        || self.random.u8(..20) == 0 && character == '/' =>
                {
                    quoted.push_str(short);
                }
                _ if must || self.random.u8(..20) == 0 => self.push_hex(character, &mut quoted),
                _ => quoted.push(character),
            }
        }
        quoted.push('"');
        quoted
    }

    fn push_hex(&mut self, character: char, quoted: &mut String) {
        for unit in character.encode_utf16(&mut [0; 2]) {
            let escape = match self.random.bool() {
                true => format!("\\u{unit:04x}"),
                false => format!("\\u{unit:04X}"),
            };
            quoted.push_str(&escape);
        }
    }

    fn well_known(&mut self, name: &str, message: &DynamicMessage) -> String {
        match name {
            "Any" => self.any(message),
            "Timestamp" => {
                let text = self.timestamp(message.transcode_to().expect("a timestamp"));
                self.string(&text)
            }
            "Duration" => {
                let text = self.duration(message.transcode_to().expect("a duration"));
                self.string(&text)
            }
            "Struct" | "Value" | "ListValue" => {
                let kind = match name {
                    "Struct" => message.transcode_to().ok().map(value::Kind::StructValue),
                    "ListValue" => message.transcode_to().ok().map(value::Kind::ListValue),
                    _ => message
                        .transcode_to::<prost_types::Value>()
                        .ok()
                        .and_then(|value| value.kind),
                };
                self.json_value(&prost_types::Value { kind })
            }
            "Empty" => format!("{{{}}}", self.blank()),
            "FieldMask" => {
                let json = reference_json(message, &Default::default()).expect("a mask");
                String::from_utf8(json).expect("text")
            }
            _ => {
                let field = message
                    .descriptor()
                    .get_field(1)
                    .expect("a wrapper's field");
                self.value(&message.get_field(&field), &field.kind())
            }
        }
    }

    fn any(&mut self, message: &DynamicMessage) -> String {
        let any: Any = message.transcode_to().expect("an Any");
        let held = held(message).expect("a message of the pool");
        let in_value = held.descriptor().package_name() == "google.protobuf";
        let mut members = match in_value {
            true => vec![("value".to_owned(), self.write(&held))],
            false => self.members(&held),
        };
        let type_url = self.string(&any.type_url);
        members.push(("@type".to_owned(), type_url));
        self.object(members)
    }

    /// With any number of digits, in any zone that stays within the years.
    fn timestamp(&mut self, time: Timestamp) -> String {
        let minutes = self.random.i64(-14 * 60..=14 * 60);
        let shifted = Timestamp {
            seconds: time.seconds + 60 * minutes,
            nanos: time.nanos,
        };
        let inside = (-62_135_596_800..=253_402_300_799).contains(&shifted.seconds);
        let (shown, zone) = match self.random.bool() && inside {
            true => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
                (shifted, format!("{sign}{hours:02}:{minutes:02}"))
            }
            false => (time, "Z".to_owned()),
        };
        let whole = Timestamp { nanos: 0, ..shown }.to_string();
        format!(
            "{}{}{zone}",
            whole.trim_end_matches('Z'),
            self.fraction(time.nanos)
        )
    }

    fn duration(&mut self, time: Duration) -> String {
        let sign = if time.seconds < 0 || time.nanos < 0 {
            "-"
        } else {
            ""
        };
        format!(
            "{sign}{}{}s",
            time.seconds.abs(),
            self.fraction(time.nanos.abs())
        )
    }

    fn fraction(&mut self, nanos: i32) -> String {
        let all = format!(".{nanos:09}");
        let least = all.trim_end_matches('0');
        match self.random.u8(..3) {
            0 => all,
            _ if least == "." => String::new(),
            _ => least.to_owned(),
        }
    }

    fn json_value(&mut self, value: &prost_types::Value) -> String {
        match &value.kind {
            None | Some(value::Kind::NullValue(_)) => "null".to_owned(),
            Some(value::Kind::BoolValue(value)) => value.to_string(),
            Some(value::Kind::NumberValue(value)) => match self.random.bool() {
                true => format!("{value:?}"),
                false => format!("{value:e}"),
            },
            Some(value::Kind::StringValue(text)) => self.string(text),
            Some(value::Kind::ListValue(list)) => {
                let values: Vec<_> = list
                    .values
                    .iter()
                    .map(|value| self.json_value(value))
                    .collect();
                self.array(&values)
            }
            Some(value::Kind::StructValue(structure)) => {
                let members = structure.fields.iter();
                let members = members.map(|(name, value)| (name.clone(), self.json_value(value)));
                let members = members.collect();
                let strangers = std::mem::replace(&mut self.strangers, Strangers::None);
                let object = self.object(members);
                self.strangers = strangers;
                object
            }
        }
    }
}

pub(crate) fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

pub(crate) fn special(number: f64) -> &'static str {
    match number {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    }
}
