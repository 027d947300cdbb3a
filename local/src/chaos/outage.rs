//! SQS or S3 is down, for as long as a test says.

use tokio::sync::watch;

use super::operation::Service;

/// Switches a service off and on again. A service that is off answers everything with status 503; long polls that wait when it
/// goes off are answered so too, and take no message.
#[derive(Debug)]
pub struct Outage {
    sqs: watch::Sender<bool>,
    s3: watch::Sender<bool>,
}

impl Outage {
    /// Whether SQS is down from now on.
    pub fn sqs(&self, is_down: bool) {
        self.sqs.send_replace(is_down);
    }

    /// Whether S3 is down from now on.
    pub fn s3(&self, is_down: bool) {
        self.s3.send_replace(is_down);
    }

    pub(super) fn is_down(&self, service: Service) -> bool {
        *self.of(service).borrow()
    }

    /// Ready as soon as the service is down.
    pub(super) async fn begins(&self, service: Service) {
        let mut state = self.of(service).subscribe();
        state.wait_for(|is_down| *is_down).await.expect("its sender is borrowed");
    }

    fn of(&self, service: Service) -> &watch::Sender<bool> {
        match service {
            Service::Sqs => &self.sqs,
            Service::S3 => &self.s3,
        }
    }
}

impl Default for Outage {
    fn default() -> Self {
        Self { sqs: watch::Sender::new(false), s3: watch::Sender::new(false) }
    }
}
