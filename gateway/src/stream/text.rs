//! How long the JSON text of a list is, without writing it.

use compute_proto::wire::needs_quotes;

/// The length of the text of a list that grows, such as `[4,-5]`.
#[derive(Debug, Default)]
pub(super) struct TextLength {
    values: usize,
    /// Digits and signs of all values.
    digits: usize,
    /// Whether one value has to be in quotes, and so all are.
    is_quoted: bool,
}

impl TextLength {
    /// Counts further values, and tells whether the text is still no longer than `most` bytes. If not, it may have counted a part
    /// only.
    pub(super) fn extend(&mut self, values: impl IntoIterator<Item = i64>, most: usize) -> bool {
        values.into_iter().all(|value| {
            self.values += 1;
            self.digits += length(value);
            self.is_quoted |= needs_quotes(value);
            self.bytes() <= most
        })
    }

    /// The length of the text.
    pub(super) fn bytes(&self) -> usize {
        let quotes = if self.is_quoted { 2 * self.values } else { 0 };
        let commas = self.values.saturating_sub(1);
        "[]".len() + self.digits + quotes + commas
    }
}

/// Characters of an integer in decimal.
fn length(value: i64) -> usize {
    let digits = value.unsigned_abs().checked_ilog10().map_or(1, |log| log as usize + 1);
    digits + usize::from(value < 0)
}

#[cfg(test)]
mod tests {
    use compute_proto::v1::ComputeRequest;
    use compute_proto::wire::request_to_json;

    use super::*;

    #[test]
    fn it_is_that_of_the_text_which_is_written() {
        let large = (1_i64 << 53) - 1;
        for values in [
            &[][..],
            &[0],
            &[9, 10, -9, -10, 99, 100, -1000],
            &[large, -large],
            &[1, large + 1, 2],
            &[-large - 1],
            &[i64::MIN, i64::MAX, 0],
        ] {
            let json = request_to_json(&ComputeRequest { values: values.to_vec(), ..Default::default() });
            let list = json.trim_start_matches(r#"{"values":"#).trim_end_matches('}');
            let mut text = TextLength::default();
            let (first, second) = values.split_at(values.len() / 2);
            assert!(text.extend(first.to_vec(), usize::MAX) && text.extend(second.to_vec(), usize::MAX));
            assert_eq!(text.bytes(), list.len(), "{list}");
        }
    }

    #[test]
    fn one_byte_more_than_there_may_be_is_too_long() {
        assert!(TextLength::default().extend([4, 5], 5));
        assert!(!TextLength::default().extend([4, 5], 4));
        assert!(!TextLength::default().extend([4, i64::MAX], 8), "the quotes come late");
    }
}
