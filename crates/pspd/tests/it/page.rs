//! Tests of: page.
