//! Tests of: lab.
