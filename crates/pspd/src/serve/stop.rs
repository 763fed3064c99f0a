//! What tells a role to stop: Ctrl-C or SIGTERM, or the end of standard input. It says at
//! once that it leaves, and takes nothing new a while later. A second signal ends it at once.

use std::{
    io::{self, Read},
    time::Duration,
};

use anyhow::{Context, Result};
use server::Stop;
use system::Interrupts;

/// The customary exit code of a program ended by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Begins `stop` at the first signal, or when standard input ends if asked; that it
/// leaves is told `delay` before.
pub(super) fn on_signal(stop: Stop, delay: Duration, with_stdin: bool) -> Result<()> {
    let mut signals = Interrupts::but_for_hang_up().context("cannot listen for signals")?;
    if with_stdin {
        let stop = stop.clone();
        std::thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(move || {
                wait_for_end_of_input();
                stop.leave();
            })
            .context("cannot watch standard input")?;
    }
    let leaving = stop.clone();
    tokio::spawn(async move {
        signals.next().await;
        leaving.leave();
        signals.next().await;
        std::process::exit(INTERRUPTED);
    });
    tokio::spawn(begin_after(stop, delay));
    Ok(())
}

async fn begin_after(stop: Stop, delay: Duration) {
    stop.leaving().await;
    if !delay.is_zero() {
        tracing::info!(
            ?delay,
            "no longer ready; going on for a while (--drain-delay)"
        );
        tokio::time::sleep(delay).await;
    }
    stop.begin();
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
