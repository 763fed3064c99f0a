//! Tests of: kill.
