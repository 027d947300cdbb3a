//! What callers say of the log, and what stands in it: page tokens, names of operations, names of objects, batches.
//!
//! ```text
//! {"version":1,"before":"0197a1c2-d3e4-7f56-8123-456789abcdef","tenant":"acme","day":"2025-06-24"}
//! acme
//! 2025-06-24
//! operations/0197a1c2-d3e4-7f56-8123-456789abcdef
//! operations/tenant=acme/dt=2025-06-24/8249234410523-0197a1c2-d3e4-7f56-8123-456789abcdef.json
//!
//! {"id":"0197a1c2-d3e4-7f56-8123-456789abcdef"}
//! ```
//!
//! A page token, or its content, which no mutation would find in base64; the tenant and the day of the listing; a name; a key;
//! an empty line; the lines of a batch, which no mutation would find in gzip. All of it is tried as the compressed content of a
//! batch too.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use compute_gateway::fuzzing as gateway;
use compute_operations::log::fuzzing::{self as log, BatchKey, ReadBatch, RecordKey};
use compute_operations::record::Record;
use compute_proto::validate::is_tenant;
use flate2::Crc;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check_batch(log::read_batch(bytes.to_vec().into()));
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (head, batch) = (&bytes[..end], bytes.get(end + 2..).unwrap_or_default());
    check_lines(batch);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let (token, tenant, day, name, key) = (next(), next(), next(), next(), next());
    check_page_token(token, tenant, day);
    check_name(name);
    check_keys(key, Some(tenant).filter(|tenant| is_tenant(tenant)));
});

fn check_page_token(token: &str, tenant: &str, day: &str) {
    let tenant = Some(tenant).filter(|tenant| is_tenant(tenant));
    // The gateway has refused any other.
    let day = Some(day).filter(|day| day.len() <= "2025-06-24".len()).unwrap_or_default();
    let token = if token.starts_with(['{', '[']) { URL_SAFE_NO_PAD.encode(token) } else { token.to_owned() };
    let before = match gateway::read_page_token(&token, tenant, day) {
        Ok(before) => before,
        Err(violation) => {
            assert!(violation.field == "page_token" && violation.description.len() < 200, "{violation:?}");
            return;
        }
    };
    assert_eq!(before.get_version_num(), 7);
    let written = gateway::write_page_token(before, tenant, day);
    for token in [token, written] {
        assert_eq!(gateway::read_page_token(&token, tenant, day), Ok(before));
        assert!(gateway::read_page_token(&token, Some("another"), day).is_err() || tenant == Some("another"));
        assert!(gateway::read_page_token(&token, tenant, "another").is_err());
    }
}

fn check_name(name: &str) {
    match gateway::operation_id(name) {
        Ok(id) => {
            assert_eq!(gateway::operation_name(id), name);
            assert_eq!(gateway::chosen_id(&id.to_string(), "operation_id"), Ok(id));
        }
        Err(violation) => {
            assert!(violation.field == "name" && violation.description.len() < 200, "{violation:?}");
            if let Some(id) = name.strip_prefix("operations/") {
                assert!(
                    gateway::chosen_id(id, "operation_id").is_err_and(|violation| violation.field == "operation_id")
                );
            }
        }
    }
}

/// There is one way to write the key of what was found, or it would be there twice.
fn check_keys(key: &str, tenant: Option<&str>) {
    let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
    if let Some(batch) = BatchKey::read(key) {
        assert!(batch.smallest <= batch.largest);
        let written = batch.write(tenant).expect("what was read has a place");
        assert_eq!(written.rsplit_once('/').map(|(_folder, name)| name), Some(name));
        assert_eq!(BatchKey::read(&written), Some(batch));
    }
    if let Some(record) = RecordKey::read(key) {
        let written = record.write(tenant).expect("what was read has a place");
        assert_eq!(written.rsplit_once('/').map(|(_folder, name)| name), Some(name));
        assert_eq!(RecordKey::read(&written), Some(record));
    }
    let folder = format!("{folder}/");
    if let Some((tenant_folder, _day)) = folder.rsplit_once("dt=")
        && let Some(written) = log::day_folder(&folder, tenant_folder)
    {
        assert_eq!(written, folder);
    }
}

/// Reads lines that are whole and compressed as they should be: those that are records, and no other, are found.
fn check_lines(text: &[u8]) {
    let read = log::read_batch(stored(text).into());
    let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(&[][..], |end| &text[..end]);
    let mut lines = whole.split(|&byte| byte == b'\n');
    for (_, json) in &read.lines {
        assert!(lines.any(|line| line == json), "in the order they stand in");
    }
    if read.damage.is_none() {
        let all = whole.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        assert!(all.eq(read.lines.iter().map(|(_, json)| &json[..])), "without damage, all of them");
    }
    check_batch(read);
}

/// As gzip, but not compressed ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952), and section 3.2.4 of RFC 1951): a compressor
/// takes some hundred times as long to get ready.
fn stored(text: &[u8]) -> Vec<u8> {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    const LAST_BLOCK: u8 = 1;
    let length = u16::try_from(text.len()).expect("inputs have some thousand bytes");
    let mut crc = Crc::new();
    crc.update(text);
    let mut gzip = [&HEADER[..], &[LAST_BLOCK], &length.to_le_bytes(), &(!length).to_le_bytes(), text].concat();
    gzip.extend_from_slice(&crc.sum().to_le_bytes());
    gzip.extend_from_slice(&u32::from(length).to_le_bytes());
    gzip
}

/// What was read of a batch can be written to another, as a deletion does, and its records as they were.
fn check_batch(ReadBatch { lines, damage }: ReadBatch) {
    assert!(damage.is_none_or(|damage| damage.len() < 1_000));
    for (id, json) in &lines {
        if let Ok(record) = serde_json::from_slice::<Record>(json) {
            assert_eq!(record.id, *id);
            let written = record.to_json();
            assert_eq!(serde_json::from_str::<Record>(&written).expect("a record can be read"), record, "{written}");
        }
    }
    if !lines.is_empty()
        && let Some(content) = log::write_batch(lines.clone())
    {
        assert_eq!(log::read_batch(content), ReadBatch { lines, damage: None });
    }
}
