//! Tests of: serve.
