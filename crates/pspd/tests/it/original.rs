//! Tests of: original.
