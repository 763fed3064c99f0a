//! Tests of: golden.
