//! The figures: what each role cost between two readings, as written into
//! results. A figure that could not be read is absent, never zero.

use serde::{Deserialize, Serialize};

/// What happened between two readings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// One a role, in the order of [`Accounts::roles`](crate::Accounts::roles).
    pub roles: Vec<Cost>,
    /// The whole machine; absent when unknown.
    pub machine: Option<MachineLoad>,
    /// Ends of TCP connections that were opened and closed between the readings,
    /// by any process of this network namespace: a connection over loopback has
    /// two. Their bytes are in nobody's account. Where the targets open a
    /// connection for each request, this is large and `bytes` means nothing.
    pub connections_unseen: Option<u64>,
}

/// What one role cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The role, or [`GENERATOR`](crate::GENERATOR).
    pub role: String,
    /// User and system time of all its processes, their ended threads included;
    /// absent when unknown.
    pub cpu_seconds: Option<f64>,
    /// Peak resident memory from the last reset of the peaks to the second
    /// reading, and so of ramp and warm-up too, summed over its processes;
    /// absent when unknown.
    pub peak_bytes: Option<u64>,
    /// The peak is since the process started: the kernel did not let it be reset.
    pub peak_since_start: bool,
    /// Mean resident memory over time, summed over its processes, from the
    /// glances between the readings and from the readings themselves; absent
    /// when unknown.
    pub mean_bytes: Option<u64>,
    /// Absent when unknown.
    pub context_switches: Option<Switches>,
    /// Over its TCP sockets; absent when unknown, and for a process in another
    /// network namespace.
    pub bytes: Option<Bytes>,
}

/// Times that threads gave up a processor. A thread that ended before the second
/// reading takes its count with it, so this is a lower bound for processes that
/// end threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switches {
    /// The thread had to wait for something.
    pub voluntary: u64,
    /// The kernel gave the processor to another thread.
    pub involuntary: u64,
}

/// Payload of TCP, over IPv4 and IPv6, loopback included: no headers of TCP or
/// IP, and nothing twice that was sent twice. TLS and HTTP framing are payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    /// Handed to the network, whether acknowledged yet or not.
    pub sent: u64,
    /// Arrived in order, whether the program has read it yet or not.
    pub received: u64,
    /// Every socket of the first reading was there at the second. When it was
    /// not, what it carried between the readings is missing here.
    pub complete: bool,
}

/// How busy the machine was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MachineLoad {
    /// Share of all its processors' time spent on anything at all, 0 to 1.
    pub busy: f64,
    /// Share of all its processors' time taken by the hypervisor for others, 0 to 1.
    pub steal: f64,
    /// Share of the time in which at least one runnable thread waited for a
    /// processor, 0 to 1; absent when the kernel does not keep it. Unlike `busy`
    /// it tells a full machine from an overfull one.
    pub pressure: Option<f64>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cost_is_written_flat_and_read_again() {
        let cost = Cost {
            role: "gateway".into(),
            cpu_seconds: Some(1.5),
            peak_bytes: Some(3),
            peak_since_start: false,
            mean_bytes: Some(2),
            context_switches: Some(Switches {
                voluntary: 4,
                involuntary: 5,
            }),
            bytes: Some(Bytes {
                sent: 6,
                received: 7,
                complete: true,
            }),
        };
        let written = serde_json::to_value(&cost).expect("plain data");
        let expected = json!({
            "role": "gateway",
            "cpu_seconds": 1.5,
            "peak_bytes": 3,
            "peak_since_start": false,
            "mean_bytes": 2,
            "context_switches": { "voluntary": 4, "involuntary": 5 },
            "bytes": { "sent": 6, "received": 7, "complete": true },
        });
        assert_eq!(written, expected);
        let read: Cost = serde_json::from_value(written).expect("what we wrote");
        assert_eq!(read, cost);
    }
}
