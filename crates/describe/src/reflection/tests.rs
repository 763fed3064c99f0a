use std::{net::SocketAddr, time::Duration};

use prost::Message as _;
use prost_types::FileDescriptorProto;
use tokio::net::TcpListener;
use tokio_stream::{Stream, StreamExt, wrappers::TcpListenerStream};
use tonic::{Response, service::Routes, transport::Server};
use tonic_reflection::{
    pb::v1::{
        ErrorResponse, FileDescriptorResponse, ListServiceResponse, ServiceResponse,
        server_reflection_server::{ServerReflection, ServerReflectionServer},
    },
    server::Builder,
};

use super::*;
use crate::Description;

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

/// A server of these services, which ends with the test.
async fn serve(services: Routes) -> String {
    let (listener, address) = listener().await;
    let incoming = TcpListenerStream::new(listener);
    tokio::spawn(
        Server::builder()
            .add_routes(services)
            .serve_with_incoming(incoming),
    );
    address.to_string()
}

fn health() -> Routes {
    Routes::new(tonic_health::server::health_reporter().1)
}

fn reflection() -> Builder<'static> {
    Builder::configure().register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

async fn describe(target: &str) -> Result<Description, DescribeError> {
    Description::from_reflection(target, None, &Limits::default()).await
}

async fn describe_error(target: &str, limits: &Limits) -> DescribeError {
    let described = Description::from_reflection(target, None, limits).await;
    described.expect_err("there is nothing to describe")
}

#[tokio::test]
async fn either_version_is_enough() {
    let v1 = || reflection().build_v1().expect("right descriptors");
    let v1alpha = || reflection().build_v1alpha().expect("right descriptors");
    for services in [
        health().add_service(v1()),
        health().add_service(v1alpha()),
        health().add_service(v1()).add_service(v1alpha()),
    ] {
        let description = describe(&serve(services).await).await.expect("described");
        let method = description.method("grpc.health.v1.Health/Watch");
        let method = method.expect("it is served");
        assert!(method.is_server_streaming());
        assert_eq!(
            method.input().full_name(),
            "grpc.health.v1.HealthCheckRequest"
        );
    }
}

#[tokio::test]
async fn a_server_that_has_not_changed_has_the_same_fingerprint() {
    let fingerprint = async |files: Builder<'static>| {
        let service = files.build_v1().expect("right descriptors");
        let target = serve(health().add_service(service)).await;
        describe(&target).await.expect("described").fingerprint()
    };
    let types = tonic_types::pb::FILE_DESCRIPTOR_SET;
    let more = || reflection().register_encoded_file_descriptor_set(types);
    let own = || reflection().include_reflection_service(false);
    assert_eq!(fingerprint(own()).await, fingerprint(own()).await);
    // Files that no service needs are not asked for.
    assert_eq!(fingerprint(reflection()).await, fingerprint(more()).await);
    assert_ne!(fingerprint(reflection()).await, fingerprint(own()).await);
}

#[tokio::test]
async fn a_server_without_reflection_is_told_apart() {
    let target = serve(health()).await;
    let error = describe_error(&target, &Limits::default()).await;
    assert!(
        matches!(error, DescribeError::NoReflection { .. }),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        format!(
            "{target} has no reflection, neither v1 nor v1alpha; switch it on there, or \
             describe the service by its .proto files or a descriptor set"
        )
    );
}

#[tokio::test]
async fn a_target_that_is_not_there_is_told_apart() {
    let (listener, address) = listener().await;
    drop(listener);
    let error = describe_error(&address.to_string(), &Limits::default()).await;
    assert!(
        matches!(error, DescribeError::Unreachable { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn a_target_that_does_not_speak_grpc_is_told_apart() {
    use tokio::io::AsyncWriteExt;
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            open.push(stream);
        }
    });
    let error = describe_error(&address.to_string(), &Limits::default()).await;
    assert!(
        matches!(error, DescribeError::Unreachable { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_target_that_never_answers_is_given_up() {
    let (_listener, address) = listener().await;
    let limits = Limits {
        timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let error = describe_error(&address.to_string(), &limits).await;
    assert!(matches!(error, DescribeError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn names_that_are_no_targets_are_refused() {
    for target in [
        "",
        "a b:1",
        "localhost",
        "http://localhost:1",
        "https://a:1/b",
    ] {
        let error = describe_error(target, &Limits::default()).await;
        assert!(matches!(error, DescribeError::Target { .. }), "{error:?}");
    }
}

/// A server that sends no file but the one it is asked for, and not all of them.
struct Sparing {
    services: Vec<&'static str>,
    files: Vec<FileDescriptorProto>,
    withheld: &'static str,
}

impl Sparing {
    /// Serves `a.A`, whose message is in another file, which needs two more.
    fn new() -> Self {
        let sources = [
            ("b/c.proto", "message C {}"),
            (
                "b.proto",
                "import \"b/c.proto\"; import \"google/protobuf/empty.proto\"; \
                 message B { C c = 1; google.protobuf.Empty e = 2; }",
            ),
            (
                "a.proto",
                "package a; import \"b.proto\"; service A { rpc M(B) returns (B); }",
            ),
        ];
        let files = sources.map(|(name, source)| {
            let source = format!("syntax = \"proto3\"; {source}");
            let file = protox::file::File::from_source(name, &source).expect("right");
            file.file_descriptor_proto().clone()
        });
        Sparing {
            services: vec!["a.A"],
            files: files.into(),
            withheld: "",
        }
    }

    fn answer(&self, asked: MessageRequest) -> MessageResponse {
        let name = match asked {
            MessageRequest::ListServices(_) => {
                let service = self.services.iter().map(|&name| ServiceResponse {
                    name: name.to_owned(),
                });
                return MessageResponse::ListServicesResponse(ListServiceResponse {
                    service: service.collect(),
                });
            }
            MessageRequest::FileContainingSymbol(name) if name == "a.A" => "a.proto".to_owned(),
            MessageRequest::FileByFilename(name) => name,
            _ => String::new(),
        };
        let file = self.files.iter().find(|file| file.name() == name);
        match file.filter(|_| name != self.withheld) {
            Some(file) => MessageResponse::FileDescriptorResponse(FileDescriptorResponse {
                file_descriptor_proto: vec![file.encode_to_vec()],
            }),
            None => MessageResponse::ErrorResponse(ErrorResponse {
                error_code: 5,
                error_message: "not here".to_owned(),
            }),
        }
    }
}

#[tonic::async_trait]
impl ServerReflection for Sparing {
    type ServerReflectionInfoStream =
        std::pin::Pin<Box<dyn Stream<Item = Result<ServerReflectionResponse, Status>> + Send>>;

    async fn server_reflection_info(
        &self,
        questions: Request<Streaming<ServerReflectionRequest>>,
    ) -> Result<Response<Self::ServerReflectionInfoStream>, Status> {
        let server = Sparing {
            services: self.services.clone(),
            files: self.files.clone(),
            withheld: self.withheld,
        };
        // Answers the call with its first message, as many servers do.
        let mut questions = questions.into_inner();
        let first = questions.message().await?;
        let rest = tokio_stream::iter(first.map(Ok)).chain(questions);
        let answers = rest.map(move |question| {
            let asked = question?.message_request;
            Ok(ServerReflectionResponse {
                message_response: asked.map(|asked| server.answer(asked)),
                ..ServerReflectionResponse::default()
            })
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

async fn serve_sparing(server: Sparing) -> String {
    serve(Routes::new(ServerReflectionServer::new(server))).await
}

#[tokio::test]
async fn imports_that_are_not_sent_along_are_fetched() {
    let target = serve_sparing(Sparing::new()).await;
    let description = describe(&target).await.expect("all files are there");
    let method = description.method("a.A/M").expect("it is served");
    let fields: Vec<_> = method.input().fields().collect();
    let kinds: Vec<_> = fields.iter().map(|field| field.kind()).collect();
    let names: Vec<_> = kinds
        .iter()
        .map(|kind| kind.as_message().expect("a message").full_name())
        .collect();
    assert_eq!(names, ["C", "google.protobuf.Empty"]);
}

#[tokio::test]
async fn an_import_that_is_nowhere_is_named() {
    let mut server = Sparing::new();
    server.withheld = "b/c.proto";
    let error = describe_error(&serve_sparing(server).await, &Limits::default()).await;
    let expected = "b.proto imports b/c.proto, which the server does not send (not here)";
    assert!(error.to_string().contains(expected), "{error}");
}

#[tokio::test]
async fn a_service_without_a_file_does_not_hide_the_others() {
    let mut server = Sparing::new();
    server.services.insert(0, "x.Internal");
    let description = describe(&serve_sparing(server).await).await;
    let description = description.expect("one service is described");
    description.method("a.A/M").expect("it is served");
    let error = description.method("x.Internal/Go").expect_err("not known");
    let expected = "not described: x.Internal (not here)";
    assert!(error.to_string().contains(expected), "{error}");

    let mut server = Sparing::new();
    server.services = vec!["x.Internal"];
    let error = describe_error(&serve_sparing(server).await, &Limits::default()).await;
    assert!(
        error.to_string().contains("x.Internal (not here)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_description_that_is_too_large_is_not_fetched() {
    let limits = |bytes_max| Limits {
        bytes_max,
        ..Limits::default()
    };
    // The first is enough for no answer, the second for some of the files.
    for bytes_max in [5, 100] {
        let target = serve_sparing(Sparing::new()).await;
        let error = describe_error(&target, &limits(bytes_max)).await;
        assert!(matches!(error, DescribeError::TooLarge { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_sends_nonsense_is_told() {
    let mut server = Sparing::new();
    server.files[2].service[0].method[0].input_type = Some(".b.Nowhere".to_owned());
    let error = describe_error(&serve_sparing(server).await, &Limits::default()).await;
    assert!(
        matches!(error, DescribeError::Reflection { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("b.Nowhere"), "{error}");
}
