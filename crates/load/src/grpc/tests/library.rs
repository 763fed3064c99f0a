//! Against a server of the gRPC library that most Rust services are built on.

use prost_reflect::DescriptorPool;
use tokio_stream::wrappers::TcpListenerStream;

use super::*;

async fn health_target() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (reporter, health) = tonic_health::server::health_reporter();
    let serving = tonic_health::ServingStatus::Serving;
    reporter.set_service_status("there", serving).await;
    tokio::spawn(async move {
        // Ends with the test, and the reporter with it, which ends the streams.
        let _reporter = reporter;
        tonic::transport::Server::builder()
            .add_service(health)
            .serve_with_incoming(TcpListenerStream::new(listener))
            .await
    });
    address
}

async fn ask(
    connection: &mut Connection,
    method: &str,
    message: &str,
    timeout: Duration,
) -> (Result<(), RequestError>, Observed) {
    let pool = DescriptorPool::decode(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .expect("the library's own descriptors");
    let service = pool.get_service_by_name("grpc.health.v1.Health");
    let service = service.expect("it is in the file");
    let method = service.methods().find(|known| known.name() == method);
    let method = method.expect("it is in the service");
    let metadata = [("trace-bin".to_owned(), "AAEC/w==".to_owned())];
    let call = Call::new("localhost", &method, message, &metadata).expect("a right call");
    let mut values = crate::template::Values::new(0, 0);
    let message = call.message(&mut values).expect("a right message");
    let mut observed = Observed::default();
    let outcome = within(timeout, async |limits| {
        let outcome = connection.call(&call, message, limits, &mut observed);
        outcome.await
    });
    (outcome.await, observed)
}

#[tokio::test]
async fn calls_and_streams_work() {
    let mut connection = open(health_target().await).await;
    for message in [r#"{"service":"there"}"#, r#"{"service":"{{pick there}}"}"#] {
        let (outcome, observed) = ask(&mut connection, "Check", message, LONG).await;
        outcome.expect("the service is there");
        assert_eq!(observed.messages, 1);
        assert_eq!(observed.first_message, None, "no stream");
    }
    let (outcome, _) = ask(&mut connection, "Check", r#"{"service":"no"}"#, LONG).await;
    assert!(
        matches!(outcome, Err(RequestError::GrpcStatus { code: 5, .. })),
        "{outcome:?}"
    );
    // It is told at once how the service does, and then of changes only.
    let (outcome, observed) = ask(&mut connection, "Watch", r#"{"service":"there"}"#, SHORT).await;
    assert!(
        matches!(outcome, Err(RequestError::Timeout(SHORT))),
        "{outcome:?}"
    );
    assert_eq!(observed.messages, 1);
    assert!(observed.first_message.is_some());
}
