//! Tests of: clients.
