//! What is made of other sources before the gateway is compiled.

mod api;
mod page;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    api::generate()?;
    page::embed()
}
