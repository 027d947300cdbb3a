use super::*;

/// A UUIDv7 of that time.
fn id(ms: u64) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(ms, &[7; 10]).into_uuid()
}

#[test]
fn a_key_is_made_of_tenant_and_id_alone() {
    let id = Uuid::parse_str("0197a1c2-d3e4-7f56-8123-456789abcdef").expect("a UUID");
    let rest = "dt=2025-06-24/8249234410523-0197a1c2-d3e4-7f56-8123-456789abcdef.json";
    assert_eq!(record(None, id), Ok(format!("operations/tenant=-/{rest}")));
    assert_eq!(record(Some("Acme_1.x-y"), id), Ok(format!("operations/tenant=Acme_1.x-y/{rest}")));
}

#[test]
fn days_begin_and_end_at_midnight_utc() {
    let day = |ms| record(None, id(ms)).map(|key| key[20..33].to_owned());
    assert_eq!(day(0).as_deref(), Ok("dt=1970-01-01"));
    assert_eq!(day(86_399_999).as_deref(), Ok("dt=1970-01-01"));
    assert_eq!(day(86_400_000).as_deref(), Ok("dt=1970-01-02"));
    assert_eq!(day(951_782_400_000).as_deref(), Ok("dt=2000-02-29"));
    assert_eq!(day(MAX_MS).as_deref(), Ok("dt=2286-11-20"));
}

#[test]
fn later_operations_of_a_day_come_first() {
    let keys: Vec<_> = [1_700_000_002_000, 1_700_000_001_999, 1_700_000_000_000].map(|ms| record(None, id(ms))).into();
    assert!(keys.iter().flatten().is_sorted(), "{keys:?}");
    assert_eq!(keys.iter().flatten().count(), 3);
}

#[test]
fn an_id_without_a_usable_time_is_refused() {
    for text in ["00000000-0000-0000-0000-000000000000", "6fa459ea-ee8a-4ca4-894e-db77e160355e"] {
        let id = Uuid::parse_str(text).expect("a UUID");
        assert_eq!(record(None, id), Err(KeyError::Id(id)));
    }
    let (ms, late) = (MAX_MS + 1, id(MAX_MS + 1));
    assert_eq!(record(None, late), Err(KeyError::Time { id: late, ms }));
    assert!(record(None, id((1 << 48) - 1)).is_err());
}

#[test]
fn a_tenant_cannot_leave_its_folder_or_pass_for_none() {
    let long = "x".repeat(65);
    for tenant in ["", "-", "a/b", "../x", "a b", "é", "a\n", &long] {
        assert!(matches!(record(Some(tenant), id(1)), Err(KeyError::Tenant(_))), "{tenant:?}");
    }
    assert!(record(Some(&long[..64]), id(1)).is_ok());
}
