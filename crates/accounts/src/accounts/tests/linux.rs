//! What the kernel says of this process and of real children.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::*;
use crate::cost::Bytes;

static SOCKETS: Mutex<()> = Mutex::new(());

fn alone_with_sockets() -> MutexGuard<'static, ()> {
    SOCKETS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A child that ends with its test.
struct Role(Child);

impl Role {
    fn start(script: &str) -> Role {
        let child = Command::new("bash")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash is there");
        Role(child)
    }

    fn accounts(&self) -> Accounts {
        let pids = Pids::from([("child".into(), vec![self.0.id()])]);
        Accounts::open(&pids).expect("it runs")
    }

    /// Waits until the script has written a line.
    fn ready(&mut self) {
        let output = self.0.stdout.as_mut().expect("piped");
        output.read_exact(&mut [0]).expect("a line");
    }

    /// Lets the script read a line.
    fn go(&mut self) {
        let input = self.0.stdin.as_mut().expect("piped");
        input.write_all(b"\n").expect("it listens");
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Uses so much of a processor's time.
fn burn(time: Duration) {
    let used = || crate::own_thread_cpu().expect("known on Linux");
    let end = used() + time;
    while used() < end {
        std::hint::black_box((0..1_000u64).map(std::hint::black_box).sum::<u64>());
    }
}

fn own() -> Accounts {
    Accounts::open(&Pids::new()).expect("no ids to fail on")
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    connect(&listener)
}

fn connect(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let address = listener.local_addr().expect("bound");
    let client = TcpStream::connect(address).expect("it listens");
    let (server, _) = listener.accept().expect("it connected");
    (client, server)
}

fn send(from: &mut TcpStream, to: &mut TcpStream, length: usize) {
    // In steps that fit the socket's buffer, since nobody reads meanwhile.
    let mut left = length;
    while left > 0 {
        let step = left.min(4096);
        from.write_all(&vec![7; step]).expect("connected");
        to.read_exact(&mut vec![0; step]).expect("connected");
        left -= step;
    }
}

/// Reads until the costs are as expected: the last acknowledgement or the end of
/// a stream may still be on its way.
fn settled(accounts: &Accounts, before: &Reading, expected: impl Fn(&Costs) -> bool) -> Costs {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let costs = accounts.between(before, &accounts.read_at_end(), &[]);
        if expected(&costs) {
            return costs;
        }
        assert!(Instant::now() < deadline, "{costs:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn bytes(sent: u64, received: u64, complete: bool) -> Option<Bytes> {
    Some(Bytes {
        sent,
        received,
        complete,
    })
}

#[test]
fn the_generator_is_always_in_the_accounts() {
    let mut accounts = own();
    assert_eq!(accounts.roles().collect::<Vec<_>>(), [GENERATOR]);
    accounts.reset_peaks();
    let before = accounts.read();
    burn(Duration::from_millis(20));
    let glances = [accounts.glance(), accounts.glance()];
    let costs = accounts.between(&before, &accounts.read_at_end(), &glances);
    let [cost] = costs.roles.as_slice() else {
        unreachable!("one role: {costs:?}");
    };
    assert_eq!(cost.role, GENERATOR);
    assert!(cost.cpu_seconds >= Some(0.02), "{cost:?}");
    assert!(
        cost.peak_bytes > Some(0) && cost.mean_bytes > Some(0),
        "{cost:?}"
    );
    assert!(cost.context_switches.is_some(), "{cost:?}");
}

#[test]
fn the_processes_of_a_role_are_summed() {
    let child = Role::start("echo; read");
    let pid = child.0.id();
    let pids = Pids::from([("once".into(), vec![pid]), ("twice".into(), vec![pid, pid])]);
    let accounts = Accounts::open(&pids).expect("it runs");
    let names: Vec<&str> = accounts.roles().collect();
    assert_eq!(names, ["once", "twice", GENERATOR]);
    let before = accounts.read();
    let costs = accounts.between(&before, &accounts.read_at_end(), &[]);
    let peak = |index: usize| costs.roles[index].peak_bytes.expect("readable") as f64;
    // The peak may grow between two looks at it.
    assert!(peak(1) > 1.5 * peak(0), "{costs:?}");
}

#[test]
fn a_process_that_does_not_exist_is_named() {
    for pid in [0, u32::MAX >> 1, u32::MAX] {
        let pids = Pids::from([("gateway".into(), vec![std::process::id(), pid])]);
        let error = Accounts::open(&pids).expect_err("no such process");
        assert_eq!((error.role.as_str(), error.pid), ("gateway", pid));
        let text = error.to_string();
        assert!(
            text.contains(&format!("process {pid} of gateway")),
            "{text}"
        );
        assert!(text.contains("no such process"), "{text}");
    }
}

#[test]
fn a_process_that_ended_has_no_figures() {
    let mut child = Role::start("echo; read");
    child.ready();
    let accounts = child.accounts();
    let before = accounts.read();
    let _ = child.0.kill();
    child.0.wait().expect("it ended");
    let costs = accounts.between(&before, &accounts.read_at_end(), &[]);
    let cost = &costs.roles[0];
    assert_eq!(cost.cpu_seconds, None);
    assert_eq!((cost.peak_bytes, cost.mean_bytes), (None, None));
    assert_eq!((cost.context_switches, cost.bytes), (None, None));
    assert!(costs.roles[1].cpu_seconds.is_some(), "{costs:?}");
}

#[test]
fn a_busy_child_costs_what_its_coarse_figure_says() {
    let mut child =
        Role::start("echo; read; i=0; while ((i < 300000)); do ((i++)); done; echo; read");
    child.ready();
    let accounts = child.accounts();
    let before = accounts.read();
    child.go();
    child.ready();
    let costs = accounts.between(&before, &accounts.read_at_end(), &[]);
    let ours = costs.roles[0].cpu_seconds.expect("readable");
    let pid = i32::try_from(child.0.id()).expect("a process id");
    let stat = procfs::process::Process::new(pid)
        .and_then(|process| process.stat())
        .expect("it runs");
    let ticks = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
    // The other figure holds its start as well, in steps of a tick.
    assert!(ours > 0.05, "{ours} s");
    assert!(
        (ours - ticks).abs() < 0.1 + 0.2 * ticks,
        "{ours} s, {ticks} s"
    );
}

#[test]
fn time_of_threads_that_ended_counts_and_has_no_step_of_ten_milliseconds() {
    let accounts = own();
    let before = accounts.read();
    let spent = thread::spawn(|| {
        burn(Duration::from_millis(5));
        crate::own_thread_cpu().expect("known on Linux")
    });
    let spent = spent.join().expect("no panic");
    let costs = accounts.between(&before, &accounts.read_at_end(), &[]);
    let ours = costs.roles[0].cpu_seconds.expect("readable");
    // Not below what the thread saw itself; other tests may run meanwhile.
    assert!(ours >= spent.as_secs_f64(), "{ours} s of {spent:?}");
    assert!(
        spent >= Duration::from_millis(5) && spent < Duration::from_secs(5),
        "{spent:?}"
    );
    // A multiple of a microsecond may come up once, by chance.
    let fine = |_| crate::own_thread_cpu().is_some_and(|time| time.subsec_nanos() % 1000 != 0);
    assert!((0..20).any(fine));
}

#[test]
fn the_peak_is_remembered_and_the_mean_follows_the_samples() {
    // A string of 40 million bytes, then dropped.
    let script = "echo; read; printf -v big '%*s' 40000000 x; echo; read; unset big; echo; read";
    let mut child = Role::start(script);
    child.ready();
    let mut accounts = child.accounts();
    accounts.reset_peaks();
    let before = accounts.read();
    child.go();
    child.ready();
    let high = accounts.glance();
    child.go();
    child.ready();
    let costs = accounts.between(
        &before,
        &accounts.read_at_end(),
        std::slice::from_ref(&high),
    );
    let cost = &costs.roles[0];
    let top = high.roles[0].resident_bytes.expect("readable");
    assert!(top > 40_000_000, "{top}");
    assert!(
        cost.peak_bytes.expect("readable") + (1 << 20) > top,
        "{cost:?}"
    );
    let mean = cost.mean_bytes.expect("readable");
    assert!(mean > 5_000_000 && mean < top, "{mean} of {top}");
    if !cost.peak_since_start {
        accounts.reset_peaks();
        let costs = accounts.between(&before, &accounts.read_at_end(), &[]);
        assert!(costs.roles[0].peak_bytes < Some(top), "{costs:?}");
    }
}

#[test]
fn switches_grow_when_a_child_waits() {
    // Each read waits in vain.
    let waits = "for i in 1 2 3 4 5 6 7 8 9 10; do read -t 0.01; done";
    let mut child = Role::start(&format!("echo; read; {waits}; echo; read"));
    child.ready();
    let accounts = child.accounts();
    let before = accounts.read();
    let still = accounts.between(&before, &before, &[]);
    assert_eq!(still.roles[0].context_switches, Some(Switches::default()));
    child.go();
    child.ready();
    let costs = accounts.between(&before, &accounts.read_at_end(), &[]);
    let switches = costs.roles[0].context_switches.expect("readable");
    assert!(switches.voluntary >= 10, "{switches:?}");
}

#[test]
fn bytes_are_exactly_what_was_sent() {
    let _alone = alone_with_sockets();
    let (mut client, mut server) = pair();
    send(&mut client, &mut server, 999);
    let accounts = own();
    let before = accounts.read();
    let nothing = accounts.between(&before, &accounts.read_at_end(), &[]);
    assert_eq!(nothing.roles[0].bytes, bytes(0, 0, true));

    send(&mut client, &mut server, 123_456);
    send(&mut server, &mut client, 1);
    // Both ends are ours: each byte is sent once and received once.
    let costs = accounts.between(&before, &accounts.read_at_end(), &[]);
    assert_eq!(costs.roles[0].bytes, bytes(123_457, 123_457, true));
}

#[test]
fn a_socket_opened_in_the_window_counts_whole_over_ipv6_too() {
    let _alone = alone_with_sockets();
    let accounts = own();
    let before = accounts.read();
    let (mut client, mut server) = pair();
    send(&mut client, &mut server, 10_000);
    let expected = bytes(10_000, 10_000, true);
    let costs = accounts.between(&before, &accounts.read_at_end(), &[]);
    assert_eq!(costs.roles[0].bytes, expected);

    let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
        eprintln!("skipped: there is no IPv6 on this machine");
        return;
    };
    let (mut client6, mut server6) = connect(&listener);
    send(&mut server6, &mut client6, 5000);
    let costs = accounts.between(&before, &accounts.read_at_end(), &[]);
    assert_eq!(costs.roles[0].bytes, bytes(15_000, 15_000, true));
}

#[test]
fn the_ends_of_streams_are_not_payload() {
    let _alone = alone_with_sockets();
    let (mut client, mut server) = pair();
    let accounts = own();
    let before = accounts.read();
    send(&mut client, &mut server, 100);
    client.shutdown(Shutdown::Write).expect("connected");
    // Its end has come when there is nothing left to read.
    assert_eq!(server.read(&mut [0]).expect("connected"), 0);
    send(&mut server, &mut client, 50);
    let costs = accounts.between(&before, &accounts.read_at_end(), &[]);
    assert_eq!(costs.roles[0].bytes, bytes(150, 150, true));
}

#[test]
fn a_closed_socket_makes_the_bytes_incomplete() {
    let _alone = alone_with_sockets();
    let (kept, _server) = pair();
    let closed = pair();
    let accounts = own();
    let before = accounts.read();
    drop(closed);
    let costs = settled(&accounts, &before, |costs| {
        costs.roles[0].bytes.is_some_and(|bytes| !bytes.complete)
    });
    assert_eq!(costs.roles[0].bytes, bytes(0, 0, false));
    drop(kept);
}

#[test]
fn connections_between_the_readings_leave_a_count() {
    let _alone = alone_with_sockets();
    let accounts = own();
    let before = accounts.read();
    for _ in 0..5 {
        let (mut client, mut server) = pair();
        send(&mut client, &mut server, 10);
    }
    let costs = accounts.between(&before, &accounts.read_at_end(), &[]);
    assert_eq!(costs.roles[0].bytes, bytes(0, 0, true));
    // Others on this machine may have connections as well.
    assert!(costs.connections_unseen >= Some(10), "{costs:?}");
}

#[test]
fn bytes_go_to_the_process_that_holds_the_socket() {
    let _alone = alone_with_sockets();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let mut child = Role::start(&format!(
        "exec 3<>/dev/tcp/127.0.0.1/{port}; echo; read; printf '%*s' 54321 x >&3; echo; read"
    ));
    let (mut server, _) = listener.accept().expect("it connects");
    child.ready();
    let accounts = child.accounts();
    let before = accounts.read();
    child.go();
    server.read_exact(&mut vec![0; 54_321]).expect("connected");
    child.ready();
    server.write_all(&[1; 77]).expect("connected");
    let costs = settled(&accounts, &before, |costs| {
        costs.roles[0].bytes == bytes(54_321, 77, true)
    });
    assert_eq!(costs.roles[1].bytes, bytes(77, 54_321, true));
}

#[test]
fn bytes_in_another_network_namespace_are_absent_not_zero() {
    let mut child = Role::start("exec unshare --map-root-user --net bash -c 'echo; read'");
    let output = child.0.stdout.as_mut().expect("piped");
    if output.read(&mut [0]).expect("readable") == 0 {
        eprintln!("skipped: network namespaces are not ours to make here");
        return;
    }
    let accounts = child.accounts();
    let costs = accounts.between(&accounts.read(), &accounts.read_at_end(), &[]);
    assert_eq!(costs.roles[0].bytes, None);
    assert!(costs.roles[0].cpu_seconds.is_some(), "{costs:?}");
}

#[test]
fn a_dump_of_many_parts_loses_nothing() {
    check_many(300);
}

/// Prints it; `cargo test -p accounts --release -- --ignored
/// --nocapture` where a process may have 18,000 descriptors.
#[test]
#[ignore = "a measurement, and it needs many descriptors"]
fn how_long_looking_takes() {
    for connections in [1000, 3000, 9000] {
        check_many(connections);
    }
    let accounts = own();
    let a_thousand = |look: &dyn Fn()| {
        let from = Instant::now();
        (0..1000).for_each(|_| look());
        from.elapsed() / 1000
    };
    println!(
        "a glance at one process took {:.1?}, the time of the own thread {:.1?}",
        a_thousand(&|| _ = accounts.glance()),
        a_thousand(&|| _ = crate::own_thread_cpu()),
    );
}

fn check_many(connections: usize) {
    let _alone = alone_with_sockets();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let mut pairs: Vec<_> = (0..connections).map(|_| connect(&listener)).collect();
    let accounts = own();
    let before = accounts.read();
    let mut expected = 0;
    for (index, (client, server)) in pairs.iter_mut().enumerate() {
        client
            .write_all(&vec![1; index % 50 + 1])
            .expect("connected");
        server
            .read_exact(&mut vec![0; index % 50 + 1])
            .expect("connected");
        expected += index as u64 % 50 + 1;
    }
    let from = Instant::now();
    let after = accounts.read_at_end();
    let whole = from.elapsed();
    let from = Instant::now();
    let table = platform::tcp_sockets().expect("permitted here");
    println!(
        "{} sockets: the reading took {whole:.1?}, the dump alone {:.1?}",
        table.by_inode.len(),
        from.elapsed(),
    );
    let costs = accounts.between(&before, &after, &[]);
    assert_eq!(costs.roles[0].bytes, bytes(expected, expected, true));
}

#[test]
fn the_machine_was_busy_to_some_degree() {
    let accounts = own();
    let before = accounts.read();
    // More than a few of the ticks that the kernel counts in.
    burn(Duration::from_millis(100));
    let costs = settled(&accounts, &before, |costs| costs.machine.is_some());
    let machine = costs.machine.expect("settled on it");
    assert!(machine.busy > 0.0, "{machine:?}");
    for share in [Some(machine.busy), Some(machine.steal), machine.pressure] {
        let share = share.unwrap_or(0.0);
        assert!((0.0..=1.0).contains(&share), "{machine:?}");
    }
}
