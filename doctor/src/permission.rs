//! Whether what a trial has shown is good.

use compute_operations::BucketError;
use sqs_rpc::QueueError;
use sqs_rpc::probe::Trial;

use crate::report::{Check, Finding, check};

/// A permission that a process needs: an action of IAM on something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    program: &'static str,
    action: &'static str,
    on: String,
}

impl Permission {
    /// `program` needs it, such as `compute-gateway`.
    pub fn new(program: &'static str, action: &'static str, on: impl Into<String>) -> Self {
        Self { program, action, on: on.into() }
    }

    /// What the finding is called.
    pub fn what(&self) -> String {
        format!("{} on {}", self.action, self.on)
    }

    /// A check by a trial with SQS.
    pub fn by<'a>(self, trial: impl Future<Output = Result<Trial, QueueError>> + Send + 'a) -> Check<'a> {
        check(self.what(), async move { self.of_queue(trial.await) })
    }

    /// What a trial with SQS has shown.
    pub fn of_queue(&self, trial: Result<Trial, QueueError>) -> Finding {
        match trial {
            Ok(Trial::Allowed) => Finding::ok(self.what(), "tried"),
            Ok(Trial::NotDenied(answer)) => Finding::ok(
                self.what(),
                format!("not denied: a harmless request was refused for its form alone ({answer})"),
            ),
            Err(error) if error.is_denied() => self.denied(&error),
            Err(error) => self.failed(&error),
        }
    }

    /// What a trial with S3 has shown.
    pub fn of_bucket<T>(&self, trial: Result<T, BucketError>) -> Finding {
        match trial {
            Ok(_) => Finding::ok(self.what(), "tried"),
            Err(error) if error.is_denied() => self.denied(&error),
            Err(error) => self.failed(&error),
        }
    }

    fn denied(&self, error: &dyn std::error::Error) -> Finding {
        let Self { program, action, on } = self;
        Finding::fail(
            self.what(),
            format!("denied: {error}"),
            format!(
                "allow {action} on {on}: `{program} doctor --plan >policy.json` with these flags, then `aws iam put-role-policy \
                 --role-name ROLE --policy-name {program} --policy-document file://policy.json`"
            ),
        )
    }

    fn failed(&self, error: &dyn std::error::Error) -> Finding {
        Finding::fail(
            self.what(),
            error,
            "the answer above is not about permissions: mend what it names, and look again",
        )
    }
}
