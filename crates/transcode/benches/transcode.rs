//! Time and bytes a second of both directions, beside the reference library, which
//! makes a message of what it reads. Beside, not against: it promises something else.

mod cases;

use cases::Cases;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prost::Message;
use prost_reflect::DynamicMessage;
use transcode::Builder;

fn wire_to_json(criterion: &mut Criterion) {
    let cases = Cases::new();
    for case in &cases.all {
        let mut group = criterion.benchmark_group(format!("wire-to-json/{}", case.name));
        group.throughput(Throughput::Bytes(case.json.len() as u64));
        let mut out = Vec::new();
        group.bench_function("transcode", |bencher| {
            bencher.iter(|| cases.write(case, &mut out));
        });
        group.bench_function("prost-reflect", |bencher| {
            bencher.iter(|| {
                out.clear();
                let message = DynamicMessage::decode(case.described.clone(), case.wire.as_slice());
                serde_json::to_writer(&mut out, &message.expect("a valid message")).expect("JSON");
            });
        });
        group.finish();
    }
}

fn json_to_wire(criterion: &mut Criterion) {
    let cases = Cases::new();
    for case in &cases.all {
        let mut group = criterion.benchmark_group(format!("json-to-wire/{}", case.name));
        group.throughput(Throughput::Bytes(case.json.len() as u64));
        let (mut builder, mut out) = (Builder::new(), Vec::new());
        group.bench_function("transcode", |bencher| {
            bencher.iter(|| cases.read(case, &mut builder, &mut out));
        });
        group.bench_function("prost-reflect", |bencher| {
            bencher.iter(|| {
                out.clear();
                let mut json = serde_json::Deserializer::from_slice(&case.json);
                let message = DynamicMessage::deserialize(case.described.clone(), &mut json);
                message.expect("valid JSON").encode(&mut out).expect("room");
            });
        });
        group.finish();
    }
}

criterion_group!(benches, wire_to_json, json_to_wire);
criterion_main!(benches);
