//! The system on Kubernetes: the manifests of `deploy/k8s`, rendered by the kustomize of
//! kubectl, and brought up, shown and taken down by kubectl. No orchestrator of its own.
