//! How many calls may wait at once for S3, or for somebody else's answer.
//!
//! The requester bounds the calls that wait for a reply of their own. These wait for other things, and are bounded alike.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use sqs_rpc::CallError;

/// The places for calls that wait. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    limit_per_tenant: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Only tenants that have a place are in it.
    of_tenant: HashMap<String, usize>,
}

/// A place. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Place {
    tenant: Option<String>,
    places: Places,
}

impl Places {
    pub(crate) fn new(limit: usize, limit_per_tenant: usize) -> Self {
        Self(Arc::new(Shared { limit, limit_per_tenant, taken: Mutex::default() }))
    }

    /// A place, if there is one.
    ///
    /// # Errors
    ///
    /// [`CallError::TooManyInFlight`], [`CallError::TooManyOfTenant`].
    pub(crate) fn take(&self, tenant: Option<&str>) -> Result<Place, CallError> {
        let Shared { limit, limit_per_tenant, .. } = *self.0;
        let mut taken = self.lock();
        if taken.all >= limit {
            return Err(CallError::TooManyInFlight { limit });
        }
        if let Some(tenant) = tenant {
            let of_tenant = taken.of_tenant.get(tenant).copied().unwrap_or(0);
            if of_tenant >= limit_per_tenant {
                return Err(CallError::TooManyOfTenant { limit: limit_per_tenant });
            }
            taken.of_tenant.insert(tenant.to_owned(), of_tenant + 1);
        }
        taken.all += 1;
        Ok(Place { tenant: tenant.map(str::to_owned), places: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().expect("no code panics while it holds the lock")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        if let Some(tenant) = &self.tenant
            && let Some(of_tenant) = taken.of_tenant.get_mut(tenant)
        {
            *of_tenant -= 1;
            if *of_tenant == 0 {
                taken.of_tenant.remove(tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_places_as_there_may_be_and_each_tenant_has_its_share() {
        let places = Places::new(3, 2);
        let noisy = [places.take(Some("noisy")).expect("free"), places.take(Some("noisy")).expect("free")];
        assert!(matches!(places.take(Some("noisy")), Err(CallError::TooManyOfTenant { limit: 2 })));
        let quiet = places.take(Some("quiet")).expect("free");
        assert!(matches!(places.take(None), Err(CallError::TooManyInFlight { limit: 3 })));
        drop((noisy, quiet));
        assert!(places.lock().of_tenant.is_empty());
        let _anonymous =
            [(); 3].map(|()| places.take(None).expect("calls without a tenant have no share of their own"));
    }
}
