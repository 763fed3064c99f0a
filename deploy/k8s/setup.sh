#!/bin/sh
# Brings the system up on the cluster of kubectl's current context; arguments are those of
# `pspd k8s up`, such as --with scale or --dry-run.
set -eu
here=$(dirname "$0")

if command -v pspd >/dev/null; then
    exec pspd k8s up "$@"
fi
if command -v cargo >/dev/null; then
    exec cargo run --release --manifest-path "$here/../../Cargo.toml" --package pspd -- k8s up "$@"
fi
echo "error: neither pspd nor cargo is on the path; install one of them, or apply the" >&2
echo "manifests yourself: kubectl apply --server-side -k $here/overlays/minikube" >&2
exit 1
