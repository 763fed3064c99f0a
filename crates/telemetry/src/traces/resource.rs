//! Who sends the spans: name, version and instance of the service, and what the
//! environment adds by OpenTelemetry's own variables, which win.

use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::{
    Resource,
    resource::{EnvResourceDetector, ResourceDetector, TelemetryResourceDetector},
};

/// That of `role`.
pub(super) fn of(role: &str, version: &'static str) -> Resource {
    let by_hand = EnvResourceDetector::new().detect();
    let named = std::env::var("OTEL_SERVICE_NAME")
        .ok()
        .filter(|name| !name.is_empty());
    let given = |key: &'static str| by_hand.get(&Key::from_static_str(key));
    let named = named.map(Into::into).or_else(|| given("service.name"));
    let name = named.unwrap_or_else(|| format!("pspd-{role}").into());
    let instance = || format!("{:032x}", fastrand::u128(..)).into();
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attribute(KeyValue::new("service.version", version))
        .with_detector(Box::new(EnvResourceDetector::new()))
        .with_attribute(KeyValue::new("service.name", name))
        .with_attribute(KeyValue::new(
            "service.instance.id",
            given("service.instance.id").unwrap_or_else(instance),
        ))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_a_service_with_a_version_and_an_instance() {
        let (one, other) = (of("gateway", "1.2.3"), of("gateway", "1.2.3"));
        let text = |resource: &Resource, key: &'static str| {
            resource
                .get(&Key::from_static_str(key))
                .map(|value| value.to_string())
        };
        assert_eq!(text(&one, "service.name").as_deref(), Some("pspd-gateway"));
        assert_eq!(text(&one, "service.version").as_deref(), Some("1.2.3"));
        assert_eq!(
            text(&one, "telemetry.sdk.language").as_deref(),
            Some("rust")
        );
        let [one, other] = [&one, &other].map(|of| text(of, "service.instance.id"));
        assert!(one.is_some() && one != other, "{one:?} {other:?}");
    }
}
