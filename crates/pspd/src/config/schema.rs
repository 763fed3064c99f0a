//! JSON Schema (2020-12) of the configuration file: for editors, which complete and
//! check with it, and for [`shape`](super::shape), which says what does not fit.
//! Made from the table of settings and from the types that the gateway's sections are
//! read into, so that there is no list of keys to keep up to date. It knows the form
//! of values and not their limits; those are told when the file is read.

use contract::Role;
use gateway::services::Raw;
use serde_json::{Map, Value, json};

use super::settings::{self, Setting};

/// The schema of a whole file.
pub(crate) fn of_file() -> Value {
    let sections = Role::ALL.map(|role| (role.name().to_owned(), of_section(role)));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of pspd",
        "description": "One file for all roles, a section each. A flag wins over an environment \
                        variable, that over the file, that over the default.",
        "type": "object",
        "properties": Map::from_iter(sections),
        "additionalProperties": false,
    })
}

/// The keys of the gateway's section that are no settings but say what it serves.
pub(super) fn of_services() -> Map<String, Value> {
    let mut schema = Raw::schema().to_value();
    match schema["properties"].take() {
        Value::Object(keys) => keys,
        _ => Map::new(),
    }
}

fn of_section(role: Role) -> Value {
    let settings = settings::of(role);
    let settings = settings
        .iter()
        .map(|setting| (setting.key.to_owned(), of_setting(setting)));
    let mut keys = Map::from_iter(settings);
    if role == Role::Gateway {
        keys.extend(of_services());
    }
    json!({
        "description": format!("What `pspd serve {role}` reads."),
        "type": "object",
        "properties": keys,
        "additionalProperties": false,
    })
}

fn of_setting(setting: &Setting) -> Value {
    let Setting {
        key,
        env,
        default,
        help,
        ..
    } = setting;
    let mut schema = form(setting);
    schema["description"] = format!("{help}. Flag --{key}, environment variable {env}.").into();
    schema["default"] = match default.parse::<i64>() {
        Ok(number) => number.into(),
        Err(_) => default.as_str().into(),
    };
    schema
}

/// What a setting's value looks like, by its placeholder.
fn form(setting: &Setting) -> Value {
    let text = |pattern: &str| json!({"type": "string", "pattern": pattern});
    let number =
        |min: u32| json!({"type": ["integer", "string"], "minimum": min, "pattern": "^[0-9]+$"});
    // Spelled as one text, or as a list of texts.
    let list = |all: &str, one: &str| {
        json!({
            "type": ["string", "array"],
            "pattern": format!("^({all})$"),
            "items": {"type": "string", "pattern": format!("^({one})$")},
        })
    };
    match (setting.value, setting.key) {
        ("PORT", _) => {
            let mut port = number(0);
            port["maximum"] = 65535.into();
            port
        }
        ("N", _) if setting.default == "auto" => {
            json!({"type": ["integer", "string"], "minimum": 1, "pattern": "^(auto|[0-9]+)$"})
        }
        ("RATE", _) => text("^(off|[0-9]+ ?/ ?[smh])$"),
        ("FILE" | "TEXT", _) => json!({"type": "string"}),
        ("NETWORKS", _) => list("|[0-9A-Fa-f:./, ]+", "[0-9A-Fa-f:./]+"),
        ("N" | "BYTES", _) => number(1),
        ("MS", _) => number(0),
        ("TIME", _) => {
            let mut time = match setting.default.as_str() {
                "off" => text(&format!("^off$|{TIME}")),
                _ => text(TIME),
            };
            time["examples"] = json!(["500ms", "30s", "5m"]);
            time
        }
        ("IP", _) => text("^(all|[0-9A-Fa-f:.]+)$"),
        ("HOST:PORT", _) => text(&format!("^{ADDRESS}$")),
        ("HOST:PORT,...", _) => list(&format!("|{ADDRESS}(, *{ADDRESS})*"), ADDRESS),
        ("URL,...", _) => {
            let one = "http://[^/?#@, ]+[^?#@, ]*";
            list(&format!("{one}(, *{one})*"), one)
        }
        ("ORIGINS", _) => {
            let origin = "https?://[^/, ]+";
            let one = format!("any|off|{origin}");
            list(&format!("{one}(, *{origin})*"), &one)
        }
        ("CODINGS", _) => list("off|(gzip|zstd)(, *(gzip|zstd))*", "off|gzip|zstd"),
        ("SWITCH", _) => json!({"type": "string", "enum": ["on", "off"]}),
        ("TRACES", _) => json!({"type": "string", "enum": ["off", "grpc", "http"]}),
        ("TRUST", _) => json!({"type": "string", "enum": ["obey", "join", "ignore"]}),
        ("ENDPOINT", _) => text("^(auto|http://[^/?#@]+(/[^?#]*)?)$"),
        ("RATIO", _) => json!({
            "type": ["number", "integer", "string"],
            "minimum": 0,
            "maximum": 1,
            "pattern": "^(0|1|[01]?\\.[0-9]+)$",
        }),
        ("LEVEL", _) => json!({"type": "string", "anyOf": [
            {"enum": ["error", "warn", "info", "debug", "trace"]},
            {"pattern": "^(ERROR|WARN|INFO|DEBUG|TRACE)$"},
        ]}),
        ("FORMAT", "access-log") => {
            json!({"type": "string", "enum": ["auto", "human", "json", "off"]})
        }
        ("FORMAT", _) => json!({"type": "string", "enum": ["auto", "human", "json"]}),
        _ => json!({"type": ["string", "integer", "array"], "items": {"type": "string"}}),
    }
}

/// Numbers with units; longer ones than a day are refused when the file is read.
const TIME: &str = "^([0-9]+ ?(milliseconds?|millis|msec|ms|seconds?|secs?|s|minutes?|mins?|m|\
                    hours?|hrs?|hr|h|days?|d) ?)+$";
const ADDRESS: &str = r"[^\s@/,]+:[0-9]+";
