//! A responder for a few pages: HTTP/1.1, one answer a connection. Whoever connects costs a thread for some seconds and
//! some kilobytes at most, and cannot make it do anything but answer.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The longest request that is read.
const REQUEST: usize = 8 << 10;
/// A connection's whole life.
const LIFE: Duration = Duration::from_secs(5);
/// Connections at once; further ones are closed.
const AT_ONCE: usize = 16;
/// After an answer, what the other side still sends is read for so long: closing at once could destroy the answer.
const FAREWELL: Duration = Duration::from_millis(500);

/// An answer.
pub struct Page {
    /// The number and its name.
    pub status: &'static str,
    /// The type of the body.
    pub kind: &'static str,
    /// The body.
    pub body: String,
}

impl Page {
    /// A line of text.
    pub fn text(status: &'static str, line: &str) -> Page {
        Page { status, kind: "text/plain; charset=utf-8", body: format!("{line}\n") }
    }
}

/// What is at a path; none if nothing is.
pub type Pages = dyn Fn(&str) -> Option<Page> + Send + Sync;

/// Answers whoever connects, on threads of its own, until the process ends.
///
/// # Errors
/// If the system has no thread.
pub fn serve(listener: TcpListener, pages: Arc<Pages>) -> Result<()> {
    let open = Arc::new(AtomicUsize::new(0));
    let accept = move || {
        loop {
            let Ok((stream, _)) = listener.accept() else {
                // out of descriptors, say: not a reason to spin or to stop
                std::thread::sleep(Duration::from_millis(100));
                continue;
            };
            let place = Place::take(&open);
            let pages = Arc::clone(&pages);
            if let Some(place) = place {
                // without a thread the connection is closed, as beyond the limit
                let _ = std::thread::Builder::new().name("http".into()).spawn(move || {
                    let _ = answer(stream, &*pages);
                    drop(place);
                });
            }
        }
    };
    std::thread::Builder::new().name("http accept".into()).spawn(accept).map(drop)
}

/// One of the connections at once.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(open: &Arc<AtomicUsize>) -> Option<Place> {
        let place = Place(Arc::clone(open));
        (open.fetch_add(1, Ordering::SeqCst) < AT_ONCE).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A stream whose operations all end by a moment.
struct Timed {
    stream: TcpStream,
    until: Instant,
}

impl Timed {
    fn left(&self) -> Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        // a timeout of zero would mean none
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, buffer: &[u8]) -> Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> Result<()> {
        self.stream.flush()
    }
}

/// Reads a request and answers it.
fn answer(stream: TcpStream, pages: &Pages) -> Result<()> {
    let mut stream = Timed { stream, until: Instant::now() + LIFE };
    let (page, body) = match request(&mut stream)? {
        Some(head) => respond(&head, pages),
        None => (Page::text("431 Request Header Fields Too Large", "the request is too long"), true),
    };
    let Page { status, kind, body: text } = page;
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    stream.write_all(head.as_bytes())?;
    if body {
        stream.write_all(text.as_bytes())?;
    }
    stream.stream.shutdown(Shutdown::Write)?;
    stream.until = stream.until.min(Instant::now() + FAREWELL);
    let mut rest = [0; 1024];
    while stream.read(&mut rest)? > 0 {}
    Ok(())
}

/// The request up to its empty line; none if that does not come within the limit.
fn request(stream: &mut impl Read) -> Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while head.len() < REQUEST {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&buffer[..count]);
        if head.windows(4).any(|four| four == b"\r\n\r\n") {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

/// The answer, and whether its body is sent: it is not for HEAD.
fn respond(head: &[u8], pages: &Pages) -> (Page, bool) {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let words: Vec<&str> =
        std::str::from_utf8(line).map(|line| line.split(' ').collect()).unwrap_or_default();
    let [method, target, version] = words[..] else {
        return (Page::text("400 Bad Request", "not a request"), true);
    };
    if !version.starts_with("HTTP/1.") {
        return (Page::text("505 HTTP Version Not Supported", "HTTP/1.1 is spoken here"), true);
    }
    if !["GET", "HEAD"].contains(&method) {
        return (Page::text("405 Method Not Allowed", "pages can be read: GET"), true);
    }
    let path = target.split('?').next().unwrap_or_default();
    let page = pages(path).unwrap_or_else(|| Page::text("404 Not Found", "there is /metrics and /healthz"));
    (page, method == "GET")
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn started() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let pages = |path: &str| match path {
            "/a" => Some(Page::text("200 OK", "here")),
            "/panic" => panic!("a page that fails"),
            _ => None,
        };
        serve(listener, Arc::new(pages)).unwrap();
        address
    }

    fn ask(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(2 * LIFE)).unwrap();
        let _ = stream.write_all(request); // it may be closed already
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    #[test]
    fn requests_and_their_answers() {
        let address = started();
        let longest = format!("GET /a HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(REQUEST - 30));
        let longer = format!("GET /a HTTP/1.1\r\nx: {}", "y".repeat(REQUEST));
        for (request, status, body) in [
            ("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK", "here\n"),
            ("GET /a?b=c HTTP/1.0\r\n\r\n", "200 OK", "here\n"),
            (&longest, "200 OK", "here\n"),
            ("HEAD /a HTTP/1.1\r\n\r\n", "200 OK", ""),
            ("GET /b HTTP/1.1\r\n\r\n", "404 ", "there is /metrics and /healthz\n"),
            ("GET /a/../b HTTP/1.1\r\n\r\n", "404 ", "there is /metrics and /healthz\n"),
            ("POST /a HTTP/1.1\r\n\r\n", "405 ", "pages can be read: GET\n"),
            ("GET /a SPDY\r\n\r\n", "505 ", "HTTP/1.1 is spoken here\n"),
            ("nonsense\r\n\r\n", "400 ", "not a request\n"),
            ("\r\n\r\n", "400 ", "not a request\n"),
            (&longer, "431 ", "the request is too long\n"),
        ] {
            let answer = ask(address, request.as_bytes());
            let (head, got) =
                answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{request:.40}: {answer:?}"));
            assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{request:.40}: {head}");
            assert_eq!(got, body, "{request:.40}");
            let whole = if status == "200 OK" { "here\n" } else { body };
            assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", whole.len())), "{head}");
        }
        assert!(ask(address, b"\xff\xfe \x00\r\n\r\n").starts_with("HTTP/1.1 400 "));
    }

    #[test]
    fn any_request_has_an_answer() {
        let (request, pages) = (b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", |_: &str| None);
        for position in 0..request.len() {
            for byte in 0..=255 {
                let mut damaged = request.to_vec();
                damaged[position] = byte;
                for head in [&damaged[..], &damaged[..position], &damaged[position..]] {
                    let (page, _) = respond(head, &pages);
                    assert!(page.status.starts_with(['4', '5']), "{}", page.status);
                }
            }
        }
    }

    #[test]
    fn the_slow_and_the_silent_do_not_keep_others_waiting() {
        let address = started();
        let idle: Vec<TcpStream> = (0..AT_ONCE / 2).map(|_| TcpStream::connect(address).unwrap()).collect();
        let begun = Instant::now();
        assert!(ask(address, b"GET /a HTTP/1.1\r\n\r\n").contains("here"));
        assert!(begun.elapsed() < LIFE / 2);
        // and in the end are closed, also one that sends a byte now and then
        let mut drip = &idle[0];
        drip.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut closed = false;
        while !closed && begun.elapsed() < 4 * LIFE {
            let _ = drip.write_all(b"x");
            closed = match drip.read(&mut [0]) {
                Ok(count) => count == 0,
                Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            };
        }
        assert!(closed && begun.elapsed() < 2 * LIFE, "{:?}", begun.elapsed());
    }

    #[test]
    fn beyond_the_limit_connections_are_closed_until_others_end() {
        let address = started();
        let mut idle: Vec<TcpStream> = (0..AT_ONCE).map(|_| TcpStream::connect(address).unwrap()).collect();
        let refused = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            ask(address, b"GET /a HTTP/1.1\r\n\r\n").is_empty()
        });
        assert!(refused);
        idle.clear();
        let served = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            ask(address, b"GET /a HTTP/1.1\r\n\r\n").contains("here")
        });
        assert!(served);
    }

    #[test]
    fn a_page_that_fails_costs_its_own_answer_only() {
        let address = started();
        for _ in 0..2 * AT_ONCE {
            assert_eq!(ask(address, b"GET /panic HTTP/1.1\r\n\r\n"), "");
        }
        assert!(ask(address, b"GET /a HTTP/1.1\r\n\r\n").contains("here"));
    }
}
