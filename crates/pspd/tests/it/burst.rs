//! Tests of: burst.
