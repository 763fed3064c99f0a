//! What the benchmarks transcode: from the two answers of the laboratory's services
//! to 50 KB of nested messages. Each comes as JSON, as wire bytes and with what reads
//! and writes it; made by the reference library, so that both sides of a comparison
//! begin with the same.

use std::fmt::Write;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage};
use transcode::{Builder, MessageId, ReadOptions, Schema, WriteOptions};

/// A message in both forms.
pub(crate) struct Case {
    /// For reports.
    pub(crate) name: &'static str,
    /// For the reference, whose instructions nobody counts.
    #[allow(dead_code)]
    pub(crate) described: MessageDescriptor,
    /// As the reference writes it.
    pub(crate) json: Vec<u8>,
    /// As the reference encodes it.
    pub(crate) wire: Vec<u8>,
    id: MessageId,
}

/// All cases, and the schema that they are of.
pub(crate) struct Cases {
    schema: Schema,
    /// From small to large.
    pub(crate) all: Vec<Case>,
}

impl Cases {
    /// Compiles the schemas and makes the messages.
    pub(crate) fn new() -> Self {
        let folder = env!("CARGO_MANIFEST_DIR");
        let folders = [
            format!("{folder}/benches/cases"),
            format!("{folder}/../../proto"),
        ];
        let files = protox::compile(["bench.proto", "services.proto"], folders);
        let files = files.expect("the schemas of the benchmarks");
        let pool = DescriptorPool::from_file_descriptor_set(files).expect("the same schemas");
        let schema = Schema::compile(&pool);
        let case = |(name, message, json): (_, _, String)| {
            let described = pool
                .get_message_by_name(message)
                .expect("a message of the schemas");
            let mut parser = serde_json::Deserializer::from_str(&json);
            let message = DynamicMessage::deserialize(described, &mut parser).expect("its JSON");
            Case {
                name,
                id: schema
                    .message(message.descriptor().full_name())
                    .expect("the same message"),
                described: message.descriptor(),
                json: serde_json::to_vec(&message).expect("its JSON"),
                wire: message.encode_to_vec(),
            }
        };
        let all = inputs().map(case).into();
        Cases { schema, all }
    }

    /// Wire to JSON.
    pub(crate) fn write(&self, case: &Case, out: &mut Vec<u8>) {
        out.clear();
        let written = self
            .schema
            .write_json(case.id, &case.wire, &WriteOptions::default(), out);
        written.expect("a valid message");
    }

    /// JSON to wire.
    pub(crate) fn read(&self, case: &Case, builder: &mut Builder, out: &mut Vec<u8>) {
        builder.clear();
        out.clear();
        let read = self
            .schema
            .read_json(case.id, &case.json, ReadOptions::default(), builder);
        read.expect("valid JSON");
        builder.write_to(out);
    }
}

/// Name, message, JSON.
fn inputs() -> [(&'static str, &'static str, String); 7] {
    let plain = "The quick brown fox jumps over the lazy dog. ".repeat(90);
    let escaped = "\\\"quoted\\\", a tab\\t and\\nthe next line of \u{e9}; ".repeat(90);
    let places: Vec<_> = (0..100)
        .map(|n| format!("\"place number {n}\":\"{}\"", n * 1_000_003))
        .collect();
    [
        (
            "hello",
            "pspd.HelloReply",
            r#"{"message":"Olá, world! [A]"}"#.to_owned(),
        ),
        ("number", "pspd.NumberReply", r#"{"value":42}"#.to_owned()),
        ("mixed", "bench.Book", book(7)),
        (
            "map",
            "bench.Index",
            format!("{{\"places\":{{{}}}}}", places.join(",")),
        ),
        (
            "plain-text",
            "bench.Text",
            format!("{{\"text\":\"{plain}\"}}"),
        ),
        (
            "escaped-text",
            "bench.Text",
            format!("{{\"text\":\"{escaped}\"}}"),
        ),
        ("nested-50-kb", "bench.Shelf", shelf(4)),
    ]
}

fn book(n: u32) -> String {
    format!(
        r#"{{"id":"{}","title":"Title number {n}","author":"Somebody Else","pages":{},"price":{}.25,
            "available":true,"genre":"NOVEL","cover":"AAECAwQFBgcICQoLDA0ODw==",
            "ratings":[1,2,3,4,5,{n}],"published":"2024-02-29T12:34:56.{:03}Z"}}"#,
        9_007_199_254_740_993_u64 + u64::from(n),
        100 + n,
        n % 90,
        n % 1000
    )
}

/// Three shelves in each, `levels` deep, two books on each.
fn shelf(levels: u32) -> String {
    let mut json = format!(
        "{{\"name\":\"shelf of level {levels}\",\"books\":[{},{}]",
        book(levels),
        book(levels * 31)
    );
    if levels > 0 {
        let inner = shelf(levels - 1);
        write!(json, ",\"shelves\":[{inner},{inner},{inner}]").expect("text");
    }
    json + "}"
}
