//! The services whose requests are streams, beside service B. Thin, as the parent
//! is: values go to [`statistics`](crate::statistics), messages to
//! [`conversation`](crate::conversation).

use contract::pspd::{
    EchoRequest, Sample, Summary, echo_server::Echo, statistics_server::Statistics,
};
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Response, Status, Streaming};

use super::deadline;
use crate::{
    conversation::{Conversation, beyond},
    statistics::{self, Refused},
};

/// Both services, for streams of so many messages.
pub(super) struct Streams {
    pub(super) messages_max: i32,
}

#[tonic::async_trait]
impl Statistics for Streams {
    async fn summarize(
        &self,
        request: Request<Streaming<Sample>>,
    ) -> Result<Response<Summary>, Status> {
        let deadline = deadline(&request);
        let samples = request.into_inner();
        let mut so_far = statistics::Statistics::default();
        read(samples, self.messages_max, deadline, &mut so_far).await?;
        Ok(Response::new(Summary {
            count: i64::try_from(so_far.count()).unwrap_or(i64::MAX),
            sum: so_far.sum(),
            mean: so_far.mean(),
            min: so_far.min(),
            max: so_far.max(),
            standard_deviation: so_far.standard_deviation(),
        }))
    }
}

/// Reads `samples` to their end into `so_far`.
async fn read(
    mut samples: Streaming<Sample>,
    messages_max: i32,
    deadline: Option<Instant>,
    so_far: &mut statistics::Statistics,
) -> Result<(), Status> {
    let messages_max = u64::from(messages_max.unsigned_abs());
    let reading = async {
        while let Some(sample) = samples.message().await? {
            if so_far.count() == messages_max {
                return Err(beyond(messages_max));
            }
            so_far.add(sample.value).map_err(refusal)?;
        }
        Ok(())
    };
    let Some(deadline) = deadline else {
        return reading.await;
    };
    match timeout_at(deadline, reading).await {
        Ok(read) => read,
        Err(_) => {
            let values = so_far.count();
            let message = format!("the deadline passed after {values} values");
            Err(Status::deadline_exceeded(message))
        }
    }
}

fn refusal(refused: Refused) -> Status {
    let message = refused.to_string();
    match refused {
        Refused::NotFinite { .. } => Status::invalid_argument(message),
        Refused::TooLarge { .. } => Status::out_of_range(message),
    }
}

#[tonic::async_trait]
impl Echo for Streams {
    type ConverseStream = Conversation<Streaming<EchoRequest>>;

    async fn converse(
        &self,
        request: Request<Streaming<EchoRequest>>,
    ) -> Result<Response<Self::ConverseStream>, Status> {
        let deadline = deadline(&request);
        let requests = request.into_inner();
        let answers = Conversation::new(requests, self.messages_max, deadline);
        Ok(Response::new(answers))
    }
}
