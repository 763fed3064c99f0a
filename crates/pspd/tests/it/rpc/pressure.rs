//! Who does not take what comes holds back who sends it, through the gateway, whose
//! memory stays flat.

use std::time::Duration;

use bytes::Bytes;
use testkit::proc;

use super::{
    before,
    call::{Caller, NUMBERS},
};
use crate::grpc_peer::Peer;

/// Far less than would pass without flow control.
const GROWTH_BYTES_MAX: u64 = 12 * 1024 * 1024;
/// All windows and buffers on the way.
const HELD_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long nothing moves before it has come to rest.
const REST: Duration = Duration::from_millis(500);

#[test]
fn a_writer_is_held_back_by_a_service_that_does_not_read() {
    let peer = Peer::start();
    let gateway = before(&peer, &[]);
    let caller = Caller::connect(gateway.address());
    let mut begun = caller.begin(NUMBERS, &[]);
    let call = peer.next_call();
    let before = proc::resident_bytes(gateway.pid());
    let sent = caller.fill(&mut begun.sending, REST);
    let grown = proc::resident_bytes(gateway.pid()).saturating_sub(before);
    println!("{sent} bytes were taken, {grown} more are held");
    assert!(sent < HELD_BYTES_MAX, "{sent} bytes were taken");
    assert!(grown < GROWTH_BYTES_MAX, "grew by {grown} bytes");
    // Others are served meanwhile.
    let other = caller.ask(NUMBERS, &[]);
    let second = peer.next_call();
    second.send_head();
    second.end();
    assert_eq!(caller.answer(other).status(), "0");
    drop(call);
}

#[test]
fn a_service_is_held_back_by_a_reader_that_does_not_read() {
    let peer = Peer::start();
    let gateway = before(&peer, &[]);
    let caller = Caller::connect(gateway.address());
    let begun = caller.ask(NUMBERS, &[]);
    let call = peer.next_call();
    call.send_head();
    let before = proc::resident_bytes(gateway.pid());
    call.send_endlessly(Bytes::from(vec![0; 16 * 1024]));
    let (head, _sending) = caller.head(begun);
    // The windows of the client and of the gateway fill, and nothing more moves.
    std::thread::sleep(REST);
    let grown = proc::resident_bytes(gateway.pid()).saturating_sub(before);
    println!("{grown} bytes more are held");
    assert!(grown < GROWTH_BYTES_MAX, "grew by {grown} bytes");
    drop(head);
}
