//! Runs of varints, as protobuf packs the values of a list: seven bits a byte, the lowest first, all bytes but the last of each
//! with the high bit set. See the [encoding](https://protobuf.dev/programming-guides/encoding/#varints).
//!
//! Nothing here decodes a number to learn what its bytes show. The loops are written for the compiler to make vector
//! instructions of: lists have tens of millions of numbers.

/// The high bit of a byte: set if the number goes on.
const CONTINUES: u8 = 0x80;

/// The most bytes of a number of 64 bits. The last of so many has one bit.
pub(super) const LONGEST: usize = 10;

/// Bytes that are looked at in one go: no more than a byte can count.
const BLOCK: usize = 128;

/// Whether these are whole numbers of at most 64 bits, each in as few bytes as it takes. Readers accept longer spellings, such as
/// `80 00` for 0.
pub(super) fn is_canonical(run: &[u8]) -> bool {
    let is_whole = run.last().is_none_or(|last| last & CONTINUES == 0);
    let (mut rest, mut wrong) = (run, 0);
    while !rest.is_empty() {
        wrong |= match rest.first_chunk() {
            Some(block) => wrong_in(block),
            None => {
                // What follows the end is right.
                let mut block = [1; _];
                block[..rest.len()].copy_from_slice(rest);
                wrong_in(&block)
            }
        };
        rest = rest.get(BLOCK..).unwrap_or_default();
    }
    is_whole && wrong & CONTINUES == 0
}

/// Has the high bit set if something is wrong in the first [`BLOCK`] bytes, or begins there.
fn wrong_in(b: &[u8; BLOCK + LONGEST - 1]) -> u8 {
    let mut wrong = 0;
    for i in 0..BLOCK {
        // A last byte of zero, after others, says nothing.
        wrong |= b[i] & only_if(b[i + 1] == 0);
        // After nine bytes that go on comes the highest bit, and no other. Written out, since an inner loop is not vectorised.
        let three = b[i] & b[i + 1] & b[i + 2];
        let six = three & b[i + 3] & b[i + 4] & b[i + 5];
        let nine = six & b[i + 6] & b[i + 7] & b[i + 8];
        wrong |= nine & only_if(b[i + 9] != 1);
    }
    wrong
}

fn only_if(condition: bool) -> u8 {
    if condition { u8::MAX } else { 0 }
}

/// How many numbers end in these bytes.
pub(super) fn count(run: &[u8]) -> usize {
    run.chunks(BLOCK).map(count_in_block).sum()
}

fn count_in_block(block: &[u8]) -> usize {
    let ends: u8 = block.iter().map(|byte| u8::from(byte & CONTINUES == 0)).sum();
    usize::from(ends)
}

/// How many bytes the first numbers take, so many of them, or all if there are no more.
pub(super) fn length_of(numbers: usize, run: &[u8]) -> usize {
    let (mut length, mut missing) = (0, numbers);
    for block in run.chunks(BLOCK) {
        let count = count_in_block(block);
        if count >= missing {
            let numbers = block.split_inclusive(|byte| byte & CONTINUES == 0).take(missing);
            return length + numbers.map(<[u8]>::len).sum::<usize>();
        }
        missing -= count;
        length += block.len();
    }
    length
}

/// The values of canonical bytes. Small magnitudes, of either sign, are small numbers:
/// [zigzag](https://protobuf.dev/programming-guides/encoding/#signed-ints).
pub(super) fn values(run: &[u8]) -> impl Iterator<Item = i64> {
    run.split_inclusive(|byte| byte & CONTINUES == 0).map(|bytes| {
        let number = bytes.iter().rev().fold(0_u64, |number, byte| number << 7 | u64::from(byte & !CONTINUES));
        (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::encoding::{decode_varint, encode_varint};

    use super::*;

    fn encoded(numbers: &[u64]) -> Vec<u8> {
        let mut run = Vec::new();
        numbers.iter().for_each(|&number| encode_varint(number, &mut run));
        run
    }

    /// Numbers of every length, equally often.
    fn numbers() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec((any::<u64>(), 0_u32..64).prop_map(|(number, bits)| number >> bits), 0..300)
    }

    /// Bytes of which many are those at which rules turn.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![4 => Just(0x80), 4 => Just(0xff), 1 => 0_u8..3, 1 => any::<u8>()];
        prop::collection::vec(byte, 0..40)
    }

    /// The numbers that prost reads; none if there is one that it does not.
    fn decoded(mut run: &[u8]) -> Option<Vec<u64>> {
        let mut numbers = Vec::new();
        while !run.is_empty() {
            numbers.push(decode_varint(&mut run).ok()?);
        }
        Some(numbers)
    }

    proptest! {
        #[test]
        fn what_is_canonical_is_what_prost_reads_and_would_write(run in bytes()) {
            let is_canonical = decoded(&run).is_some_and(|numbers| encoded(&numbers) == run);
            prop_assert_eq!(super::is_canonical(&run), is_canonical);
        }

        #[test]
        fn numbers_are_counted_cut_and_read_as_they_were_written(numbers in numbers(), cut in 0_usize..300) {
            let run = encoded(&numbers);
            prop_assert!(is_canonical(&run));
            prop_assert_eq!(count(&run), numbers.len());
            prop_assert_eq!(length_of(cut, &run), encoded(&numbers[..cut.min(numbers.len())]).len());
            let zigzag = |value: i64| ((value << 1) ^ (value >> 63)).cast_unsigned();
            prop_assert_eq!(values(&run).map(zigzag).collect::<Vec<_>>(), numbers);
        }
    }

    #[test]
    fn every_number_at_which_the_length_changes_is_canonical_and_every_longer_spelling_is_not() {
        for bits in 0..64 {
            for number in [1 << bits, (1 << bits) - 1, u64::MAX >> bits] {
                let run = encoded(&[7, number, 7]);
                assert!(is_canonical(&run), "{run:x?}");
                assert_eq!(count(&run), 3);
                let (mut padded, last) = (run.clone(), run.len() - 2);
                padded[last] |= CONTINUES;
                padded.insert(last + 1, 0);
                assert!(!is_canonical(&padded), "{padded:x?}");
            }
        }
    }
}
