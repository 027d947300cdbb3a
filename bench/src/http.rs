//! Plain HTTP/1.1 GET requests of the ports for operators.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, ToSocketAddrs};

use crate::BoxError;

/// The body of the answer to a GET of this path; an answer other than 200 is an error.
pub(crate) async fn get(address: impl ToSocketAddrs, path: &str) -> Result<String, BoxError> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(body.to_owned()),
        _ => Err(format!("GET {path} is answered {:?}", answer.lines().next().unwrap_or_default()).into()),
    }
}
