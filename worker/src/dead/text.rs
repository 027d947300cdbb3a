//! Dead letters for human eyes.

use std::io::{self, Write};

use sqs_rpc::DeadLetter;

use crate::terminal::{ABSENT, printable, time};

/// Longest cell of the table, in characters. Attributes come from anyone who may write to the queue.
const CELL: usize = 64;

const HEADER: [&str; 6] = ["ID", "TENANT", "METHOD", "SENT", "RECEIVED", "WHY"];

/// One line for each letter, in columns, under a header.
pub(super) fn write_table(out: &mut impl Write, letters: &[DeadLetter]) -> io::Result<()> {
    let rows: Vec<_> = std::iter::once(HEADER.map(str::to_owned)).chain(letters.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; HEADER.len()] = std::array::from_fn(width);
    for [id, tenant, method, sent, received, why] in &rows {
        let [id_width, tenant_width, method_width, sent_width, received_width, _] = widths;
        writeln!(
            out,
            "{id:id_width$}  {tenant:tenant_width$}  {method:method_width$}  {sent:sent_width$}  \
             {received:received_width$}  {why}"
        )?;
    }
    Ok(())
}

fn row(letter: &DeadLetter) -> [String; HEADER.len()] {
    let cell = |text: &str| printable(text).chars().take(CELL).collect();
    let optional = |text: Option<&String>| cell(text.map_or(ABSENT, String::as_str));
    [
        // Without an id of its own it is found by that of the message.
        cell(letter.id.as_ref().unwrap_or(&letter.message_id)),
        optional(letter.tenant.as_ref()),
        optional(letter.method.as_ref()),
        time(letter.sent),
        letter.receive_count.to_string(),
        printable(&letter.why.to_string()).into_owned(),
    ]
}

/// One letter whole.
pub(super) fn write_letter(out: &mut impl Write, letter: &DeadLetter) -> io::Result<()> {
    let optional = |text: &Option<String>| printable(text.as_deref().unwrap_or(ABSENT)).into_owned();
    writeln!(out, "id:             {}", optional(&letter.id))?;
    writeln!(out, "message id:     {}", letter.message_id)?;
    writeln!(out, "tenant:         {}", optional(&letter.tenant))?;
    writeln!(out, "sent:           {}", time(letter.sent))?;
    writeln!(out, "receive count:  {}", letter.receive_count)?;
    writeln!(out, "came from:      {}", optional(&letter.source))?;
    writeln!(out, "why it is dead: {}", printable(&letter.why.to_string()))?;
    writeln!(out, "attributes:")?;
    for (name, data_type, value) in &letter.attributes {
        writeln!(out, "  {name} ({}) = {}", printable(data_type), printable(value))?;
    }
    let shown = letter.body.len();
    let part = if shown < letter.body_bytes { format!(", the first {shown} of them") } else { String::new() };
    writeln!(out, "body ({} bytes{part}):", letter.body_bytes)?;
    writeln!(out, "{}", printable(&letter.body))
}
