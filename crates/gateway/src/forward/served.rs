//! What one worker serves at the moment: the table, and its own connections to the
//! upstreams that the table leads to. Replaced as a whole when the catalog has
//! something new; a request keeps what it began with, and connections that nothing
//! leads to any more go with the last request that uses them.

use std::sync::Arc;

use server::{Stop, admin::Readiness};

use super::{Current, GrpcOptions, readiness, rpc};
use crate::{
    Settings,
    catalog::{Catalog, Generation},
    counting::Counting,
    routes::Pages,
    services::{Docs, ErrorStyle, HeaderRules, Services, UpstreamServices},
    table::Table,
    upstream::{
        self,
        grpc::{Compressed, Upstream},
    },
};

/// What is served, from one change of it to the next.
pub(crate) struct Served {
    pub(crate) table: Arc<Table>,
    /// In the order of the services' upstreams, which is what the table counts by.
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    pub(crate) services: Arc<Services>,
    pub(crate) options: GrpcOptions,
    pub(crate) settings: Settings,
    /// How far the gateway is on its way out.
    pub(crate) stop: Stop,
    readiness: readiness::Known,
    pub(crate) counting: Counting,
    pub(crate) own: rpc::CountedOwn,
}

impl Served {
    /// What the catalog has, with connections to every upstream. Must be called on the
    /// worker's runtime, which keeps them.
    pub(crate) fn follow(catalog: &Catalog, counting: &Counting, stop: &Stop) -> Current<Served> {
        let (counting, stop) = (counting.clone(), stop.clone());
        let kept = catalog.clone();
        Current::follow(
            catalog.generations(),
            move |generation: &Generation, before: Option<&Served>| {
                let before = before.map_or(&[][..], |before| &before.upstreams);
                Served::of(generation, &kept, before, &counting, &stop)
            },
        )
    }

    fn of(
        generation: &Generation,
        catalog: &Catalog,
        before: &[Arc<Upstream>],
        counting: &Counting,
        stop: &Stop,
    ) -> Self {
        let wanted = generation.services.upstreams.iter().enumerate();
        let upstreams = wanted.map(|(index, wanted)| {
            let mut known = before.iter();
            let (name, connection) = (&wanted.name, connection(wanted, &generation.options));
            let same = known.find(|known| known.is(name, &wanted.policy, &connection));
            let upstream = same.cloned().unwrap_or_else(|| {
                Arc::new(Upstream::connect(
                    Arc::clone(name),
                    wanted.policy.clone(),
                    connection,
                    catalog.suspicion(),
                    counting,
                    stop,
                ))
            });
            if wanted.policy.repeats() {
                upstream.know(Arc::new(generation.table.traits(index)));
            }
            upstream
        });
        Served {
            table: Arc::clone(&generation.table),
            upstreams: upstreams.collect(),
            services: Arc::clone(&generation.services),
            options: generation.options.clone(),
            settings: generation.settings.clone(),
            stop: stop.clone(),
            readiness: readiness::Known::default(),
            counting: counting.clone(),
            own: rpc::CountedOwn::of(&counting.telemetry),
        }
    }

    /// Whether the services answer.
    pub(crate) async fn readiness(&self) -> Readiness {
        let asked = readiness::of(&self.upstreams, self.table.undescribed());
        self.readiness.or(asked).await
    }

    /// Which headers are passed on.
    pub(crate) fn rules(&self) -> &HeaderRules {
        &self.services.headers
    }

    /// How errors look that belong to no route.
    pub(crate) fn errors(&self) -> ErrorStyle {
        self.services.errors
    }

    /// Which routes the gateway answers itself.
    pub(crate) fn pages(&self) -> Pages {
        match (self.services.page, self.services.docs) {
            (true, Docs::Serve) => Pages::All,
            (true, Docs::Refuse) => Pages::Laboratory,
            (false, Docs::Serve) => Pages::Documented,
            (false, Docs::Refuse) => Pages::Health,
        }
    }
}

/// How an upstream is connected to.
fn connection(wanted: &UpstreamServices, options: &GrpcOptions) -> upstream::grpc::Options {
    let compression = wanted.compression.map(|coding| Compressed {
        coding,
        bytes_min: options.compress_bytes_min,
    });
    let tls = wanted.policy.tls.or(options.connection.tls.as_ref());
    upstream::grpc::Options {
        compression,
        tls: tls.cloned(),
        ..options.connection.clone()
    }
}
