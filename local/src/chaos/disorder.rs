//! What SQS does inside now and then: delivers twice, delivers out of order, fails single entries of a batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::dice::{Dice, Draws, Sequence};
use super::spec::Chaos;
use super::traffic::{Counters, Fault};

/// The actions that take several entries.
const BATCH_ACTIONS: [&str; 3] = ["ChangeMessageVisibilityBatch", "DeleteMessageBatch", "SendMessageBatch"];

/// A copy of a message that is delivered again comes within so many milliseconds: often while the first is in flight, often
/// just after it was deleted.
const COPY_WITHIN: u64 = 2000;

/// Decides for all queues of an SQS.
#[derive(Debug)]
pub struct Disorder {
    chaos: Chaos,
    dice: Dice,
    counters: Arc<Counters>,
    entries: BTreeMap<&'static str, Sequence>,
}

impl Disorder {
    pub(super) fn new(chaos: Chaos, counters: Arc<Counters>) -> Self {
        let entries = BATCH_ACTIONS.map(|action| (action, Sequence::new(format!("partial {action}"))));
        Self { chaos, dice: Dice::new(chaos.seed), counters, entries: BTreeMap::from(entries) }
    }

    /// Whether the next entry of a batch action fails by itself.
    pub(crate) fn fails_entry(&self, action: &str) -> bool {
        let Some(sequence) = self.entries.get(action) else { return false };
        let fails = sequence.draws(self.dice).happens(self.chaos.partial);
        if fails {
            self.counters.injected(Fault::Partial);
        }
        fails
    }

    /// The part that concerns one queue, by its number in the order of creation.
    pub(crate) fn of_queue(self: &Arc<Self>, number: u64) -> QueueDisorder {
        QueueDisorder {
            receives: Sequence::new(format!("reorder {number}")),
            deliveries: Sequence::new(format!("duplicate {number}")),
            shared: Arc::clone(self),
        }
    }
}

/// Decides for one queue.
#[derive(Debug)]
pub(crate) struct QueueDisorder {
    shared: Arc<Disorder>,
    receives: Sequence,
    deliveries: Sequence,
}

impl QueueDisorder {
    /// For the next receive that finds something: by what to pick from `visible` messages; `None` for oldest first.
    pub(crate) fn pick(&self, visible: usize) -> Option<Draws> {
        if visible == 0 {
            return None;
        }
        let Disorder { chaos, dice, counters, .. } = &*self.shared;
        let mut draws = self.receives.draws(*dice);
        if !draws.happens(chaos.reorder) {
            return None;
        }
        if visible > 1 {
            counters.injected(Fault::Reorder);
        }
        Some(draws)
    }

    /// For the next delivery: in how many milliseconds the message becomes receivable once more; `None` for never.
    pub(crate) fn copy_after(&self) -> Option<u64> {
        let Disorder { chaos, dice, counters, .. } = &*self.shared;
        let mut draws = self.deliveries.draws(*dice);
        draws.happens(chaos.duplicate).then(|| {
            counters.injected(Fault::Duplicate);
            1 + draws.below(COPY_WITHIN)
        })
    }
}
