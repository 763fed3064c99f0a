//! Why pods are not ready, from what kubectl tells of them; pure. In: objects as JSON; out:
//! sentences that say what to do.

use serde_json::Value;

/// What is in the way, and whether waiting can help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Obstacle {
    pub(crate) says: String,
    pub(crate) hopeless: bool,
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Whether all its pods are there, of the newest kind, and serve.
pub(crate) fn is_ready(deployment: &Value) -> bool {
    let status = &deployment["status"];
    let wanted = deployment["spec"]["replicas"].as_u64().unwrap_or(1);
    let number = |key: &str| status[key].as_u64().unwrap_or(0);
    number("observedGeneration") >= deployment["metadata"]["generation"].as_u64().unwrap_or(0)
        && number("updatedReplicas") == wanted
        && number("replicas") == wanted
        && number("availableReplicas") == wanted
}

/// `1/1`.
pub(crate) fn counted(deployment: &Value) -> String {
    let ready = deployment["status"]["availableReplicas"]
        .as_u64()
        .unwrap_or(0);
    format!(
        "{ready}/{}",
        deployment["spec"]["replicas"].as_u64().unwrap_or(1)
    )
}

/// Everything that is in the way of these Deployments and pods, each once.
pub(crate) fn obstacles(deployments: &Value, pods: &Value) -> Vec<Obstacle> {
    let mut found: Vec<Obstacle> = Vec::new();
    let waiting = list(&deployments["items"]).iter().filter_map(refused);
    for obstacle in waiting.chain(list(&pods["items"]).iter().flat_map(of_pod)) {
        if !found.contains(&obstacle) {
            found.push(obstacle);
        }
    }
    found
}

/// The last so many warnings among these events, each message once.
pub(crate) fn warnings(events: &Value, max: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for event in list(&events["items"]).iter().rev() {
        let line = format!(
            "{}: {}: {}",
            text(&event["involvedObject"]["name"]),
            text(&event["reason"]),
            text(&event["message"])
        );
        let known = found
            .iter()
            .any(|known| known.ends_with(text(&event["message"])));
        if !known && found.len() < max {
            found.push(line);
        }
    }
    found
}

/// Pods that were not even created: a quota, a policy.
fn refused(deployment: &Value) -> Option<Obstacle> {
    let mut conditions = list(&deployment["status"]["conditions"]).iter();
    let condition =
        conditions.find(|one| one["type"] == "ReplicaFailure" && one["status"] == "True")?;
    Some(Obstacle {
        says: format!(
            "{}: its pods are refused: {}",
            text(&deployment["metadata"]["name"]),
            text(&condition["message"])
        ),
        hopeless: false,
    })
}

fn of_pod(pod: &Value) -> Vec<Obstacle> {
    let app = text(&pod["metadata"]["labels"]["app"]);
    let mut found = Vec::new();
    let mut conditions = list(&pod["status"]["conditions"]).iter();
    if let Some(unplaced) =
        conditions.find(|one| one["type"] == "PodScheduled" && one["status"] == "False")
    {
        found.push(Obstacle {
            says: format!(
                "{app}: no node has room for it: {}",
                text(&unplaced["message"])
            ),
            hopeless: false,
        });
    }
    for container in list(&pod["status"]["containerStatuses"]) {
        let waiting = &container["state"]["waiting"];
        let (reason, message) = (text(&waiting["reason"]), text(&waiting["message"]));
        let image = text(&container["image"]);
        let (says, hopeless) = match reason {
            "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" => (
                format!(
                    "the node does not have the image {image} and cannot fetch it: load it \
                     (--archive FILE, from `cargo xtask image`), or name one in a registry (--image)"
                ),
                true,
            ),
            "InvalidImageName" => (format!("{image} names no image; see --image"), true),
            "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
                (format!("its container cannot start: {message}"), true)
            }
            "CrashLoopBackOff" => (
                format!(
                    "it ends again and again; `kubectl --namespace pspd logs deployment/{app}-deploy \
                     --previous` says why"
                ),
                false,
            ),
            _ => continue,
        };
        found.push(Obstacle {
            says: format!("{app}: {says}"),
            hopeless,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_deployment_is_ready_when_all_its_new_pods_serve() {
        let deployment = |status: Value| json!({ "metadata": { "generation": 2 }, "spec": { "replicas": 2 }, "status": status });
        let full = json!({ "observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2 });
        assert!(is_ready(&deployment(full.clone())));
        assert_eq!(counted(&deployment(full.clone())), "2/2");
        for (key, value) in [
            ("observedGeneration", 1),
            ("replicas", 3),
            ("updatedReplicas", 1),
            ("availableReplicas", 1),
        ] {
            let mut status = full.clone();
            status[key] = value.into();
            assert!(!is_ready(&deployment(status)), "{key}");
        }
        assert!(!is_ready(&deployment(Value::Null)));
    }

    #[test]
    fn the_last_warnings_are_told_once() {
        let event = |name: &str, message: &str| json!({ "involvedObject": { "name": name }, "reason": "FailedMount", "message": message });
        let events = json!({ "items": [event("a", "old"), event("b", "new"), event("c", "new"), event("d", "newest")] });
        assert_eq!(
            warnings(&events, 2),
            ["d: FailedMount: newest", "c: FailedMount: new"]
        );
        assert_eq!(warnings(&Value::Null, 2), Vec::<String>::new());
    }

    #[test]
    fn what_is_in_the_way_is_said_once() {
        let waiting = |reason: &str| {
            json!({ "metadata": { "labels": { "app": "a" } }, "status": { "containerStatuses": [
                { "image": "pspd:0.1.0", "state": { "waiting": { "reason": reason, "message": "secret \"a-tls\" not found" } } },
            ] } })
        };
        let unplaced = json!({ "metadata": { "labels": { "app": "b" } }, "status": { "conditions": [
            { "type": "PodScheduled", "status": "False", "message": "0/1 nodes: Insufficient memory" },
        ] } });
        let refused = json!({ "items": [{ "metadata": { "name": "p-deploy" }, "status": { "conditions": [
            { "type": "ReplicaFailure", "status": "True", "message": "exceeded quota" },
        ] } }] });
        let pods = json!({ "items": [
            waiting("ErrImagePull"), waiting("ErrImagePull"), waiting("CreateContainerConfigError"),
            waiting("CrashLoopBackOff"), waiting("ContainerCreating"), waiting("InvalidImageName"), unplaced,
        ] });
        let found = obstacles(&refused, &pods);
        let says: Vec<_> = found
            .iter()
            .map(|one| (one.says.as_str(), one.hopeless))
            .collect();
        let expected = [
            ("exceeded quota", false),
            ("does not have the image pspd:0.1.0", true),
            ("\"a-tls\" not found", true),
            ("again and again", false),
            ("names no image", true),
            ("Insufficient memory", false),
        ];
        assert_eq!(says.len(), expected.len(), "{says:?}");
        for ((says, hopeless), (part, expected)) in says.into_iter().zip(expected) {
            assert!(says.contains(part) && hopeless == expected, "{says}");
        }
    }
}
