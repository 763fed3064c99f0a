//! The services that the gateway itself has, so that tools find through its port what
//! they find at a server's: reflection, which describes what all upstreams serve, and
//! health, which tells of the gateway and of each of its services. An upstream's own
//! take their place where a configuration names them among its services.

mod reflection;

use std::{collections::HashMap, sync::Arc, sync::LazyLock, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use http::uri::PathAndQuery;
use prost::Message;
use prost_reflect::DescriptorPool;
use telemetry::{Route, Rpc, RpcId, RpcType, Telemetry};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout_at},
};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
};
use transcode::Schema;

use super::{
    download::{Pump, Source},
    status::Status,
    upload::{Broken, Shared, TIME_IS_OVER, Upload},
};
use crate::{
    forward::served::Served,
    respond::Code,
    table::{Kind, Method, SideEffects},
    upstream::grpc::{Decoder, PREFIX_BYTES},
};

/// How often a client that watches is told when something has changed.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// Bytes of a question.
const QUESTION_BYTES_MAX: usize = 64 * 1024;
/// Answers that may wait for the client.
const ANSWERS_MAX: usize = 4;

/// A method of the gateway's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    Reflection,
    HealthCheck,
    HealthWatch,
}

/// What describes these services.
struct Services {
    pools: Vec<DescriptorPool>,
    methods: HashMap<String, (Own, Arc<Method>)>,
}

/// Which descriptions there are is decided by the libraries; a test opens them all.
static SERVICES: LazyLock<Services> = LazyLock::new(|| {
    let sets = [
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let pools = sets
        .iter()
        .filter_map(|set| DescriptorPool::decode(*set).ok());
    let pools: Vec<_> = pools.collect();
    let methods = pools.iter().flat_map(methods).collect();
    Services { pools, methods }
});

fn methods(pool: &DescriptorPool) -> Vec<(String, (Own, Arc<Method>))> {
    let schema = Arc::new(Schema::compile(pool));
    let methods = pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>());
    let known = methods.filter_map(|method| {
        let own = match method.name() {
            "ServerReflectionInfo" => Own::Reflection,
            "Check" => Own::HealthCheck,
            "Watch" => Own::HealthWatch,
            _ => return None,
        };
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let method = Method {
            upstream: usize::MAX,
            // Counted by what is served; see [`Counted`].
            rpc: RpcId::UNMATCHED,
            route: Route::UNMATCHED,
            service: "gateway".into(),
            path: PathAndQuery::try_from(&path).ok()?,
            kind: Kind::of(&method),
            idempotent: true,
            side_effects: SideEffects::of(&method),
            schema: Arc::clone(&schema),
            input: schema.message(method.input().full_name())?,
            output: schema.message(method.output().full_name())?,
            details: None,
        };
        Some((path, (own, Arc::new(method))))
    });
    known.collect()
}

/// The gateway's own method at `path`.
pub(super) fn find(path: &str) -> Option<(Own, Arc<Method>)> {
    // All are of one family, which is told at once.
    path.starts_with("/grpc.")
        .then(|| SERVICES.methods.get(path).cloned())?
}

/// What metrics know them by, in either version of reflection.
pub(crate) struct Counted {
    reflection: RpcId,
    check: RpcId,
    watch: RpcId,
}

impl Counted {
    pub(crate) fn of(telemetry: &Telemetry) -> Self {
        let rpc = |rpc_type, service: &str, method: &str| {
            telemetry.rpc(Rpc {
                rpc_type,
                service: service.to_owned(),
                method: method.to_owned(),
                upstream: String::new(),
            })
        };
        let health = "grpc.health.v1.Health";
        let reflection = "grpc.reflection.v1.ServerReflection";
        Counted {
            reflection: rpc(RpcType::BidiStream, reflection, "ServerReflectionInfo"),
            check: rpc(RpcType::Unary, health, "Check"),
            watch: rpc(RpcType::ServerStream, health, "Watch"),
        }
    }

    pub(super) fn rpc(&self, own: Own) -> RpcId {
        match own {
            Own::Reflection => self.reflection,
            Own::HealthCheck => self.check,
            Own::HealthWatch => self.watch,
        }
    }
}

impl Own {
    /// Answers what is uploaded. Must be called on the worker's runtime.
    pub(super) fn answer(
        self,
        served: Arc<Served>,
        upload: Upload,
        deadline: Instant,
        shared: Arc<Shared>,
    ) -> (Source, Pump) {
        let (answers, source) = mpsc::channel(ANSWERS_MAX);
        let answered = async move {
            let conversation = self.converse(&served, upload, &answers);
            let ended = tokio::select! {
                ended = timeout_at(deadline, conversation) => ended.unwrap_or_else(|_| {
                    Err(Status::new(Code::DeadlineExceeded, TIME_IS_OVER.to_owned()))
                }),
                () = served.stop.over() => {
                    Err(Status::new(Code::Unavailable, "the gateway stops".to_owned()))
                }
            };
            // A client that does not read must not keep a place beyond the call's time.
            shared.let_go();
            if let Err(status) = ended {
                // A client that has left is told nothing.
                let _ = answers.send(Err(status)).await;
            }
        };
        let task = tokio::spawn(answered).abort_handle();
        (Source::Own(source), Pump(task))
    }

    async fn converse(
        self,
        served: &Served,
        mut upload: Upload,
        answers: &mpsc::Sender<Result<Bytes, Status>>,
    ) -> Result<(), Status> {
        let mut decoder = Decoder::new(QUESTION_BYTES_MAX);
        while let Some(bytes) = upload.next().await {
            decoder.push(match bytes {
                Ok(bytes) => bytes,
                Err(Broken::Wrong(status)) => return Err(status),
                Err(Broken::Left) => return Ok(()),
            });
            while let Some(complete) = decoder.complete().map_err(wrong)? {
                let question = decoder.take_whole(complete);
                if self == Own::HealthWatch {
                    return watch(served, question, answers).await;
                }
                let answer = self.once(served, question).await?;
                if answers.send(Ok(answer)).await.is_err() {
                    return Ok(());
                }
                if self == Own::HealthCheck {
                    return Ok(());
                }
            }
        }
        decoder.end().map_err(wrong)
    }

    /// The framed answer to one message.
    pub(super) async fn once(self, served: &Served, question: Bytes) -> Result<Bytes, Status> {
        match self {
            Own::Reflection => {
                let question = Message::decode(question).map_err(wrong)?;
                let own = &SERVICES.pools;
                Ok(framed(&reflection::answer(&served.table, own, question)))
            }
            Own::HealthCheck | Own::HealthWatch => {
                let asked = HealthCheckRequest::decode(question).map_err(wrong)?;
                match health(served, &asked.service).await {
                    ServingStatus::ServiceUnknown => {
                        let message = format!("no service {:?} is known here", asked.service);
                        Err(Status::new(Code::NotFound, message))
                    }
                    status => Ok(health_answer(status)),
                }
            }
        }
    }
}

/// The names of the gateway's own services.
fn names() -> impl Iterator<Item = String> {
    let services = SERVICES.pools.iter().flat_map(DescriptorPool::services);
    services.map(|service| service.full_name().to_owned())
}

fn wrong(error: impl std::fmt::Display) -> Status {
    Status::new(Code::InvalidArgument, error.to_string())
}

/// Tells the health of a service now and whenever it changes.
async fn watch(
    served: &Served,
    question: Bytes,
    answers: &mpsc::Sender<Result<Bytes, Status>>,
) -> Result<(), Status> {
    let asked = HealthCheckRequest::decode(question).map_err(wrong)?;
    let mut told = None;
    loop {
        let status = health(served, &asked.service).await;
        if told != Some(status) {
            told = Some(status);
            if answers.send(Ok(health_answer(status))).await.is_err() {
                return Ok(());
            }
        }
        tokio::select! {
            () = sleep(WATCH_EVERY) => {}
            () = served.stop.leaving(), if told != Some(ServingStatus::NotServing) => {}
            // The stream has no end of its own, and must not keep a stop waiting.
            () = served.stop.begun() => return Ok(()),
        }
    }
}

/// The health of the gateway, whose name is empty, or of the upstream that has the
/// service.
async fn health(served: &Served, service: &str) -> ServingStatus {
    if served.stop.is_leaving() {
        return ServingStatus::NotServing;
    }
    let upstream = match service {
        "" => None,
        _ if names().any(|name| name == service) => None,
        _ => match served.table.upstream_of(service) {
            Some(upstream) => Some(upstream),
            None => return ServingStatus::ServiceUnknown,
        },
    };
    let readiness = served.readiness().await;
    let is_well = match upstream {
        None => readiness.ready,
        Some(upstream) => readiness
            .checks
            .get(upstream)
            .is_some_and(|check| check.problem.is_none()),
    };
    match is_well {
        true => ServingStatus::Serving,
        false => ServingStatus::NotServing,
    }
}

fn health_answer(status: ServingStatus) -> Bytes {
    framed(&HealthCheckResponse {
        status: status.into(),
    })
}

fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut out = BytesMut::with_capacity(PREFIX_BYTES + length);
    out.put_u8(0);
    // Descriptions are far below 4 GiB.
    out.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    out.put_slice(&message.encode_to_vec());
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_described() {
        let mut paths: Vec<_> = SERVICES.methods.keys().map(String::as_str).collect();
        paths.sort_unstable();
        let expected = [
            "/grpc.health.v1.Health/Check",
            "/grpc.health.v1.Health/Watch",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        ];
        assert_eq!(paths, expected);
        assert!(find("/grpc.health.v1.Health/Nothing").is_none());
    }
}
