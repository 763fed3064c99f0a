//! gRPC status codes and the HTTP status each becomes: one table, after the
//! comments of `google/rpc/code.proto`.

use http::StatusCode;

/// A gRPC status code other than `OK`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Cancelled,
    Unknown,
    InvalidArgument,
    DeadlineExceeded,
    NotFound,
    AlreadyExists,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    Aborted,
    OutOfRange,
    Unimplemented,
    Internal,
    Unavailable,
    DataLoss,
    Unauthenticated,
}

impl Code {
    /// The code behind a `grpc-status` number; `None` for `OK`. Numbers that do
    /// not exist are `UNKNOWN`, as the specification says.
    pub(crate) fn from_number(number: u32) -> Option<Code> {
        Some(match number {
            0 => return None,
            1 => Code::Cancelled,
            3 => Code::InvalidArgument,
            4 => Code::DeadlineExceeded,
            5 => Code::NotFound,
            6 => Code::AlreadyExists,
            7 => Code::PermissionDenied,
            8 => Code::ResourceExhausted,
            9 => Code::FailedPrecondition,
            10 => Code::Aborted,
            11 => Code::OutOfRange,
            12 => Code::Unimplemented,
            13 => Code::Internal,
            14 => Code::Unavailable,
            15 => Code::DataLoss,
            16 => Code::Unauthenticated,
            _ => Code::Unknown,
        })
    }

    /// The code of an answer that is HTTP alone, as the gRPC project maps them ("HTTP to
    /// gRPC Status Code Mapping").
    pub(crate) fn of_http(status: StatusCode) -> Code {
        match status.as_u16() {
            400 => Code::Internal,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 => Code::Unimplemented,
            429 | 502 | 503 | 504 => Code::Unavailable,
            _ => Code::Unknown,
        }
    }

    /// Its number.
    pub(crate) fn number(self) -> u32 {
        self.row().0
    }

    /// Its number, of which there are few.
    pub(crate) fn short(self) -> u16 {
        u16::try_from(self.number()).unwrap_or_default()
    }

    /// The number, the name clients know, and the HTTP status it becomes.
    fn row(self) -> (u32, &'static str, StatusCode) {
        let client_closed_request = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
        match self {
            Code::Cancelled => (1, "CANCELLED", client_closed_request),
            Code::Unknown => (2, "UNKNOWN", StatusCode::INTERNAL_SERVER_ERROR),
            Code::InvalidArgument => (3, "INVALID_ARGUMENT", StatusCode::BAD_REQUEST),
            Code::DeadlineExceeded => (4, "DEADLINE_EXCEEDED", StatusCode::GATEWAY_TIMEOUT),
            Code::NotFound => (5, "NOT_FOUND", StatusCode::NOT_FOUND),
            Code::AlreadyExists => (6, "ALREADY_EXISTS", StatusCode::CONFLICT),
            Code::PermissionDenied => (7, "PERMISSION_DENIED", StatusCode::FORBIDDEN),
            Code::ResourceExhausted => (8, "RESOURCE_EXHAUSTED", StatusCode::TOO_MANY_REQUESTS),
            Code::FailedPrecondition => (9, "FAILED_PRECONDITION", StatusCode::BAD_REQUEST),
            Code::Aborted => (10, "ABORTED", StatusCode::CONFLICT),
            Code::OutOfRange => (11, "OUT_OF_RANGE", StatusCode::BAD_REQUEST),
            Code::Unimplemented => (12, "UNIMPLEMENTED", StatusCode::NOT_IMPLEMENTED),
            Code::Internal => (13, "INTERNAL", StatusCode::INTERNAL_SERVER_ERROR),
            Code::Unavailable => (14, "UNAVAILABLE", StatusCode::SERVICE_UNAVAILABLE),
            Code::DataLoss => (15, "DATA_LOSS", StatusCode::INTERNAL_SERVER_ERROR),
            Code::Unauthenticated => (16, "UNAUTHENTICATED", StatusCode::UNAUTHORIZED),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.row().1
    }

    pub(crate) fn http(self) -> StatusCode {
        self.row().2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_specification() {
        assert_eq!(Code::from_number(0), None);
        let names: Vec<_> = (1..=17)
            .filter_map(Code::from_number)
            .map(|code| format!("{} {}", code.name(), code.http().as_u16()))
            .collect();
        assert_eq!(
            names,
            [
                "CANCELLED 499",
                "UNKNOWN 500",
                "INVALID_ARGUMENT 400",
                "DEADLINE_EXCEEDED 504",
                "NOT_FOUND 404",
                "ALREADY_EXISTS 409",
                "PERMISSION_DENIED 403",
                "RESOURCE_EXHAUSTED 429",
                "FAILED_PRECONDITION 400",
                "ABORTED 409",
                "OUT_OF_RANGE 400",
                "UNIMPLEMENTED 501",
                "INTERNAL 500",
                "UNAVAILABLE 503",
                "DATA_LOSS 500",
                "UNAUTHENTICATED 401",
                "UNKNOWN 500",
            ]
        );
    }
}
