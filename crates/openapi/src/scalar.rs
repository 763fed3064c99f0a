//! Scalars as JSON Schema. Answers are described exactly; in bodies a number may stand
//! in quotes and whole numbers of 64 bits may do without them; in a path or a query
//! everything is text, which OpenAPI describes by the type it stands for.

use prost_reflect::Kind;
use serde_json::{Value, json};

use crate::names::Variant;

const BASE64: &str = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$";
/// Either alphabet, with or without padding.
const BASE64_READ: &str = "^(?:(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?|\
                           (?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}(?:==)?|[A-Za-z0-9_-]{3}=?)?)$";
const NOT_FINITE: &str = "^(?:NaN|-?Infinity)$";
const FLOAT_READ: &str =
    "^(?:NaN|-?Infinity|-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$";
/// As it is written; it is read as the largest value as well.
const FLOAT_MAX: f64 = 3.402_823_5e38;

/// The schema of a scalar; `None` for enums and messages.
pub(crate) fn schema(kind: &Kind, variant: Variant) -> Option<Value> {
    Some(match kind {
        Kind::Bool => json!({"type": "boolean"}),
        Kind::String => json!({"type": "string"}),
        Kind::Bytes => bytes(variant),
        Kind::Float => number(variant, "float"),
        Kind::Double => number(variant, "double"),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            integer(variant, &Whole::of(i32::MIN, i32::MAX, "int32"))
        }
        Kind::Uint32 | Kind::Fixed32 => integer(variant, &Whole::of(u32::MIN, u32::MAX, "uint32")),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            integer(variant, &Whole::of(i64::MIN, i64::MAX, "int64"))
        }
        Kind::Uint64 | Kind::Fixed64 => integer(variant, &Whole::of(u64::MIN, u64::MAX, "uint64")),
        Kind::Enum(_) | Kind::Message(_) => return None,
    })
}

/// What the names of members are that a map's keys become.
pub(crate) fn key(kind: &Kind) -> Option<Value> {
    Some(match kind {
        Kind::Bool => json!({"enum": ["false", "true"]}),
        Kind::String => return None,
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            Whole::of(i32::MIN, i32::MAX, "int32").text()
        }
        Kind::Uint32 | Kind::Fixed32 => Whole::of(u32::MIN, u32::MAX, "uint32").text(),
        Kind::Uint64 | Kind::Fixed64 => Whole::of(u64::MIN, u64::MAX, "uint64").text(),
        _ => Whole::of(i64::MIN, i64::MAX, "int64").text(),
    })
}

/// A kind of whole number.
struct Whole {
    minimum: Value,
    maximum: Value,
    format: &'static str,
}

impl Whole {
    fn of(minimum: impl Into<Value>, maximum: impl Into<Value>, format: &'static str) -> Self {
        Whole {
            minimum: minimum.into(),
            maximum: maximum.into(),
            format,
        }
    }

    fn pattern(&self) -> &'static str {
        match self.format {
            "int32" => "^(?:0|-?[1-9][0-9]{0,9})$",
            "uint32" => "^(?:0|[1-9][0-9]{0,9})$",
            "int64" => "^(?:0|-?[1-9][0-9]{0,18})$",
            _ => "^(?:0|[1-9][0-9]{0,19})$",
        }
    }

    fn has_64_bits(&self) -> bool {
        self.format.ends_with("64")
    }

    /// As text.
    fn text(&self) -> Value {
        json!({"type": "string", "format": self.format, "pattern": self.pattern()})
    }
}

fn integer(variant: Variant, whole: &Whole) -> Value {
    let Whole {
        minimum,
        maximum,
        format,
    } = whole;
    match variant {
        Variant::Answer { .. } if whole.has_64_bits() => whole.text(),
        Variant::Answer { .. } | Variant::Enum(_) | Variant::Text => json!({
            "type": "integer", "format": format, "minimum": minimum, "maximum": maximum,
        }),
        Variant::Body { .. } => {
            let types = match whole.has_64_bits() {
                true => ["string", "integer"],
                false => ["integer", "string"],
            };
            json!({
                "type": types, "format": format, "pattern": whole.pattern(),
                "minimum": minimum, "maximum": maximum,
            })
        }
    }
}

fn number(variant: Variant, format: &'static str) -> Value {
    let mut schema = match variant {
        Variant::Text => json!({"type": "number", "format": format}),
        Variant::Answer { .. } | Variant::Enum(_) => {
            json!({"type": ["number", "string"], "format": format, "pattern": NOT_FINITE})
        }
        Variant::Body { .. } => {
            json!({"type": ["number", "string"], "format": format, "pattern": FLOAT_READ})
        }
    };
    if format == "float" {
        schema["minimum"] = (-FLOAT_MAX).into();
        schema["maximum"] = FLOAT_MAX.into();
    }
    schema
}

fn bytes(variant: Variant) -> Value {
    let pattern = match variant {
        Variant::Answer { .. } | Variant::Enum(_) => BASE64,
        Variant::Body { .. } | Variant::Text => BASE64_READ,
    };
    json!({"type": "string", "contentEncoding": "base64", "pattern": pattern})
}
