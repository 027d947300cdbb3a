//! How many calls were answered, and with which code.

use std::sync::atomic::{AtomicU64, Ordering};

use tonic::Code;

/// All codes of gRPC with their names, in the order of their numbers.
const CODES: [(Code, &str); 17] = [
    (Code::Ok, "OK"),
    (Code::Cancelled, "CANCELLED"),
    (Code::Unknown, "UNKNOWN"),
    (Code::InvalidArgument, "INVALID_ARGUMENT"),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
    (Code::NotFound, "NOT_FOUND"),
    (Code::AlreadyExists, "ALREADY_EXISTS"),
    (Code::PermissionDenied, "PERMISSION_DENIED"),
    (Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
    (Code::FailedPrecondition, "FAILED_PRECONDITION"),
    (Code::Aborted, "ABORTED"),
    (Code::OutOfRange, "OUT_OF_RANGE"),
    (Code::Unimplemented, "UNIMPLEMENTED"),
    (Code::Internal, "INTERNAL"),
    (Code::Unavailable, "UNAVAILABLE"),
    (Code::DataLoss, "DATA_LOSS"),
    (Code::Unauthenticated, "UNAUTHENTICATED"),
];

/// Counts answers by code. CANCELLED stands for callers that left before they were answered.
#[derive(Debug, Default)]
pub(crate) struct Answered([AtomicU64; CODES.len()]);

impl Answered {
    pub(crate) fn count(&self, code: Code) {
        self.0[code as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The codes that were answered at least once, by name, and how often.
    pub(crate) fn by_code(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        CODES.iter().map(|(_, name)| *name).zip(counts).filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_counted_under_its_own_name() {
        let answered = Answered::default();
        for (index, (code, _)) in CODES.iter().enumerate() {
            assert_eq!(*code as usize, index, "the table is in the order of the numbers");
            for _ in 0..=index {
                answered.count(*code);
            }
        }
        let expected: Vec<_> = CODES.iter().map(|(_, name)| *name).zip(1..).collect();
        assert_eq!(answered.by_code().collect::<Vec<_>>(), expected);
    }
}
