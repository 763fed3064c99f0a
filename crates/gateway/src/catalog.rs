//! What the upstreams say of themselves, and the table made from it. Descriptions
//! that are files are read once. A server that is asked by reflection is asked
//! again when a connection to it is lost and every half minute; a table that has
//! changed takes the place of the old one between two requests.

use std::{path::Path, sync::Arc, time::Duration};

use describe::{DescribeError, Description, Limits};
use routing::ServiceConfig;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::sleep,
};
use transcode::Schema;

use crate::{
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
    suspicion: Arc<Notify>,
}

/// What is served, from one change of it to the next.
pub(crate) struct Generation {
    pub(crate) services: Arc<Services>,
    pub(crate) table: Arc<Table>,
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
    pub async fn open(services: Services) -> Result<Self, CannotServe> {
        let services = Arc::new(services);
        let mut described = Vec::new();
        let mut problems = Vec::new();
        for (index, first) in describe_each(&services, |_| true).await {
            let upstream = &services.upstreams[index];
            match first {
                Ok(first) => described.push(Some(Arc::new(first))),
                Err(error) if error.passes && is_reflected(upstream) => {
                    tracing::warn!(service = %upstream.name, %error, "not described yet; asking on");
                    described.push(None);
                }
                Err(error) => problems.push(format!("upstream {}: {error}", upstream.name)),
            }
        }
        if !problems.is_empty() {
            return Err(CannotServe(problems));
        }
        let table = table::build(&services, &described).map_err(CannotServe)?;
        let first = Generation {
            services: Arc::clone(&services),
            table: Arc::new(table),
        };
        let (sender, generations) = watch::channel(Arc::new(first));
        let suspicion = Arc::new(Notify::new());
        if services.upstreams.iter().any(is_reflected) {
            let refresh = refresh(
                Arc::clone(&services),
                described,
                sender,
                Arc::clone(&suspicion),
            );
            tokio::spawn(refresh);
        }
        Ok(Catalog {
            generations,
            suspicion,
        })
    }

    /// Every route, as a list for people.
    #[must_use]
    pub fn routes(&self) -> Vec<Arc<Listed>> {
        self.table().routes().to_vec()
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

    /// Told when a connection to an upstream is lost, or had again.
    pub(crate) fn suspicion(&self) -> &Arc<Notify> {
        &self.suspicion
    }
}

/// Why a description could not be had.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
struct Undescribed {
    reason: String,
    /// Whether it may be different in a moment.
    passes: bool,
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
async fn refresh(
    services: Arc<Services>,
    mut described: Vec<Option<Arc<Described>>>,
    generations: watch::Sender<Arc<Generation>>,
    suspicion: Arc<Notify>,
) {
    let mut pause = REFRESH_SOON;
    loop {
        tokio::select! {
            () = generations.closed() => return,
            () = suspicion.notified() => pause = REFRESH_SOON,
            () = sleep(pause) => pause = (pause * 2).min(longest(&described)),
        }
        if pause == REFRESH_SOON {
            // A server that stops takes a moment to come back, changed or not.
            sleep(pause).await;
        }
        let mut changed = Vec::new();
        for (index, fresh) in describe_each(&services, is_reflected).await {
            let Ok(fresh) = fresh else { continue };
            let known = described[index].as_ref();
            let same = known.is_some_and(|known| known.is_like(&fresh));
            if !same {
                changed.push((index, Arc::new(fresh)));
            }
        }
        if changed.is_empty() {
            continue;
        }
        let mut next = described.clone();
        for (index, fresh) in changed {
            tracing::info!(service = %services.upstreams[index].name, "described anew");
            next[index] = Some(fresh);
        }
        match table::build(&services, &next) {
            Ok(built) => {
                described = next;
                generations.send_replace(Arc::new(Generation {
                    services: Arc::clone(&services),
                    table: Arc::new(built),
                }));
            }
            Err(problems) => tracing::error!(
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

/// Describes the upstreams that are `wanted`, all at once; in their order, each with
/// its index.
async fn describe_each(
    services: &Services,
    wanted: impl Fn(&UpstreamServices) -> bool,
) -> Vec<(usize, Result<Described, Undescribed>)> {
    let mut asked = JoinSet::new();
    for (index, upstream) in services.upstreams.iter().enumerate() {
        if wanted(upstream) {
            let upstream = upstream.clone();
            asked.spawn(async move { (index, describe(&upstream).await) });
        }
    }
    let mut described = asked.join_all().await;
    described.sort_by_key(|(index, _)| *index);
    described
}

async fn describe(upstream: &UpstreamServices) -> Result<Described, Undescribed> {
    let description = match &upstream.source {
        Source::BuiltIn => Description::from_descriptor_set(contract::FILE_DESCRIPTOR_SET)?,
        Source::DescriptorSet(path) => Description::from_descriptor_set(&read(path)?)?,
        Source::Protos { files, includes } => Description::from_protos(files, includes)?,
        Source::Reflection => {
            let limits = Limits {
                timeout: DESCRIBE_TIMEOUT,
                ..Limits::default()
            };
            reflected(&upstream.policy.addresses, &limits).await?
        }
    };
    let service_config = match &upstream.service_config {
        None => ServiceConfig::default(),
        Some(path) => {
            let text = String::from_utf8_lossy(&read(path)?).into_owned();
            let config = ServiceConfig::parse(&text, &path.display().to_string());
            config.map_err(|bad| Undescribed {
                reason: bad
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("; "),
                passes: false,
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
async fn reflected(addresses: &[Address], limits: &Limits) -> Result<Description, DescribeError> {
    let mut addresses = addresses.iter().map(ToString::to_string);
    let first = addresses.next().unwrap_or_default();
    let mut described = Description::from_reflection(&first, limits).await;
    for address in addresses {
        let Err(DescribeError::Unreachable { .. } | DescribeError::Timeout { .. }) = described
        else {
            break;
        };
        described = Description::from_reflection(&address, limits).await;
    }
    described
}

fn read(path: &Path) -> Result<Vec<u8>, Undescribed> {
    std::fs::read(path).map_err(|error| Undescribed {
        reason: format!("cannot read {}: {error}", path.display()),
        passes: false,
    })
}
