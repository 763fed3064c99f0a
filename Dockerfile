# The image of every role: one static program and nothing else. docker, podman and buildah
# build it from a clone, BuildKit is not needed. The system's C library of the first stages
# is musl, so what they build for their own platform is static, on every platform there is
# an image of Rust for. How it is used is in docs/containers.md.
#
# `cargo xtask image` builds the last stage alone, with a program from the machine itself:
# `--build-context build=DIR`, where DIR has the file out/pspd, takes the place of the
# stage `build`.

# The manifests, and in place of every crate's code an empty one. What is in this stage
# changes only when dependencies do, whatever else was copied into it on the way.
FROM rust:1.95-alpine AS manifests
WORKDIR /src
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -name '*.rs' -delete \
    && find . -type f -name '*.rs' ! -path './*/src/lib.rs' ! -path './*/src/main.rs' \
        ! -name build.rs ! -path '*/benches/*' -delete \
    && find . -type f -name '*.rs' -exec sh -c 'for file; do echo "fn main() { }" >"$file"; done' sh {} + \
    && find . -depth -type d -empty -delete

# The dependencies, which are most of the work. This layer is used again until a manifest
# changes. jemalloc is built with make.
FROM rust:1.95-alpine AS dependencies
# hadolint ignore=DL3018
RUN apk add --no-cache make
WORKDIR /src
COPY --from=manifests /src .
RUN cargo build --locked --package pspd --profile dist

# The program. Cargo compares times: what was copied is older than the empty crates.
FROM dependencies AS build
COPY . .
ARG REVISION=unknown
RUN find crates -name '*.rs' -exec touch {} + \
    && PSPD_GIT_COMMIT="$REVISION" cargo build --locked --package pspd --profile dist \
    && mkdir /out \
    && install -m 0555 target/dist/pspd /out/pspd

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="pspd" \
      org.opencontainers.image.description="What do the protocol and the platform between my services cost me?" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /out/pspd /pspd
USER 65532:65532
# What clients call: gateway P, gateway P-REST, A, B, and the REST services of containers.
EXPOSE 8080 8081 50051 50052 8000
# What says how the roles are: A, B, A-REST, B-REST, P, P-REST.
EXPOSE 9101 9102 9111 9112 9180 9181
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 CMD ["/pspd", "health"]
ENTRYPOINT ["/pspd"]
CMD ["help"]
