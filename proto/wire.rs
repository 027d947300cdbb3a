//! The JSON form.
