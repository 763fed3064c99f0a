//! The Linux side: processes from `/proc` and their processor clocks, sockets
//! from netlink, the machine from `/proc`.

mod machine_time;
mod process;
mod sock_diag;
mod tcp_info;

pub(crate) use machine_time::MachineTime;
pub(crate) use process::Process;
pub use process::own_thread_cpu;
pub(crate) use sock_diag::tcp_sockets;
