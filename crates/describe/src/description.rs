//! The description itself, and its two sources that are files.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use prost_reflect::{DescriptorPool, MethodDescriptor, ServiceDescriptor};
use protox::Compiler;

use crate::{DescribeError, Fingerprint, Limits, builtin, lookup, pool, protos, reflection};

/// The services and messages that are known.
#[derive(Debug, Clone)]
pub struct Description {
    pool: DescriptorPool,
    /// The services that the source offers; `None` for all that it describes.
    services: Option<BTreeSet<String>>,
    /// Services that the source names but does not describe, with the reason.
    undescribed: Vec<String>,
    /// Of what was read.
    fingerprint: Fingerprint,
    /// The files that were read.
    files: BTreeSet<PathBuf>,
}

impl Description {
    /// Asks a gRPC server at `host:port`, over `tls` if that is given, what it serves:
    /// reflection v1, or v1alpha where that is all there is.
    ///
    /// # Errors
    ///
    /// [`DescribeError`] tells a server that is not there from one that has no
    /// reflection and from one whose reflection does not add up.
    pub async fn from_reflection(
        target: &str,
        tls: Option<&tls::Connector>,
        limits: &Limits,
    ) -> Result<Self, DescribeError> {
        let reflection::Reflected {
            files,
            services,
            undescribed,
        } = reflection::fetch(target, tls, limits).await?;
        let pool = pool::read(&files).map_err(|reason| DescribeError::Reflection {
            target: target.to_owned(),
            reason,
        })?;
        Ok(Description {
            pool,
            undescribed,
            fingerprint: Fingerprint::of((&files, &services)),
            services: Some(services),
            files: BTreeSet::new(),
        })
    }

    /// Compiles `.proto` files; `protoc` is not needed. Files and their imports
    /// are looked for in `includes`, or in the files' own directories when no
    /// include directory is given. Google's well-known files are always there, and
    /// so are those of `google.api` and `google.rpc` that annotated services and
    /// details of errors need; a file of the same name in a directory is taken
    /// instead.
    ///
    /// # Errors
    ///
    /// [`DescribeError::Proto`] names the place in the file.
    pub fn from_protos(files: &[PathBuf], includes: &[PathBuf]) -> Result<Self, DescribeError> {
        let includes = match includes {
            [] => directories(files),
            given => given.to_vec(),
        };
        let refused = |error: protox::Error| DescribeError::Proto {
            // The long form says in which file, line and column.
            reason: format!("{error:?}"),
            includes: list(&includes),
        };
        let texts = protos::Texts::default();
        let mut compiler = Compiler::with_file_resolver(protos::resolver(&includes, &texts));
        compiler.open_files(files).map_err(refused)?;
        let named = compiler.files().filter(|file| !file.is_import());
        let named: BTreeSet<_> = named.map(|file| file.name().to_owned()).collect();
        let pool = compiler.descriptor_pool();
        let services = pool.services();
        let services = services.filter(|service| named.contains(service.parent_file().name()));
        Ok(Description {
            services: Some(
                services
                    .map(|service| service.full_name().to_owned())
                    .collect(),
            ),
            pool,
            undescribed: Vec::new(),
            fingerprint: texts.fingerprint(),
            files: texts.paths(),
        })
    }

    /// Reads a serialized `google.protobuf.FileDescriptorSet`.
    ///
    /// # Errors
    ///
    /// [`DescribeError::DescriptorSet`] when it is not one or not complete.
    pub fn from_descriptor_set(bytes: &[u8]) -> Result<Self, DescribeError> {
        let pool = pool::read(bytes).map_err(|reason| DescribeError::DescriptorSet { reason })?;
        Ok(Description {
            pool,
            services: None,
            undescribed: Vec::new(),
            fingerprint: Fingerprint::of(bytes),
            files: BTreeSet::new(),
        })
    }

    /// With the types of typed error details, `google.rpc` and the well-known ones,
    /// which services send without importing them. Whatever the description has of
    /// them stays as it is; what does not go with it is left out.
    #[must_use]
    pub fn with_error_details(mut self) -> Self {
        builtin::add_details(&mut self.pool);
        self
    }

    /// Every method of every service that the source offers: those that a server
    /// names, those of the `.proto` files that were asked for and not of what they
    /// import, all of a descriptor set.
    pub fn methods(&self) -> impl Iterator<Item = MethodDescriptor> + '_ {
        let services = self.pool.services().filter(|service| match &self.services {
            Some(offered) => offered.contains(service.full_name()),
            None => true,
        });
        services.flat_map(|service: ServiceDescriptor| service.methods().collect::<Vec<_>>())
    }

    /// The method of this name: `package.Service/Method`, with or without a slash
    /// before it, or `package.Service.Method`.
    ///
    /// # Errors
    ///
    /// [`DescribeError::NoMethod`] names those that were perhaps meant.
    pub fn method(&self, name: &str) -> Result<MethodDescriptor, DescribeError> {
        lookup::find(&self.pool, name).ok_or_else(|| DescribeError::NoMethod {
            given: name.to_owned(),
            hint: self.hint(name),
        })
    }

    /// Everything that is known, messages and enums included.
    #[must_use]
    pub fn pool(&self) -> &DescriptorPool {
        &self.pool
    }

    /// What to compare with a later description's, to learn whether its source has
    /// changed. The order in which a server names its services does not matter.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The `.proto` files that it was read from, imports among them.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    fn hint(&self, name: &str) -> String {
        let methods: Vec<_> = self.methods().collect();
        let mut hint = lookup::hint(&methods, name);
        if !self.undescribed.is_empty() {
            hint += "; not described: ";
            hint += &self.undescribed.join(", ");
        }
        hint
    }
}

/// The directories that the files are in.
fn directories(files: &[PathBuf]) -> Vec<PathBuf> {
    let parents = files.iter().filter_map(|file| file.parent());
    let here = |parent: &Path| match parent.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => parent.to_owned(),
    };
    parents
        .map(here)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(", ")
}

#[cfg(test)]
mod tests;
