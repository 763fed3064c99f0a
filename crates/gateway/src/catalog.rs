//! What the upstreams say of themselves, and the table made from it. Descriptions
//! that are files are read at start, and when the whole plan is replaced. A server
//! that is asked by reflection is asked again when a connection to it is lost and
//! every half minute; what has changed takes the place of the old between two
//! requests, as a new generation.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use describe::{DescribeError, Description, Limits};
use routing::ServiceConfig;
use telemetry::Telemetry;
use tls::Connector;
use tokio::{
    sync::{Mutex, Notify, watch},
    task::{JoinSet, spawn_blocking},
    time::sleep,
};
use transcode::Schema;

use crate::{
    GrpcOptions, Plan, Settings,
    services::{Services, Source, UpstreamServices},
    table::{self, Described, Listed, Table},
    upstream::grpc::Address,
};

/// How often a server's reflection is asked when nothing suggests a change.
const REFRESH_EVERY: Duration = Duration::from_secs(30);
/// How soon it is asked again after a change was suggested, or an attempt failed;
/// doubled from time to time up to [`REFRESH_EVERY`].
const REFRESH_SOON: Duration = Duration::from_millis(250);
/// How often it is asked while nothing is known of it.
const REFRESH_MISSING: Duration = Duration::from_secs(2);
/// How long a server may take to describe itself.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(5);

/// The services behind a gateway, described.
#[derive(Clone)]
pub struct Catalog {
    generations: watch::Receiver<Arc<Generation>>,
    shared: Arc<Shared>,
}

struct Shared {
    generations: watch::Sender<Arc<Generation>>,
    /// Who holds it makes the next generation.
    turn: Mutex<()>,
    suspicion: Arc<Notify>,
    telemetry: Telemetry,
}

/// What is served, from one change of it to the next.
pub(crate) struct Generation {
    pub(crate) services: Arc<Services>,
    pub(crate) options: GrpcOptions,
    pub(crate) settings: Settings,
    pub(crate) table: Arc<Table>,
    /// Of each upstream, unless it could not be asked yet.
    described: Vec<Option<Arc<Described>>>,
}

/// Why services cannot be served; each line with its place and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct CannotServe(pub Vec<String>);

impl Catalog {
    /// Describes every upstream and makes the table. A server that cannot be
    /// reached is asked again later; until then its routes are missing.
    ///
    /// # Errors
    ///
    /// Everything that stands in the way: descriptions that cannot be read, rules
    /// that do not fit their methods, routes that conflict.
    pub async fn open(plan: Plan, telemetry: Telemetry) -> Result<Self, CannotServe> {
        let first = Generation::of(plan, None, &telemetry).await?;
        let (sender, generations) = watch::channel(Arc::new(first));
        let shared = Arc::new(Shared {
            generations: sender,
            turn: Mutex::default(),
            suspicion: Arc::default(),
            telemetry,
        });
        tokio::spawn(refresh(Arc::clone(&shared)));
        Ok(Catalog {
            generations,
            shared,
        })
    }

    /// Serves another plan from now on, if all of it can be served. Files are read
    /// anew; a server that was asked by reflection already is not asked again.
    ///
    /// # Errors
    ///
    /// As with [`open`](Self::open); then nothing changes.
    pub async fn replace(&self, plan: Plan) -> Result<(), CannotServe> {
        let _turn = self.shared.turn.lock().await;
        let before = self.shared.now();
        let next = Generation::of(plan, Some(&before), &self.shared.telemetry).await?;
        self.shared.generations.send_replace(Arc::new(next));
        // Whoever is not described is to be asked soon.
        self.shared.suspicion.notify_one();
        Ok(())
    }

    /// The files that what is served was read from.
    #[must_use]
    pub fn files(&self) -> BTreeSet<PathBuf> {
        let now = self.generations.borrow();
        let described = now.described.iter().flatten();
        let described = described.flat_map(|described| described.description.files());
        let files = described.chain(now.services.files());
        files.map(Path::to_owned).collect()
    }

    /// Every route, as a list for people.
    #[must_use]
    pub fn routes(&self) -> Vec<Arc<Listed>> {
        self.table().routes().to_vec()
    }

    /// The OpenAPI document of every route, as JSON. May take seconds where there are
    /// thousands of them.
    #[must_use]
    pub fn openapi(&self) -> Bytes {
        self.table().docs().json()
    }

    /// Methods that have no route, and why.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        self.table().left_out().to_vec()
    }

    /// Names of upstreams that have not described themselves yet.
    #[must_use]
    pub fn undescribed(&self) -> Vec<Arc<str>> {
        self.table().undescribed().to_vec()
    }

    pub(crate) fn services(&self) -> Arc<Services> {
        Arc::clone(&self.generations.borrow().services)
    }

    pub(crate) fn table(&self) -> Arc<Table> {
        Arc::clone(&self.generations.borrow().table)
    }

    /// What is served now, and whatever takes its place.
    pub(crate) fn generations(&self) -> watch::Receiver<Arc<Generation>> {
        self.generations.clone()
    }

    /// Who numbers routes and methods.
    pub(crate) fn telemetry(&self) -> &Telemetry {
        &self.shared.telemetry
    }

    /// Told when a connection to an upstream is lost, or had again.
    pub(crate) fn suspicion(&self) -> &Arc<Notify> {
        &self.shared.suspicion
    }
}

impl Shared {
    fn now(&self) -> Arc<Generation> {
        Arc::clone(&self.generations.borrow())
    }
}

impl Generation {
    /// Describes the upstreams of a plan, but for those that `before` knows by their
    /// reflection, and makes the table.
    async fn of(
        plan: Plan,
        before: Option<&Generation>,
        telemetry: &Telemetry,
    ) -> Result<Self, CannotServe> {
        let services = Arc::new(plan.services);
        let known = |upstream: &_| before.and_then(|before| before.reflected(upstream));
        let everyone = services.upstreams.iter().enumerate();
        let everyone = everyone.map(|(index, one)| (index, one, known(one)));
        let tls = plan.options.connection.tls.as_ref();
        let asked = describe_each(tls, everyone).await;
        let mut described = vec![None; services.upstreams.len()];
        let (mut problems, mut missing) = (Vec::new(), Vec::new());
        for (index, first) in asked {
            let upstream = &services.upstreams[index];
            match first {
                Ok(first) => described[index] = Some(Arc::new(first)),
                Err(error) if error.passes && is_reflected(upstream) => {
                    missing.push((Arc::clone(&upstream.name), error));
                }
                Err(error) => problems.push(format!("upstream {}: {error}", upstream.name)),
            }
        }
        if !problems.is_empty() {
            return Err(CannotServe(problems));
        }
        let table = build(&services, &described, telemetry).await?;
        for (service, error) in missing {
            tracing::warn!(%service, %error, "not described yet; asking on");
        }
        Ok(Generation {
            table,
            services,
            options: plan.options,
            settings: plan.settings,
            described,
        })
    }

    /// What the servers of `upstream`, or one of them, have said by reflection.
    fn reflected(&self, upstream: &UpstreamServices) -> Option<Description> {
        let mut known = self.services.upstreams.iter().zip(&self.described);
        let (_, described) = known.find(|(known, _)| {
            let mut addresses = known.policy.addresses.iter();
            is_reflected(known)
                && is_reflected(upstream)
                && addresses.any(|address| upstream.policy.addresses.contains(address))
        })?;
        let described = described.as_ref();
        described.map(|described| described.description.clone())
    }

    /// The same with other descriptions.
    async fn described_anew(
        &self,
        described: Vec<Option<Arc<Described>>>,
        telemetry: &Telemetry,
    ) -> Result<Self, CannotServe> {
        Ok(Generation {
            services: Arc::clone(&self.services),
            options: self.options.clone(),
            settings: self.settings.clone(),
            table: build(&self.services, &described, telemetry).await?,
            described,
        })
    }
}

/// Makes the table where nobody waits for it: large descriptions take their time.
async fn build(
    services: &Arc<Services>,
    described: &[Option<Arc<Described>>],
    telemetry: &Telemetry,
) -> Result<Arc<Table>, CannotServe> {
    let (services, described) = (Arc::clone(services), described.to_vec());
    let telemetry = telemetry.clone();
    let built = spawn_blocking(move || table::build(&services, &described, &telemetry)).await;
    let built = built.unwrap_or_else(|error| Err(vec![error.to_string()]));
    built.map(Arc::new).map_err(CannotServe)
}

/// Why a description could not be had.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
struct Undescribed {
    reason: String,
    /// Whether it may be different in a moment.
    passes: bool,
}

impl Undescribed {
    fn of(reason: String) -> Self {
        let passes = false;
        Undescribed { reason, passes }
    }
}

impl From<DescribeError> for Undescribed {
    fn from(error: DescribeError) -> Self {
        let passes = matches!(
            error,
            DescribeError::Unreachable { .. } | DescribeError::Timeout { .. }
        );
        Undescribed {
            reason: error.to_string(),
            passes,
        }
    }
}

/// Asks again for as long as somebody uses the answers.
async fn refresh(shared: Arc<Shared>) {
    let mut pause = REFRESH_SOON;
    loop {
        let before = shared.now();
        tokio::select! {
            () = shared.generations.closed() => return,
            () = shared.suspicion.notified() => pause = REFRESH_SOON,
            () = sleep(pause) => pause = (pause * 2).min(longest(&before.described)),
        }
        if pause == REFRESH_SOON {
            // A server that stops takes a moment to come back, changed or not.
            sleep(pause).await;
        }
        let before = shared.now();
        let mut changed = Vec::new();
        let everyone = before.services.upstreams.iter().enumerate();
        let reflected = everyone.filter(|(_, upstream)| is_reflected(upstream));
        let reflected = reflected.map(|(index, one)| (index, one, None));
        let tls = before.options.connection.tls.as_ref();
        let asked = describe_each(tls, reflected).await;
        for (index, fresh) in asked {
            let Ok(fresh) = fresh else { continue };
            let known = before.described[index].as_ref();
            let same = known.is_some_and(|known| known.is_like(&fresh));
            if !same {
                changed.push((index, Arc::new(fresh)));
            }
        }
        let _turn = shared.turn.lock().await;
        // Of a plan that has been replaced meanwhile nothing was asked.
        if changed.is_empty() || !Arc::ptr_eq(&before, &shared.now()) {
            continue;
        }
        let mut next = before.described.clone();
        for (index, fresh) in changed {
            tracing::info!(service = %before.services.upstreams[index].name, "described anew");
            next[index] = Some(fresh);
        }
        match before.described_anew(next, &shared.telemetry).await {
            Ok(next) => drop(shared.generations.send_replace(Arc::new(next))),
            Err(CannotServe(problems)) => tracing::error!(
                problems = problems.join("; "),
                "the services changed in a way that cannot be served; going on with the routes before"
            ),
        }
    }
}

/// The longest pause between two questions.
fn longest(described: &[Option<Arc<Described>>]) -> Duration {
    match described.iter().all(Option::is_some) {
        true => REFRESH_EVERY,
        false => REFRESH_MISSING,
    }
}

fn is_reflected(upstream: &UpstreamServices) -> bool {
    upstream.source == Source::Reflection
}

/// Describes upstreams, all at once; in their order, each with its index. What is known
/// of a server is not asked for again.
async fn describe_each(
    tls: Option<&Connector>,
    upstreams: impl Iterator<Item = (usize, &UpstreamServices, Option<Description>)>,
) -> Vec<(usize, Result<Described, Undescribed>)> {
    let mut asked = JoinSet::new();
    for (index, upstream, known) in upstreams {
        let tls = upstream.policy.tls.or(tls).cloned();
        let upstream = upstream.clone();
        asked.spawn(async move { (index, describe(upstream, tls, known).await) });
    }
    let mut described = asked.join_all().await;
    described.sort_by_key(|(index, _)| *index);
    described
}

async fn describe(
    upstream: UpstreamServices,
    tls: Option<Connector>,
    known: Option<Description>,
) -> Result<Described, Undescribed> {
    let asked = match (&upstream.source, known) {
        (Source::Reflection, None) => {
            let limits = Limits {
                timeout: DESCRIBE_TIMEOUT,
                ..Limits::default()
            };
            Some(reflected(&upstream.policy.addresses, tls.as_ref(), &limits).await?)
        }
        (_, known) => known,
    };
    let read = spawn_blocking(move || read_all(&upstream, asked)).await;
    read.unwrap_or_else(|error| Err(Undescribed::of(error.to_string())))
}

/// Reads the files of an upstream, whose server may have been `asked`.
fn read_all(
    upstream: &UpstreamServices,
    asked: Option<Description>,
) -> Result<Described, Undescribed> {
    let description = match (&upstream.source, asked) {
        (_, Some(asked)) => asked,
        (Source::DescriptorSet(path), _) => Description::from_descriptor_set(&read(path)?)?,
        (Source::Protos { files, includes }, _) => Description::from_protos(files, includes)?,
        (Source::BuiltIn | Source::Reflection, None) => {
            Description::from_descriptor_set(contract::FILE_DESCRIPTOR_SET)?
        }
    };
    let service_config = match &upstream.service_config {
        None => ServiceConfig::default(),
        Some(path) => {
            let text = String::from_utf8_lossy(&read(path)?).into_owned();
            let config = ServiceConfig::parse(&text, &path.display().to_string());
            config.map_err(|bad| {
                let bad: Vec<_> = bad.iter().map(ToString::to_string).collect();
                Undescribed::of(bad.join("; "))
            })?
        }
    };
    let description = description.with_error_details();
    let schema = Arc::new(Schema::compile(description.pool()));
    Ok(Described {
        description,
        schema,
        service_config,
    })
}

/// What the first of the addresses says that answers.
async fn reflected(
    addresses: &[Address],
    tls: Option<&Connector>,
    limits: &Limits,
) -> Result<Description, DescribeError> {
    let mut addresses = addresses.iter().map(ToString::to_string);
    let first = addresses.next().unwrap_or_default();
    let mut described = Description::from_reflection(&first, tls, limits).await;
    for address in addresses {
        let Err(DescribeError::Unreachable { .. } | DescribeError::Timeout { .. }) = described
        else {
            break;
        };
        described = Description::from_reflection(&address, tls, limits).await;
    }
    described
}

fn read(path: &Path) -> Result<Vec<u8>, Undescribed> {
    std::fs::read(path)
        .map_err(|error| Undescribed::of(format!("cannot read {}: {error}", path.display())))
}
