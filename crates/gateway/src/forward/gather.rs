//! A stream's messages as one JSON value, written while they arrive.

use bytes::Bytes;

use super::grpc::broken;
use crate::{respond::Problem, table::Endpoint};

/// What a client may do whose answer is too large for one piece.
const ADVICE: &str = "ask for fewer, or send `Accept: application/x-ndjson` (or \
                      text/event-stream) to get them one by one";

pub(super) struct Gathered<'e> {
    endpoint: &'e Endpoint,
    json: Vec<u8>,
    values: usize,
}

impl<'e> Gathered<'e> {
    pub(super) fn new(endpoint: &'e Endpoint) -> Self {
        let mut json = Vec::with_capacity(128);
        endpoint.gather_begin(&mut json);
        Gathered {
            endpoint,
            json,
            values: 0,
        }
    }

    pub(super) fn push(
        &mut self,
        message: &[u8],
        values_max: usize,
        bytes_max: usize,
    ) -> Result<(), Problem> {
        if self.values == values_max {
            return Err(Problem::TooManyValues {
                max: values_max,
                advice: ADVICE,
            });
        }
        if self.values > 0 {
            self.json.push(b',');
        }
        self.values += 1;
        self.endpoint
            .gather_message(message, &mut self.json)
            .map_err(|error| broken(self.endpoint, &error))?;
        if self.json.len() > bytes_max {
            return Err(Problem::AnswerTooLarge {
                max: bytes_max,
                advice: ADVICE,
            });
        }
        Ok(())
    }

    /// The whole answer.
    pub(super) fn finish(mut self) -> Bytes {
        self.endpoint.gather_end(&mut self.json);
        self.json.into()
    }
}
