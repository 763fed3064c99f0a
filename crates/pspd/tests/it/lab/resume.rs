//! A run that is killed, wherever it stands, and gone on with.

use std::{
    collections::hash_map::RandomState, fs, hash::BuildHasher, path::Path, thread::sleep,
    time::Duration,
};

use contract::Role;
use serde_json::Value;
use testkit::{Process, Program, until};

use super::{PSPD, folder_if_any, lab, run_json, text};

const BLOCKS: u64 = 12;

#[cfg(unix)]
#[test]
fn killed_at_random_moments_and_resumed_no_block_is_lost_or_counted_twice() {
    let out = tempfile::tempdir().expect("a folder");
    let options = ["--users", "2", "--repetitions", "6", "--seed", "3"];
    let mut program = lab(out.path(), &options);
    until("the folder is there", || {
        folder_if_any(out.path())?
            .join("run.json")
            .exists()
            .then_some(())
    });
    let folder = folder_if_any(out.path()).expect("just seen");
    let mut kept: Vec<Value> = Vec::new();
    for _ in 0..3 {
        // Different in each run of the test, and shown when it fails.
        let moment = Duration::from_millis(RandomState::new().hash_one(()) % 1500);
        sleep(moment);
        program.signal("KILL");
        program.finish();
        let blocks = blocks(&folder);
        assert_eq!(blocks[..kept.len()], kept[..], "after {moment:?}");
        kept = blocks;
        let resume = ["lab", "--resume", text(&folder)];
        program = Program::start(PSPD, &resume).working();
    }
    let ended = program.finish();
    let complete = ended.err.contains("it is complete");
    assert!(ended.code() == Some(0) || complete, "{}", ended.err);

    let run = run_json(out.path());
    assert_eq!(run["state"], "complete");
    let blocks = blocks(&folder);
    assert_eq!(
        blocks[..kept.len()],
        kept[..],
        "what was done stays as it was"
    );
    let mut numbers: Vec<_> = blocks
        .iter()
        .map(|block| block["number"].as_u64())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=BLOCKS).map(Some).collect::<Vec<_>>());
    for target in ["grpc", "rest"] {
        let of_target = blocks.iter().filter(|block| block["target"] == target);
        let repetitions: Vec<_> = of_target
            .map(|block| block["repetition"].as_u64())
            .collect();
        assert_eq!(
            repetitions,
            (1..=6).map(Some).collect::<Vec<_>>(),
            "{target}"
        );
    }
    let cells = fs::read_to_string(folder.join("cells.csv")).expect("a table");
    assert_eq!(cells.lines().count(), 3, "a line a cell: {cells}");
}

#[test]
fn a_run_of_another_program_is_not_gone_on_with() {
    let out = tempfile::tempdir().expect("a folder");
    let service = Process::start(PSPD, Role::ARest, &[]);
    let against = format!("mine=http://{}", service.address());
    let options = [
        "--users",
        "2",
        "--against",
        &against,
        "--request",
        "GET /a/hello",
        "--repetitions",
        "9",
    ];
    let program = lab(out.path(), &options);
    let folder = until("the first block is there", || {
        let folder = folder_if_any(out.path())?;
        (folder.join("run.json").exists() && !blocks(&folder).is_empty()).then_some(folder)
    });
    // A target that has gone ends the run, and says how to go on.
    drop(service);
    let ended = program.finish();
    assert_eq!(ended.code(), Some(1), "{}", ended.err);
    assert!(
        ended.err.contains("mine") && ended.err.contains("--resume"),
        "{}",
        ended.err
    );

    let file = folder.join("run.json");
    let text_of = fs::read_to_string(&file).expect("there");
    let mut run: Value = serde_json::from_str(&text_of).expect("JSON");
    run["pspd_version"] = "0.0.7".into();
    fs::write(&file, run.to_string()).expect("can be written");
    let refused = Program::start(PSPD, &["lab", "--resume", text(&folder)]).finish();
    assert_eq!(refused.code(), Some(64), "{}", refused.err);
    assert!(refused.err.contains("0.0.7"), "{}", refused.err);
}

fn blocks(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("run.json")).expect("run.json is always whole");
    let run: Value = serde_json::from_str(&text).expect("JSON");
    run["blocks"].as_array().expect("blocks").clone()
}
