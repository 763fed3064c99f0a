//! Finds a method by the name that somebody typed, and says what there is when
//! none is called so. Pure.

use prost_reflect::{DescriptorPool, MethodDescriptor};

/// Names that a hint lists.
const LISTED_MAX: usize = 20;
/// Of 1, how alike two names are before one was perhaps meant for the other.
const ALIKE: f64 = 0.85;

/// The method of this name.
pub(crate) fn find(pool: &DescriptorPool, name: &str) -> Option<MethodDescriptor> {
    let (service, method) = split(name)?;
    let service = pool.get_service_by_name(service)?;
    service.methods().find(|known| known.name() == method)
}

/// Service and method of `/package.Service/Method` or `package.Service.Method`.
fn split(name: &str) -> Option<(&str, &str)> {
    let name = name.strip_prefix('/').unwrap_or(name);
    name.rsplit_once('/').or_else(|| name.rsplit_once('.'))
}

/// What to say when none of `methods` is called `name`.
pub(crate) fn hint(methods: &[MethodDescriptor], name: &str) -> String {
    let mut names: Vec<_> = methods.iter().map(path).collect();
    names.sort_unstable();
    let close: Vec<_> = names
        .iter()
        .filter(|known| is_close(known, name))
        .cloned()
        .collect();
    match (names.is_empty(), close.is_empty()) {
        (true, _) => "the description has no methods at all".to_owned(),
        (false, true) => format!("there are: {}", list(&names)),
        (false, false) => format!("did you mean {}?", list(&close)),
    }
}

fn path(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().full_name(), method.name())
}

/// Whether `known` was perhaps meant by `given`: the end of it, in whatever case,
/// or something spelled alike.
fn is_close(known: &str, given: &str) -> bool {
    let plain = |name: &str| {
        name.trim_start_matches('/')
            .to_lowercase()
            .replace('/', ".")
    };
    let (known, given) = (plain(known), plain(given));
    let own = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    known == given
        || known.ends_with(&format!(".{given}"))
        || (own(&known) == own(&given) && !own(&given).is_empty())
        || strsim::jaro_winkler(&own(&known), &own(&given)) >= ALIKE
}

fn list(names: &[String]) -> String {
    let listed = names.iter().take(LISTED_MAX).cloned();
    let mut listed = listed.collect::<Vec<_>>().join(", ");
    if let Some(more) = names.len().checked_sub(LISTED_MAX).filter(|&more| more > 0) {
        listed += &format!(" and {more} more");
    }
    listed
}
