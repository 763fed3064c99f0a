//! What tells a role to stop: Ctrl-C or SIGTERM, or the end of standard input. A second
//! signal ends it at once.

use std::io::{self, Read};

use anyhow::{Context, Result};
use server::CancellationToken;
use system::Interrupts;

/// The customary exit code of a program ended by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Cancels `stop` at the first signal, or when standard input ends if asked.
pub(super) fn on_signal(stop: CancellationToken, with_stdin: bool) -> Result<()> {
    let mut signals = Interrupts::but_for_hang_up().context("cannot listen for signals")?;
    if with_stdin {
        let stop = stop.clone();
        std::thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(move || {
                wait_for_end_of_input();
                stop.cancel();
            })
            .context("cannot watch standard input")?;
    }
    tokio::spawn(async move {
        signals.next().await;
        stop.cancel();
        signals.next().await;
        std::process::exit(INTERRUPTED);
    });
    Ok(())
}

fn wait_for_end_of_input() {
    let mut ignored = [0; 1024];
    let mut input = io::stdin().lock();
    loop {
        match input.read(&mut ignored) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
