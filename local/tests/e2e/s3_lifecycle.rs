//! Lifecycle rules of the embedded S3, through the AWS SDK, and the sweep that carries them out.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter,
};
use compute_local::s3::{LifecycleError, S3Store, Swept};

use crate::endpoint::{BUCKET, Endpoint, code};
use crate::kit::{TestStack, start_in, until};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn rule(id: &str, prefix: &str) -> aws_sdk_s3::types::builders::LifecycleRuleBuilder {
    let filter = LifecycleRuleFilter::builder().prefix(prefix).build();
    LifecycleRule::builder().id(id).filter(filter).status(ExpirationStatus::Enabled)
}

fn after_days(days: i32) -> LifecycleExpiration {
    LifecycleExpiration::builder().days(days).build()
}

async fn set(client: &Client, rules: Vec<LifecycleRule>) {
    let configuration = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().unwrap();
    let put = client.put_bucket_lifecycle_configuration().bucket(BUCKET).lifecycle_configuration(configuration);
    put.send().await.unwrap();
}

async fn rules(client: &Client) -> Vec<LifecycleRule> {
    client.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await.unwrap().rules.unwrap()
}

async fn put(client: &Client, key: &str) {
    client.put_object().bucket(BUCKET).key(key).body(ByteStream::from_static(b"x")).send().await.unwrap();
}

async fn keys(client: &Client) -> Vec<String> {
    let page = client.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    page.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
}

/// Makes the file of an object this old.
fn age(dir: &std::path::Path, key: &str, age: Duration) {
    let file = std::fs::File::options().write(true).open(dir.join(BUCKET).join(key)).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}

#[tokio::test]
async fn rules_come_back_as_they_were_set_also_after_a_restart_and_can_be_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    let get = client.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await;
    assert_eq!(get.as_ref().unwrap_err().raw_response().unwrap().status().as_u16(), 404);
    assert_eq!(code(get), "NoSuchLifecycleConfiguration");
    let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(1).build();
    let wanted = vec![
        rule("payloads", "payloads/").expiration(after_days(40)).build().unwrap(),
        rule("off", "").status(ExpirationStatus::Disabled).expiration(after_days(1)).build().unwrap(),
        rule("uploads", "").abort_incomplete_multipart_upload(abort).build().unwrap(),
    ];
    set(&client, wanted.clone()).await;
    endpoint.stop().await.unwrap();

    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    assert_eq!(rules(&client).await, wanted);
    // Setting rules replaces those that were there.
    set(&client, wanted[1..].to_vec()).await;
    assert_eq!(rules(&client).await, wanted[1..]);
    for _ in 0..2 {
        client.delete_bucket_lifecycle().bucket(BUCKET).send().await.unwrap();
        let get = client.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await;
        assert_eq!(code(get), "NoSuchLifecycleConfiguration");
    }
    endpoint.stop().await.unwrap();

    let endpoint = Endpoint::start(dir.path()).await;
    let get = endpoint.s3().get_bucket_lifecycle_configuration().bucket(BUCKET).send().await;
    assert_eq!(code(get), "NoSuchLifecycleConfiguration");
}

#[tokio::test]
async fn rules_go_with_their_bucket() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    set(&client, vec![rule("all", "").expiration(after_days(1)).build().unwrap()]).await;
    client.delete_bucket().bucket(BUCKET).send().await.unwrap();
    let get = client.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await;
    assert_eq!(code(get), "NoSuchBucket");
    client.create_bucket().bucket(BUCKET).send().await.unwrap();
    let get = client.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await;
    assert_eq!(code(get), "NoSuchLifecycleConfiguration");
}

#[tokio::test]
async fn what_is_malformed_or_not_done_here_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    let before = vec![rule("before", "a/").expiration(after_days(1)).build().unwrap()];
    set(&client, before.clone()).await;
    let (all, enabled) = ("<Filter/>", "<Status>Enabled</Status>");
    let days = "<Expiration><Days>1</Days></Expiration>";
    let two = format!("<ID>one</ID>{all}{enabled}{days}</Rule><Rule><ID>one</ID>{all}{enabled}{days}");
    let long = format!("<ID>{}</ID>{all}{enabled}{days}", "x".repeat(256));
    for (expected, said, rule) in [
        ("MalformedXML", "Filter", format!("{enabled}{days}")),
        ("MalformedXML", "Filter", format!("{all}<Prefix>a</Prefix>{enabled}{days}")),
        ("MalformedXML", "Enabled or Disabled", format!("{all}<Status>On</Status>{days}")),
        ("MalformedXML", "", format!("{all}{enabled}<Expiration><Days>soon</Days></Expiration>")),
        ("MalformedXML", "Days", format!("{all}{enabled}<Expiration/>")),
        ("InvalidRequest", "action", format!("{all}{enabled}")),
        ("InvalidArgument", "positive integer", format!("{all}{enabled}<Expiration><Days>0</Days></Expiration>")),
        ("InvalidArgument", "unique", two),
        ("InvalidArgument", "255", long),
        (
            "InvalidArgument",
            "Transition",
            format!("{all}{enabled}<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>"),
        ),
        (
            "InvalidArgument",
            "Expiration.Date",
            format!("{all}{enabled}<Expiration><Date>2026-01-01T00:00:00Z</Date></Expiration>"),
        ),
        (
            "InvalidArgument",
            "Filter.Tag",
            format!("<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>{enabled}{days}"),
        ),
    ] {
        let body = format!("<LifecycleConfiguration><Rule>{rule}</Rule></LifecycleConfiguration>");
        let answer = put_raw(&endpoint, &body).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{rule}: {answer}");
        assert!(answer.contains(&format!("<Code>{expected}</Code>")) && answer.contains(said), "{rule}: {answer}");
    }
    for body in ["", "<LifecycleConfiguration/>", "rules"] {
        let answer = put_raw(&endpoint, body).await;
        assert!(answer.contains("<Code>MalformedXML</Code>"), "{body:?}: {answer}");
    }
    assert_eq!(rules(&client).await, before);
}

async fn put_raw(endpoint: &Endpoint, body: &str) -> String {
    let head = format!("PUT /{BUCKET}?lifecycle HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
    endpoint.raw(&format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await
}

#[tokio::test]
async fn an_object_says_when_it_expires_and_by_which_rule() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    set(&client, vec![rule("3 days", "a/").expiration(after_days(3)).build().unwrap()]).await;
    put(&client, "a/k").await;
    put(&client, "b/k").await;
    // 10:30 UTC on 15 January 2014, the example in S3's user guide.
    let created = SystemTime::UNIX_EPOCH + Duration::from_secs(1_389_781_800);
    age(dir.path(), "a/k", SystemTime::now().duration_since(created).unwrap());
    let head = client.head_object().bucket(BUCKET).key("a/k").send().await.unwrap();
    let expected = "expiry-date=\"Sun, 19 Jan 2014 00:00:00 GMT\", rule-id=\"3%20days\"";
    assert_eq!(head.expiration(), Some(expected));
    let get = client.get_object().bucket(BUCKET).key("a/k").send().await.unwrap();
    assert_eq!(get.expiration(), Some(expected));
    let put = client.put_object().bucket(BUCKET).key("a/k").body(ByteStream::from_static(b"new")).send().await.unwrap();
    let head = client.head_object().bucket(BUCKET).key("a/k").send().await.unwrap();
    assert!(put.expiration().is_some_and(|expiration| expiration != expected) && put.expiration() == head.expiration());
    let other = client.head_object().bucket(BUCKET).key("b/k").send().await.unwrap();
    assert_eq!(other.expiration(), None);
}

#[tokio::test]
async fn a_sweep_removes_what_has_expired_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(1).build();
    let off = rule("off", "b/").status(ExpirationStatus::Disabled).expiration(after_days(1));
    set(
        &client,
        vec![
            rule("a", "a/").expiration(after_days(40)).build().unwrap(),
            off.build().unwrap(),
            rule("uploads", "a/").abort_incomplete_multipart_upload(abort).build().unwrap(),
        ],
    )
    .await;
    // More than one page of keys, every second one old, and edited while the store is open.
    for n in 0..1_100 {
        std::fs::create_dir_all(dir.path().join(BUCKET).join("a")).unwrap();
        std::fs::write(dir.path().join(BUCKET).join(format!("a/{n:04}")), "x").unwrap();
    }
    endpoint.stop().await.unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let client = endpoint.s3();
    for key in ["a/with metadata", "b/k", "k"] {
        client.put_object().bucket(BUCKET).key(key).metadata("m", "1").send().await.unwrap();
        age(dir.path(), key, 99 * DAY);
    }
    for n in (0..1_100).step_by(2) {
        age(dir.path(), &format!("a/{n:04}"), 42 * DAY);
    }
    for key in ["a/upload", "b/upload"] {
        client.create_multipart_upload().bucket(BUCKET).key(key).send().await.unwrap();
    }

    let now = SystemTime::now();
    assert_eq!(endpoint.store.sweep(now).await, Swept { objects: 551, uploads: 0 });
    let odd = (1..1_100).step_by(2).map(|n| format!("a/{n:04}"));
    let left: Vec<_> = odd.chain(["b/k".to_owned(), "k".to_owned()]).collect();
    assert_eq!(keys(&client).await, left);
    assert!(!dir.path().join(".attributes").join(BUCKET).join("a").join("with metadata%.json").exists());
    // The uploads are aborted at the midnight after the one that comes.
    assert_eq!(endpoint.store.sweep(now + 2 * DAY).await, Swept { objects: 0, uploads: 1 });
    let uploads = client.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
    let uploads: Vec<_> = uploads.uploads().iter().map(|upload| upload.key().unwrap()).collect();
    assert_eq!(uploads, ["b/upload"]);
    // What is written again lives on.
    put(&client, "a/0001").await;
    age(dir.path(), "a/0003", 42 * DAY);
    assert_eq!(endpoint.store.sweep(now).await, Swept { objects: 1, uploads: 0 });
    assert_eq!(endpoint.store.sweep(now + 42 * DAY).await, Swept { objects: 549, uploads: 0 });
    assert_eq!(keys(&client).await, ["b/k", "k"]);
}

#[tokio::test]
async fn rules_are_set_only_where_there_are_none_and_only_if_they_can_be_kept() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    let one_day = |id: &str| {
        format!(r#"{{"Rules":[{{"ID":"{id}","Filter":{{}},"Status":"Enabled","Expiration":{{"Days":1}}}}]}}"#)
    };
    let form = endpoint.store.set_lifecycle_if_absent(BUCKET, &one_day("x").replace("Days", "Years")).await;
    assert!(matches!(form, Err(LifecycleError::Form(_))), "{form:?}");
    let refused = endpoint.store.set_lifecycle_if_absent(BUCKET, r#"{"Rules":[]}"#).await;
    assert!(matches!(refused, Err(LifecycleError::Refused(_))), "{refused:?}");
    for id in ["first", "second"] {
        endpoint.store.set_lifecycle_if_absent(BUCKET, &one_day(id)).await.unwrap();
        assert_eq!(rules(&endpoint.s3()).await[0].id(), Some("first"));
    }
}

#[tokio::test]
async fn rules_that_cannot_be_read_keep_the_store_from_opening() {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::start(dir.path()).await;
    set(&endpoint.s3(), vec![rule("all", "").expiration(after_days(1)).build().unwrap()]).await;
    endpoint.stop().await.unwrap();
    let file = dir.path().join(".attributes").join(BUCKET).join("%lifecycle.json");
    std::fs::write(&file, "{").unwrap();
    let error = S3Store::open(dir.path()).await.expect_err("the rules are lost");
    let said = std::error::Error::source(&error).unwrap().to_string();
    assert!(said.contains("%lifecycle.json"), "{said}");
}

#[tokio::test]
async fn the_stack_sets_the_recommended_rules_and_removes_what_expired_while_it_was_off() {
    let stack = TestStack::start().await;
    let client =
        aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&stack.aws()).force_path_style(true).build());
    let set: serde_json::Value = serde_json::from_str(compute_local::stack::LIFECYCLE).unwrap();
    let ids: Vec<_> = set["Rules"].as_array().unwrap().iter().map(|rule| rule["ID"].as_str().unwrap()).collect();
    let there = rules(&client).await;
    assert_eq!(there.iter().map(|rule| rule.id().unwrap()).collect::<Vec<_>>(), ids);
    let old = ["batches/1", "claims/1", "operations/1", "payloads/1"];
    for key in old.into_iter().chain(["claims/2", "payloads/2"]) {
        put(&client, key).await;
    }
    let data = stack.stop().await;
    for key in old {
        age(&data.path().join("s3"), key, 42 * DAY);
    }

    let stack = start_in(data.path(), |_config| {}).await;
    let aws = compute_process::aws::for_endpoint(&stack.aws_endpoint());
    let client = aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(&aws).force_path_style(true).build());
    until(async || keys(&client).await == ["batches/1", "claims/2", "operations/1", "payloads/2"]).await;
    stack.stop().await;
}
