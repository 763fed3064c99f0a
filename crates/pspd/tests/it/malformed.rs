//! Tests of: malformed.
