//! How large requests and replies may be, and how much memory they may take.

use compute_process::{flags, memory};
use compute_proto::validate::MAX_STREAMED_VALUES;

/// The least memory: that of a message's list, and of what is read ahead.
const LEAST_MEMORY: usize = 64 << 20;

/// How large requests and replies may be, and how much memory they may take.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Limits {
    /// The longest list to take, 1 to 100000000 values. A longer one is answered RESOURCE_EXHAUSTED, with this number
    #[arg(long, env = "COMPUTE_MAX_VALUES", value_name = "N", default_value_t = MAX_STREAMED_VALUES,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=MAX_STREAMED_VALUES as u64))]
    pub max_values: usize,

    /// The memory for requests whose lists lie in S3, 64MiB to 1024GiB. Requests wait for each other's memory; a list for which
    /// it can never be enough, at 10 bytes a value, or 24 and the text for JSON, is answered as one that is too long. Without
    /// it half of the memory of the machine, or of the control group
    #[arg(long, env = "COMPUTE_MEMORY_BUDGET", value_name = "BYTES",
          value_parser = flags::byte_size(LEAST_MEMORY..=1 << 40))]
    pub memory_budget: Option<usize>,

    /// The largest reply that is sent as a message, its attributes included, 1KiB to 1MiB. A larger one is put into the bucket,
    /// under payloads/, and a pointer to it is sent
    #[arg(long, env = "COMPUTE_MAX_INLINE_SIZE", value_name = "BYTES", default_value = "448KiB",
          value_parser = flags::byte_size(1 << 10..=1 << 20))]
    pub max_inline_size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_values: MAX_STREAMED_VALUES, memory_budget: None, max_inline_size: 448 << 10 }
    }
}

impl Limits {
    /// The memory budget, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let half = || usize::try_from(memory::limit() / 2).unwrap_or(usize::MAX);
        self.memory_budget.unwrap_or_else(half).max(LEAST_MEMORY)
    }
}
