//! Which request an operation id that a caller chose belongs to.
//!
//! A gateway claims such an id before it sends the request: a create-only PUT of a small object with the request's digest. Of
//! two gateways that get the same id at once one makes the object, and the other reads it. So it is decided before any work
//! whether a call repeats a request or takes the id of another one, whatever the mode of the log and the language of the
//! worker. Ids that gateways make need no claim.
//!
//! A claim says nothing of whether the request was ever sent: its gateway may have died in between.
//!
//! Claims may go by a lifecycle rule some time after the 24 hours in which an id can be new.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::bucket::{Bucket, BucketError, Content, Created};
use crate::key::{self, KeyError};

/// What becomes of an id that is claimed for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is the request's from now on.
    New,
    /// It was the request's before: the call is repeated.
    Repeated,
    /// It belongs to another request.
    Taken,
}

/// Why an id cannot be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// There is no place for it.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// S3 cannot be asked.
    #[error(transparent)]
    Bucket(#[from] BucketError),
}

/// The content of a claim's object.
#[derive(Debug, Serialize, Deserialize)]
struct Claimed {
    digest: String,
}

/// How often it is asked who has an id, should its claim go in the moment it is looked at.
const ATTEMPTS: u32 = 3;

/// Claims a tenant's operation id for the request with this digest.
///
/// # Errors
///
/// See [`ClaimError`].
pub async fn claim(bucket: &Bucket, tenant: Option<&str>, id: Uuid, digest: &str) -> Result<Claim, ClaimError> {
    let key = key::claim(tenant, id)?;
    let content = serde_json::to_vec(&Claimed { digest: digest.to_owned() }).expect("a string serializes");
    for _ in 0..ATTEMPTS {
        if bucket.create(&key, Content::JSON, content.clone().into()).await? == Created::New {
            return Ok(Claim::New);
        }
        if let Some(owner) = read(bucket, &key).await? {
            return Ok(if owner.is(digest) { Claim::Repeated } else { Claim::Taken });
        }
    }
    Ok(Claim::Taken)
}

/// Whose a claimed id is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The digest of its request. None: the claim cannot be read, and belongs to nobody's request.
    digest: Option<String>,
}

impl Owner {
    /// Whether the id belongs to the request with this digest.
    pub fn is(&self, digest: &str) -> bool {
        self.digest.as_deref() == Some(digest)
    }
}

/// Looks whose a tenant's operation id is, without claiming it; none if nobody has claimed it.
///
/// # Errors
///
/// See [`ClaimError`].
pub async fn owner(bucket: &Bucket, tenant: Option<&str>, id: Uuid) -> Result<Option<Owner>, ClaimError> {
    Ok(read(bucket, &key::claim(tenant, id)?).await?)
}

async fn read(bucket: &Bucket, key: &str) -> Result<Option<Owner>, BucketError> {
    let Some(claimed) = bucket.get(key).await? else { return Ok(None) };
    let claimed = serde_json::from_slice::<Claimed>(&claimed).ok();
    Ok(Some(Owner { digest: claimed.map(|claimed| claimed.digest) }))
}
