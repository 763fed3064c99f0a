//! Tests of: streaming.
