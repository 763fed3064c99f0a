//! Many sockets at once, clients that all leave, and what the gateway keeps of them.

use testkit::{
    backend::{End, Reply, Step},
    proc, until,
};

use super::{Talks, peer::Peer};

const SOCKETS: usize = 1000;

#[test]
fn a_thousand_sockets() {
    let talks = Talks::start();
    let open = |count| -> Vec<Peer> {
        (0..count)
            .map(|_| talks.open("/v1/rooms/7:converse"))
            .collect()
    };
    drop(open(10));
    let before = proc::resident_bytes(talks.gateway.pid());
    let mut sockets = open(SOCKETS);
    for turn in 1..=3 {
        for socket in &mut sockets {
            socket.text(&format!("{{\"number\":\"{turn}\"}}"));
        }
        for socket in &mut sockets {
            let text = socket.next();
            assert!(
                text.contains(&format!("\"number\":\"{turn}\"")),
                "{turn}: {text}"
            );
        }
    }
    let each = (proc::resident_bytes(talks.gateway.pid()) - before) / SOCKETS as u64;
    println!("{each} bytes a socket");
    assert!(each < 64 * 1024, "{each} bytes a socket");
    // One half leaves without a word; the others go on.
    let gone = sockets.split_off(SOCKETS / 2);
    drop(gone);
    for socket in &mut sockets {
        socket.text("{}");
    }
    for socket in &mut sockets {
        socket.next();
    }
    until("the cancellations", || {
        (talks.backend.cancelled().len() >= SOCKETS / 2).then_some(())
    });
    for mut socket in sockets {
        socket.text("");
        socket.end().ok();
    }
    let descriptors = proc::descriptors(talks.gateway.pid());
    until("closed connections", || {
        (proc::descriptors(talks.gateway.pid()) < 200).then_some(())
    });
    println!("{descriptors} descriptors at the end");
}

#[test]
fn a_burst_of_clients_that_leave_harms_nobody() {
    let talks = Talks::start();
    talks.answer("Watch", |_| Reply::steps([Step::Head]).ending(End::Silence));
    let mut stays = talks.open("/v1/rooms/7:converse");
    for _ in 0..5 {
        let leave: Vec<_> = (0..200).map(|_| talks.open("/v1/rooms/7:watch")).collect();
        drop(leave);
        stays.text("{}");
        stays.next();
    }
    talks.cancelled("Watch", 1000);
    assert!(
        talks.backend.connections() < 50,
        "{}",
        talks.backend.connections()
    );
    stays.text("");
    stays.end().ok();
}
