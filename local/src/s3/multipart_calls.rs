//! Calls on multipart uploads.

use std::sync::Arc;
use std::time::SystemTime;

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType, CommonPrefix,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput,
    ListPartsOutput, MultipartUpload, StorageClass, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Result, s3_error};

use super::attributes::headers_of;
use super::checksums::{Algorithm, Claim, claimed_checksums, set_checksum};
use super::conditions::{WriteCondition, strong};
use super::failure::{blocking, failed};
use super::multipart::{NamedPart, Record, Upload};
use super::receive::{Claims, Received, Scratch};
use super::store::Store;
use super::unsigned::Trailers;

/// The most rows a page of parts or uploads has.
const MAX_ROWS: i32 = 1000;

pub(super) async fn create(
    store: &Arc<Store>,
    mut input: CreateMultipartUploadInput,
) -> S3Result<CreateMultipartUploadOutput> {
    store.bucket(&input.bucket)?;
    let algorithm = input.checksum_algorithm.as_ref().map(|name| Algorithm::parse(name.as_str())).transpose()?;
    let record = Record {
        headers: headers_of!(input),
        key: input.key.clone(),
        initiated: SystemTime::now().into(),
        algorithm,
        composite: is_composite(algorithm, input.checksum_type.as_ref())?,
    };
    let (uploads, scratch) = (store.uploads(&input.bucket), Arc::clone(store.scratch()));
    let upload = blocking(move || Upload::start(&uploads, record, &scratch)).await?;
    Ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        checksum_algorithm: input.checksum_algorithm,
        checksum_type: algorithm.map(|_| checksum_type(upload.record.composite)),
        upload_id: Some(upload.id),
        ..CreateMultipartUploadOutput::default()
    })
}

/// Which types an algorithm has, and which it has by default:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>
fn is_composite(algorithm: Option<Algorithm>, asked: Option<&ChecksumType>) -> S3Result<bool> {
    let composite = asked.map(|asked| asked.as_str() == ChecksumType::COMPOSITE);
    match (algorithm, composite) {
        (None | Some(Algorithm::Crc64Nvme), Some(true)) | (Some(Algorithm::Sha1 | Algorithm::Sha256), Some(false)) => {
            Err(s3_error!(InvalidRequest, "this checksum algorithm does not have this checksum type"))
        }
        (None | Some(Algorithm::Crc64Nvme), _) => Ok(false),
        (Some(_), composite) => Ok(composite.unwrap_or(true)),
    }
}

fn checksum_type(composite: bool) -> ChecksumType {
    ChecksumType::from_static(if composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT })
}

pub(super) async fn upload_part(
    store: &Arc<Store>,
    mut input: UploadPartInput,
    trailers: Option<&Trailers>,
) -> S3Result<UploadPartOutput> {
    store.bucket(&input.bucket)?;
    let claim = Claim::new(claimed_checksums!(input), input.checksum_algorithm.as_ref())?;
    let claimed = claim.as_ref().map(|claim| claim.algorithm);
    let size = input.content_length.and_then(|length| u64::try_from(length).ok());
    let (number, id, key) = (input.part_number, input.upload_id, input.key);
    let (uploads, scratch) = (store.uploads(&input.bucket), Arc::clone(store.scratch()));
    let (upload, slot) = blocking(move || {
        let upload = Upload::open(&uploads, &id, &key)?;
        if let (Some(claimed), Some(algorithm)) = (claimed, upload.record.algorithm)
            && claimed != algorithm
        {
            return Err(s3_error!(InvalidRequest, "the upload was started with {} checksums", algorithm.name()));
        }
        let slot = size.map(|size| upload.claim_slot(number, size, &scratch)).transpose()?.flatten();
        Ok((upload, slot))
    })
    .await?;
    let claim = claim.unwrap_or(Claim { algorithm: upload.part_algorithm(), value: None });
    let claims = Claims {
        length: input.content_length,
        md5: input.content_md5.as_deref(),
        also: upload.further_checksum(claim.algorithm),
        checksum: Some(claim),
        trailers,
    };
    let part = match slot {
        Some(slot) => {
            let body = Received::read(input.body.take(), claims, slot).await?;
            blocking(move || {
                let digests = body.digests.clone();
                let slot = body.into_slot().map_err(failed("write the part"))?;
                upload.add_in_slot(number, &slot, &digests)
            })
            .await?
        }
        None => {
            let body = Received::read(input.body.take(), claims, Scratch::new(store.scratch())).await?;
            blocking(move || {
                let digests = body.digests.clone();
                let (content, _) = body.into_file().map_err(failed("write the part"))?;
                upload.add(number, content, &digests)
            })
            .await?
        }
    };
    let mut output = UploadPartOutput { e_tag: Some(strong(&part.etag())), ..UploadPartOutput::default() };
    set_checksum!(output, &part.checksum);
    Ok(output)
}

pub(super) async fn complete(
    store: &Arc<Store>,
    mut input: CompleteMultipartUploadInput,
) -> S3Result<CompleteMultipartUploadOutput> {
    let bucket = store.bucket(&input.bucket)?;
    let condition = WriteCondition::new(input.if_match.take(), input.if_none_match.take())?;
    let claim = Claim::new(claimed_checksums!(input), None)?;
    let named: Vec<_> = input.multipart_upload.take().and_then(|upload| upload.parts).into_iter().flatten().collect();
    let named = named.into_iter().map(|part| {
        Ok(NamedPart {
            number: part.part_number.ok_or_else(|| s3_error!(MalformedXML, "a part has no number"))?,
            checksums: claimed_checksums!(part).map(|value| value.map(str::to_owned)),
            etag: part.e_tag.map(s3s::dto::ETag::into_value),
        })
    });
    let named = named.collect::<S3Result<Vec<_>>>()?;
    let (uploads, scratch) = (store.uploads(&input.bucket), Arc::clone(store.scratch()));
    blocking(move || {
        let upload = Upload::open(&uploads, &input.upload_id, &input.key)?;
        bucket.check(&input.key, &condition)?;
        let object = upload.assemble(&named, &scratch)?;
        if let Some(claim) = claim {
            claim.check(&object.attributes.checksum, None)?;
        }
        if input.mpu_object_size.is_some_and(|size| u64::try_from(size) != Ok(object.stamp.size)) {
            return Err(s3_error!(InvalidRequest, "the parts have {} bytes together", object.stamp.size));
        }
        let mut output = CompleteMultipartUploadOutput {
            e_tag: Some(strong(&object.attributes.etag)),
            checksum_type: Some(object.attributes.checksum.kind()),
            location: Some(format!("/{}/{}", input.bucket, input.key)),
            ..CompleteMultipartUploadOutput::default()
        };
        set_checksum!(output, &object.attributes.checksum);
        output.expiration = bucket.expiration(&input.key, object.stamp.modified);
        bucket.publish(&input.key, object, &condition, &scratch)?;
        upload.remove()?;
        (output.bucket, output.key) = (Some(input.bucket), Some(input.key));
        Ok(output)
    })
    .await
}

pub(super) async fn abort(
    store: &Arc<Store>,
    input: AbortMultipartUploadInput,
) -> S3Result<AbortMultipartUploadOutput> {
    store.bucket(&input.bucket)?;
    let uploads = store.uploads(&input.bucket);
    blocking(move || Upload::open(&uploads, &input.upload_id, &input.key)?.remove()).await?;
    Ok(AbortMultipartUploadOutput::default())
}

pub(super) async fn list_parts(store: &Arc<Store>, input: ListPartsInput) -> S3Result<ListPartsOutput> {
    store.bucket(&input.bucket)?;
    let uploads = store.uploads(&input.bucket);
    let (id, key) = (input.upload_id.clone(), input.key.clone());
    let (upload, parts) = blocking(move || {
        let upload = Upload::open(&uploads, &id, &key)?;
        let parts = upload.parts()?;
        Ok((upload, parts))
    })
    .await?;
    let after = input.part_number_marker.unwrap_or(0);
    let limit = limit(input.max_parts)?;
    let mut rest = parts.into_iter().filter(|(number, _)| *number > after);
    let page: Vec<_> = rest.by_ref().take(limit).collect();
    let truncated = limit > 0 && rest.next().is_some();
    Ok(ListPartsOutput {
        is_truncated: Some(truncated),
        next_part_number_marker: page.last().map(|(number, _)| *number),
        parts: Some(page.into_iter().map(|(number, part)| listed_part(number, &part)).collect()),
        max_parts: i32::try_from(limit).ok(),
        part_number_marker: Some(after),
        checksum_algorithm: upload.record.algorithm.map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: upload.record.algorithm.map(|_| checksum_type(upload.record.composite)),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        ..ListPartsOutput::default()
    })
}

fn listed_part(number: i32, part: &super::parts::Part) -> s3s::dto::Part {
    let mut listed = s3s::dto::Part {
        part_number: Some(number),
        size: i64::try_from(part.size).ok(),
        last_modified: Some(part.modified.into()),
        e_tag: Some(strong(&part.etag())),
        ..s3s::dto::Part::default()
    };
    set_checksum!(listed, &part.checksum);
    listed
}

/// The bucket's uploads in progress. All of them are read for each page: there are few.
pub(super) async fn list_uploads(
    store: &Arc<Store>,
    input: ListMultipartUploadsInput,
) -> S3Result<ListMultipartUploadsOutput> {
    if input.delimiter.as_ref().is_some_and(|delimiter| !delimiter.is_empty()) {
        return Err(s3_error!(NotImplemented, "uploads are listed without a delimiter here"));
    }
    store.bucket(&input.bucket)?;
    let uploads = store.uploads(&input.bucket);
    let all = blocking(move || Upload::all(&uploads).map_err(failed("read the uploads"))).await?;
    let prefix = input.prefix.as_deref().unwrap_or_default();
    // The listing is ordered by key and then by time, so an upload is found again by its id, and a key by itself.
    let passed = all.iter().position(|upload| Some(&upload.id) == input.upload_id_marker.as_ref());
    let key_marker = input.key_marker.as_deref().unwrap_or_default();
    let first = passed.map_or_else(
        || all.partition_point(|upload| upload.record.key.as_str() <= key_marker && !key_marker.is_empty()),
        |at| at + 1,
    );
    let limit = limit(input.max_uploads)?;
    let mut rest = all.into_iter().skip(first).filter(|upload| upload.record.key.starts_with(prefix));
    let page: Vec<_> = rest.by_ref().take(limit).collect();
    let truncated = limit > 0 && rest.next().is_some();
    let last = page.last().filter(|_| truncated);
    Ok(ListMultipartUploadsOutput {
        is_truncated: Some(truncated),
        next_key_marker: last.map(|upload| upload.record.key.clone()),
        next_upload_id_marker: last.map(|upload| upload.id.clone()),
        uploads: Some(page.into_iter().map(listed_upload).collect()),
        common_prefixes: Some(Vec::<CommonPrefix>::new()),
        max_uploads: i32::try_from(limit).ok(),
        bucket: Some(input.bucket),
        key_marker: input.key_marker,
        upload_id_marker: input.upload_id_marker,
        prefix: input.prefix,
        ..ListMultipartUploadsOutput::default()
    })
}

fn listed_upload(upload: Upload) -> MultipartUpload {
    MultipartUpload {
        checksum_algorithm: upload.record.algorithm.map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
        checksum_type: upload.record.algorithm.map(|_| checksum_type(upload.record.composite)),
        initiated: Some(upload.record.initiated),
        key: Some(upload.record.key),
        upload_id: Some(upload.id),
        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
        ..MultipartUpload::default()
    }
}

fn limit(asked: Option<i32>) -> S3Result<usize> {
    let asked = asked.unwrap_or(MAX_ROWS);
    usize::try_from(asked.min(MAX_ROWS)).map_err(|_| s3_error!(InvalidArgument, "a page cannot have {asked} rows"))
}
