//! One run of one case, for callgrind to count the instructions of: those of
//! `measured` and what it calls. Without an argument it lists its cases. `cargo xtask
//! instructions` runs them all and compares with `benches/instructions.txt`.

mod cases;

use std::{env, hint::black_box, process::ExitCode};

use cases::{Case, Cases};
use transcode::Builder;

#[derive(Clone, Copy)]
enum Direction {
    WireToJson,
    JsonToWire,
}

fn main() -> ExitCode {
    let cases = Cases::new();
    // Cargo says `--bench` when it runs this itself.
    let wanted = env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    for case in &cases.all {
        for (name, direction) in [
            ("wire-to-json", Direction::WireToJson),
            ("json-to-wire", Direction::JsonToWire),
        ] {
            let name = format!("{name}/{}", case.name);
            match &wanted {
                None => println!("{name}"),
                Some(wanted) if *wanted == name => {
                    let mut buffers = (Builder::new(), Vec::new());
                    // Once for the buffers to grow, as they have long since in a server.
                    once(&cases, case, direction, &mut buffers);
                    measured(&cases, case, direction, &mut buffers);
                    black_box(&buffers);
                    return ExitCode::SUCCESS;
                }
                Some(_) => {}
            }
        }
    }
    if wanted.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Known to callgrind by its name, so it must not be inlined.
#[inline(never)]
fn measured(cases: &Cases, case: &Case, direction: Direction, buffers: &mut (Builder, Vec<u8>)) {
    once(cases, case, direction, buffers);
}

#[inline(always)]
fn once(cases: &Cases, case: &Case, direction: Direction, (builder, out): &mut (Builder, Vec<u8>)) {
    match direction {
        Direction::WireToJson => cases.write(black_box(case), out),
        Direction::JsonToWire => cases.read(black_box(case), builder, out),
    }
}
