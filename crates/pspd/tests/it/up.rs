//! Tests of: up.
