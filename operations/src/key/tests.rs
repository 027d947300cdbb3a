use proptest::prelude::*;

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

#[test]
fn a_batch_is_named_by_its_commit_and_the_ids_in_it() {
    let (smallest, largest) = (smallest_id(1_700_000_000_000), smallest_id(1_700_000_000_500));
    let name = BatchName::new(1_700_000_000_600, smallest, largest);
    let ids = "018bcfe5680000000000000000000000-018bcfe569f400000000000000000000";
    let key = format!("batches/tenant=acme/dt=2023-11-14/8299999999399-{ids}.ndjson.gz");
    assert_eq!(name.key(Some("acme")), Ok(key.clone()));
    assert_eq!(BatchName::of_key(&key), Some(name));
    for wrong in [key.replace("gz", "zst"), key.replace("8299", "+299"), key.replace("018bcfe568", "018BCFE568")] {
        assert_eq!(BatchName::of_key(&wrong), None, "{wrong}");
    }
    assert!(BatchName::new(MAX_MS + 1, smallest, largest).key(None).is_err());
}

#[test]
fn an_operation_and_a_day_have_one_spelling_each_so_that_none_is_listed_twice() {
    let key = record(None, id(1_750_765_589_476)).expect("a place");
    let (folder, name) = key.rsplit_once('/').expect("a folder");
    let (countdown, id) = name.strip_suffix(RECORD).and_then(|name| name.split_once('-')).expect("an id");
    assert!(ObjectName::of_key(&key).is_some());
    for other in [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), format!("urn:uuid:{id}")] {
        for ending in [RECORD, DEAD_MARK] {
            assert_eq!(ObjectName::of_key(&format!("{folder}/{countdown}-{other}{ending}")), None, "{other}");
        }
    }
    assert!(day_of_folder(&format!("{folder}/")).is_some());
    for other in ["dt=2025-6-24", "dt=2025-06-+24", "dt=+2025-06-24", "dt=02025-06-24", "dt=2025-006-24", "2025-06-24"]
    {
        assert_eq!(day_of_folder(&format!("operations/tenant=-/{other}/")), None, "{other}");
    }
}

/// A time of an operation or of a commit.
fn ms() -> impl Strategy<Value = u64> {
    prop_oneof![0..=MAX_MS, 1_700_000_000_000..1_700_000_001_000_u64]
}

fn uuid_v7() -> impl Strategy<Value = Uuid> {
    (ms(), any::<[u8; 10]>())
        .prop_map(|(ms, random)| uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid())
}

proptest! {
    #[test]
    fn a_check_finds_what_making_the_key_does(tenant in proptest::option::of("[a-z./-]{0,3}"), ms in 0..2 * MAX_MS) {
        for id in [id(ms), Uuid::from_u128(ms.into())] {
            prop_assert_eq!(check(tenant.as_deref(), id), record(tenant.as_deref(), id).map(|_key| ()));
        }
    }

    #[test]
    fn the_key_of_a_record_or_mark_tells_its_operation_and_day(id in uuid_v7()) {
        let (record, mark) = (record(None, id).expect("a place"), dead_mark(None, id).expect("a place"));
        prop_assert_eq!(ObjectName::of_key(&record), Some(ObjectName { id, is_dead_mark: false }));
        prop_assert_eq!(ObjectName::of_key(&mark), Some(ObjectName { id, is_dead_mark: true }));
        let folder = &record[..=record.rfind('/').expect("a folder")];
        let day = day_of_folder(folder).expect("a day");
        prop_assert!((day_start(day)..day_start(day) + 86_400_000).contains(&ms_of(id)));
        prop_assert!(smallest_id(ms_of(id)) <= id);
    }

    #[test]
    fn a_batch_name_reads_back_and_later_commits_come_first(
        a in (ms(), uuid_v7(), uuid_v7()), b in (ms(), uuid_v7(), uuid_v7())
    ) {
        let name = |(ms, one, other): (u64, Uuid, Uuid)| BatchName::new(ms, one.min(other), one.max(other));
        let (a, b) = (name(a), name(b));
        let key = a.key(Some("acme")).expect("a place");
        prop_assert_eq!(BatchName::of_key(&key), Some(a));
        prop_assert!(a.may_hold(a.smallest) && a.may_hold(a.largest));
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()), "the order is that of a listing");
        if a.committed() > b.committed() {
            prop_assert!(a < b);
        }
    }

    #[test]
    fn whatever_is_listed_is_read_without_a_panic(key in "[a-z0-9=/.-]{0,120}") {
        let _ = (ObjectName::of_key(&key), BatchName::of_key(&key), day_of_folder(&key), tenant_of_folder(&key));
    }
}
