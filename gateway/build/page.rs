//! Embeds the page: writes a table of the files in `web/dist`, each as it is and compressed.
//!
//! Compressing is done here, once for each version of the page: a gateway starts with all forms ready, and what is committed
//! does not depend on the version of a compressor.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Writes the table, which `src/page.rs` includes.
pub(crate) fn embed() -> Result<(), Box<dyn Error>> {
    let dist = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../web/dist").canonicalize()?;
    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo:rerun-if-changed={}", dist.display());

    let mut table = String::from("&[\n");
    for (number, path) in files_in(&dist)?.iter().enumerate() {
        let content = fs::read(path)?;
        let (gzip, brotli) = (out_dir.join(format!("{number}.gz")), out_dir.join(format!("{number}.br")));
        fs::write(&gzip, gzipped(&content)?)?;
        fs::write(&brotli, brotlied(&content)?)?;
        writeln!(
            table,
            "File {{ path: {:?}, content_type: {:?}, plain: include_bytes!({path:?}), gzip: include_bytes!({gzip:?}), \
             brotli: include_bytes!({brotli:?}) }},",
            address(path.strip_prefix(&dist)?)?,
            content_type(path)?,
        )?;
    }
    table.push(']');
    fs::write(out_dir.join("page_files.rs"), table)?;
    Ok(())
}

/// All files in a folder and in those below it, in the order of their names.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut entries =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(files_in(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

/// Where the gateway serves a file.
fn address(relative: &Path) -> Result<String, Box<dyn Error>> {
    let names = relative.iter().map(|name| name.to_str().ok_or("a name that is not UTF-8"));
    let path = names.collect::<Result<Vec<_>, _>>()?.join("/");
    Ok(if path == "index.html" { "/".to_owned() } else { format!("/{path}") })
}

fn content_type(path: &Path) -> Result<&'static str, Box<dyn Error>> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("css") => Ok("text/css; charset=utf-8"),
        Some("html") => Ok("text/html; charset=utf-8"),
        Some("js") => Ok("text/javascript; charset=utf-8"),
        Some("svg") => Ok("image/svg+xml"),
        Some("txt") => Ok("text/plain; charset=utf-8"),
        _ => Err(format!("{}: this build script does not know its content type", path.display()).into()),
    }
}

fn gzipped(content: &[u8]) -> Result<Vec<u8>, std::io::Error> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

fn brotlied(mut content: &[u8]) -> Result<Vec<u8>, std::io::Error> {
    let mut compressed = Vec::new();
    let params = BrotliEncoderParams { quality: 11, size_hint: content.len(), ..BrotliEncoderParams::default() };
    brotli::BrotliCompress(&mut content, &mut compressed, &params)?;
    Ok(compressed)
}
