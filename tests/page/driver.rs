//! A browser without a window, driven over WebDriver (W3C, <https://www.w3.org/TR/webdriver2/>).

use crate::rosterd::{PATIENCE, lines};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A browser with one page.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// What the browser keeps.
    profile: tempfile::TempDir,
}

/// The Tab key, as WebDriver spells it.
pub(crate) const TAB: &str = "\u{e004}";

impl Browser {
    /// Starts one, with a window of so many pixels.
    pub(crate) fn start(width: u32, height: u32) -> Browser {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let (driver, port) = start_driver();
        let mut browser = Browser { driver, port, session: String::new(), profile };
        let arguments = [
            "--headless=new".to_owned(),
            // Tests may run as root, and in containers with little shared memory.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            "--hide-scrollbars".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", browser.profile.path().display()),
        ];
        let capabilities = json!({ "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } });
        let session = browser.post("/session", &json!({ "capabilities": capabilities }));
        browser.session = format!("/session/{}", session["sessionId"].as_str().expect("a session"));
        browser
    }

    /// Opens a page, and waits until it is loaded.
    pub(crate) fn open(&self, url: &str) {
        self.command("/url", &json!({ "url": url }));
    }

    /// What a function body returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.command("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until an expression is true.
    pub(crate) fn wait_until(&self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.run(&format!("return Boolean({expression})")) != json!(true) {
            assert!(Instant::now() < deadline, "{expression}: {}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The text of the page.
    pub(crate) fn text(&self) -> String {
        self.run("return document.body.innerText").as_str().expect("a text").to_owned()
    }

    /// Presses and releases keys.
    pub(crate) fn press(&self, keys: &str) {
        let keys = keys.chars().flat_map(|key| {
            [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]
        });
        let actions = json!([{ "type": "key", "id": "keys", "actions": keys.collect::<Vec<_>>() }]);
        self.command("/actions", &json!({ "actions": actions }));
    }

    /// A command of the browser's own protocol (Chrome DevTools).
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.command("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// What the browser complained about since this was last asked.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.command("/se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().expect("a list").iter();
        entries.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn command(&self, path: &str, body: &Value) -> Value {
        self.post(&format!("{}{path}", self.session), body)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("chromedriver");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        stream.write_all((head + &body).as_bytes()).expect("a sent command");
        let body = body_of(&mut BufReader::new(stream));
        let mut answer: Value = serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{path}: {body:?}"));
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].take()
    }
}

/// A driver, and the port that it took.
///
/// It looks for a port that is free for IPv4 and takes the same one for IPv6; where something else has that, which tests
/// side by side can bring about, it ends without a port. Then another one is started.
fn start_driver() -> (Child, u16) {
    let mut all_said = Vec::new();
    for _ in 0..STARTS {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver (Debian: chromium-driver)");
        let said = lines(driver.stdout.take().expect("a pipe"));
        while let Ok(line) = said.recv_timeout(PATIENCE) {
            if let Some((_, rest)) = line.split_once("successfully on port ") {
                let port = rest.trim_end_matches('.').parse().expect("a port");
                return (driver, port);
            }
            all_said.push(line);
        }
        let _ = driver.kill();
        let _ = driver.wait();
    }
    panic!("no port from chromedriver, which was started {STARTS} times: {all_said:#?}");
}

/// How often a driver is started that ends at once.
const STARTS: usize = 5;

/// The body of an answer. Its connection stays open, whatever was asked for.
fn body_of(answer: &mut impl BufRead) -> Vec<u8> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        answer.read_line(&mut line).expect("a line of the head");
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body).expect("a whole body");
    body
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) {
            // It ends its browsers first, also those that no session was told of. Killed, it would leave them behind.
            let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
            let _ = stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let _ = stream.read(&mut [0; 16]);
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while matches!(self.driver.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
