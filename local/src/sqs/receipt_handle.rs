//! Receipt handles: opaque to the client, a receipt and the proof that this process made it to us.

use std::hash::{BuildHasher, RandomState};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::error::SqsError;
use super::queue_state::Receipt;

const PAYLOAD: usize = 20;
const LENGTH: usize = PAYLOAD + 8;

/// Makes handles and reads them back. The key is random and lives as long as the queues do: with the process.
#[derive(Debug, Default)]
pub(super) struct ReceiptHandles {
    key: RandomState,
}

impl ReceiptHandles {
    /// The handle of a receipt of the queue with this id.
    pub(super) fn seal(&self, queue: u64, receipt: Receipt) -> String {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&queue.to_be_bytes());
        bytes[8..16].copy_from_slice(&receipt.sequence.to_be_bytes());
        bytes[16..PAYLOAD].copy_from_slice(&receipt.receive.to_be_bytes());
        let proof = self.key.hash_one(&bytes[..PAYLOAD]);
        bytes[PAYLOAD..].copy_from_slice(&proof.to_be_bytes());
        BASE64.encode(bytes)
    }

    /// The receipt in a handle.
    ///
    /// # Errors
    ///
    /// [`ReceiptHandleIsInvalid`](SqsError::ReceiptHandleIsInvalid) if it was not made here for the queue with this id.
    pub(super) fn open(&self, queue: u64, handle: &str) -> Result<Receipt, SqsError> {
        let bytes = BASE64.decode(handle).ok().and_then(|bytes| <[u8; LENGTH]>::try_from(bytes).ok());
        let bytes = bytes.ok_or(SqsError::ReceiptHandleIsInvalid)?;
        let (payload, proof) = bytes.split_at(PAYLOAD);
        if proof != self.key.hash_one(payload).to_be_bytes() || payload[..8] != queue.to_be_bytes() {
            return Err(SqsError::ReceiptHandleIsInvalid);
        }
        let sequence = payload[8..16].iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
        let receive = payload[16..].iter().fold(0, |number, &byte| number << 8 | u32::from(byte));
        Ok(Receipt { sequence, receive })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIPT: Receipt = Receipt { sequence: 0x0123_4567_89AB_CDEF, receive: 42 };

    #[test]
    fn a_handle_opens_to_its_receipt_for_its_own_queue_only() {
        let handles = ReceiptHandles::default();
        let handle = handles.seal(7, RECEIPT);
        assert_eq!(handles.open(7, &handle), Ok(RECEIPT));
        assert_eq!(handles.open(8, &handle), Err(SqsError::ReceiptHandleIsInvalid));
    }

    #[test]
    fn a_handle_with_any_byte_changed_is_invalid() {
        let handles = ReceiptHandles::default();
        let handle = handles.seal(7, RECEIPT);
        for at in 0..LENGTH {
            let mut bytes = BASE64.decode(&handle).expect("sealed handles are base64");
            bytes[at] ^= 1;
            assert_eq!(handles.open(7, &BASE64.encode(bytes)), Err(SqsError::ReceiptHandleIsInvalid));
        }
    }
}
