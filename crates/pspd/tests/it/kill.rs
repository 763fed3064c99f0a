//! Services and gateways that are killed, or stopped and replaced, under load:
//! every answer stays a proper one, nothing hangs, nothing leaks, and all is
//! well again soon after the service is back.

mod graceful;
mod load;
mod under_load;

const PSPD: &str = env!("CARGO_BIN_EXE_pspd");
