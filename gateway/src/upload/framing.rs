//! Where messages begin in the body of a call.

/// A gRPC message is preceded by a flag and its length: one byte and four, big-endian.
const PREFIX_LEN: usize = 5;

/// Follows a body from message to message, by their prefixes.
#[derive(Debug, Default)]
pub(super) struct Framing {
    prefix: [u8; PREFIX_LEN],
    /// How much of the prefix has been seen.
    seen: usize,
    /// How many bytes of the message are still to come.
    missing: usize,
}

impl Framing {
    /// Takes from the front of `data` up to the end of the next prefix, and tells the length of the message that it announces;
    /// none when `data` ends before.
    pub(super) fn next_message(&mut self, data: &mut &[u8]) -> Option<usize> {
        self.missing -= skip(data, self.missing);
        let unseen = &mut self.prefix[self.seen..];
        let part = unseen.len().min(data.len());
        unseen[..part].copy_from_slice(&data[..part]);
        self.seen += skip(data, part);
        if self.seen < PREFIX_LEN {
            return None;
        }
        let [_flag, length @ ..] = self.prefix;
        self.seen = 0;
        self.missing = u32::from_be_bytes(length) as usize;
        Some(self.missing)
    }
}

/// Drops at most so many bytes from the front, and tells how many there were to drop.
fn skip(data: &mut &[u8], most: usize) -> usize {
    let skipped = data.len().min(most);
    *data = &data[skipped..];
    skipped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(lengths: &[u32]) -> Vec<u8> {
        let message = |&length: &u32| [&[0][..], &length.to_be_bytes(), &vec![0xff; length as usize]].concat();
        lengths.iter().flat_map(message).collect()
    }

    #[test]
    fn every_message_is_seen_once_however_the_body_is_cut() {
        let lengths = [3, 0, 300, 1, 0, 0, 70_000, 5];
        let body = body(&lengths);
        for size in [1, 2, 3, 5, 7, 16 << 10, body.len()] {
            let mut framing = Framing::default();
            let mut found = Vec::new();
            for mut data in body.chunks(size) {
                while let Some(length) = framing.next_message(&mut data) {
                    found.push(u32::try_from(length).expect("it was 32 bits"));
                }
                assert!(data.is_empty(), "all is taken");
            }
            assert_eq!(found, lengths, "cut every {size} bytes");
        }
    }

    #[test]
    fn a_message_is_seen_before_it_has_come() {
        let mut framing = Framing::default();
        let body = body(&[10]);
        assert_eq!(framing.next_message(&mut &body[..4]), None);
        assert_eq!(framing.next_message(&mut &body[4..5]), Some(10));
        assert_eq!(framing.next_message(&mut &body[5..14]), None);
        assert_eq!(framing.next_message(&mut &body[14..]), None);
    }
}
