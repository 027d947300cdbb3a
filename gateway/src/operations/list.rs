//! Listings of operations, page by page.

use std::ops::Range;

use compute_operations::log::Query;
use compute_proto::v1::{ListOperationsRequest, ListOperationsResponse};
use compute_proto::validate::FieldViolation;
use time::{Date, Month};
use tokio::time::timeout_at;
use tonic::Status;

use super::Operations;
use super::description::{View, logged};
use super::page_token::{self, Of};
use crate::calls::Admitted;
use crate::status;

/// The operations of a page whose size the caller leaves open.
const DEFAULT_PAGE_SIZE: usize = 50;

/// The most operations of a page.
const MAX_PAGE_SIZE: usize = 100;

impl Operations {
    /// Lists a tenant's operations.
    pub(crate) async fn list(
        &self,
        admitted: Admitted,
        tenant: Option<&str>,
        request: &ListOperationsRequest,
    ) -> Result<ListOperationsResponse, Status> {
        let operation = status::Operation { id: admitted.id, finish_late: None };
        let of = Of { tenant, day: &request.day };
        let query = query(request, of).map_err(|violations| status::invalid_request(violations, operation))?;
        let _place = self.place(tenant, operation)?;
        let page = timeout_at(admitted.deadline, self.log.list(&query)).await;
        let page = page.map_err(|_elapsed| status::deadline_exceeded(operation))?;
        let page = page.map_err(|error| status::from_log_error(&error, operation))?;
        if page.damaged > 0 {
            tracing::warn!(damaged = page.damaged, "a page of the log leaves out what cannot be read");
        }
        let last = page.records.last().filter(|_| page.has_more).map(|record| record.id);
        Ok(ListOperationsResponse {
            operations: page.records.into_iter().map(|record| logged(record, View::Listed)).collect(),
            next_page_token: last.map(|last| page_token::write(last, of)).unwrap_or_default(),
        })
    }
}

fn query(request: &ListOperationsRequest, of: Of<'_>) -> Result<Query, Vec<FieldViolation>> {
    let ListOperationsRequest { page_size, page_token, day } = request;
    let mut violations = Vec::new();
    let mut violated = |field: &str, description: String| {
        violations.push(FieldViolation { field: field.to_owned(), description });
    };
    let limit = match usize::try_from(*page_size) {
        Ok(0) => DEFAULT_PAGE_SIZE,
        Ok(size) => size.min(MAX_PAGE_SIZE),
        Err(_) => {
            violated("page_size", format!("{page_size} operations were asked for, 1 to {MAX_PAGE_SIZE} are allowed"));
            0
        }
    };
    let date = (!day.is_empty()).then(|| date(day)).flatten();
    let is_day_wrong = date.is_none() && !day.is_empty();
    if is_day_wrong {
        violated("day", "a day such as 2026-11-24 is wanted".to_owned());
    }
    let before = (!page_token.is_empty()).then(|| page_token::read(page_token, of)).transpose();
    match before {
        Ok(before) if violations.is_empty() => {
            Ok(Query { tenant: of.tenant.map(str::to_owned), day: date, before, limit })
        }
        Ok(_) => Err(violations),
        // A token of another day than a wrong one is no fault of its own.
        Err(violation) => {
            if !is_day_wrong {
                violations.push(violation);
            }
            Err(violations)
        }
    }
}

/// Reads `YYYY-MM-DD`, and nothing but that.
fn date(day: &str) -> Option<Date> {
    let (digits, hyphens): (Vec<_>, Vec<_>) = day.char_indices().partition(|(at, _)| ![4, 7].contains(at));
    if day.len() != 10 || !digits.iter().all(|(_, c)| c.is_ascii_digit()) || !hyphens.iter().all(|(_, c)| *c == '-') {
        return None;
    }
    let number = |range: Range<usize>| day.get(range)?.parse::<u16>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF: Of<'static> = Of { tenant: None, day: "" };

    fn request(page_size: i32, day: &str, page_token: &str) -> ListOperationsRequest {
        ListOperationsRequest { page_size, page_token: page_token.to_owned(), day: day.to_owned() }
    }

    #[test]
    fn a_page_has_50_operations_unless_asked_for_and_never_more_than_100() {
        for (asked, limit) in [(0, 50), (1, 1), (99, 99), (100, 100), (101, 100), (i32::MAX, 100)] {
            assert_eq!(query(&request(asked, "", ""), OF).map(|query| query.limit), Ok(limit));
        }
    }

    #[test]
    fn every_field_out_of_its_range_is_named() {
        let fields = |request: &ListOperationsRequest| {
            let violations = query(request, Of { day: &request.day, ..OF }).expect_err("refused");
            violations.into_iter().map(|violation| violation.field).collect::<Vec<_>>()
        };
        assert_eq!(fields(&request(-1, "", "")), ["page_size"]);
        assert_eq!(fields(&request(i32::MIN, "", "x")), ["page_size", "page_token"]);
        assert_eq!(fields(&request(-1, "today", "")), ["page_size", "day"]);
    }

    #[test]
    fn a_day_is_read_strictly() {
        let days = ["2026-11-24", "2024-02-29", "0000-01-01", "9999-12-31"];
        assert!(days.iter().all(|day| date(day).is_some_and(|date| date.to_string() == *day)));
        for bad in [
            "2026-11-24 ",
            "2026-1-24",
            "2026-11-31",
            "2025-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-11-00",
            "26-11-24",
            "20261124",
            "2026/11/24",
            "+026-11-24",
            "-026-11-24",
            "2026-11-2４",
            "2026-11-é",
            "２０26-11-24",
            "today",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }
}
