//! What is made of other sources before the gateway is compiled.

#[path = "build/api.rs"]
mod api;
#[path = "build/page.rs"]
mod page;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    api::generate()?;
    page::embed()
}
