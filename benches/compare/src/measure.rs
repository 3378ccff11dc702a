//! The rounds: each asks every server every shape once, so that what slows the machine down slows down all of them.

use crate::answers::{self, Content};
use load::Failure;
use load::process::Server;
use load::questions::Shape;
use load::run::{Figures, Load, Transport};
use std::time::{Duration, Instant};

/// Questions of each shape whose answers are compared before anything is measured.
const COMPARED: usize = 64;

/// How often a run is repeated that has lost too much or has no answers: another program had the CPU all that time.
const ATTEMPTS: usize = 5;

/// How long a server must do nothing to be at rest, and how long that is waited for at most.
const REST: Duration = Duration::from_millis(60);
const REST_WITHIN: Duration = Duration::from_secs(10);

/// What runs and is measured.
pub struct Candidate {
    pub name: &'static str,
    pub version: String,
    pub server: Server,
}

/// One shape over one transport.
pub struct Subject {
    pub shape: Shape,
    pub transport: Transport,
    /// By candidate: one figure per round, empty where its answers are not those of rosterd.
    pub figures: Vec<Vec<Figures>>,
    /// By candidate: in what its answers differ.
    pub differences: Vec<Vec<&'static str>>,
    /// The echo's figures, one per round; none for TCP.
    pub floor: Vec<Figures>,
}

impl Subject {
    pub fn new(shape: Shape, transport: Transport) -> Subject {
        Subject { shape, transport, figures: Vec::new(), differences: Vec::new(), floor: Vec::new() }
    }

    pub fn label(&self) -> String {
        let transport = match self.transport {
            Transport::Udp => "UDP",
            Transport::Pipelined => "TCP, pipelined",
            Transport::OneQuery => "TCP, one query per connection",
        };
        format!("{}, {transport}", self.shape.label)
    }

    /// Compares the answers of all candidates with those of the first.
    pub fn compare(&mut self, candidates: &[Candidate]) -> Result<(), Failure> {
        let (ours, _) = candidates.split_first().ok_or("nobody to compare")?;
        let step = self.shape.questions.len() / COMPARED;
        let questions: Vec<&Vec<u8>> = self.shape.questions.iter().step_by(step.max(1)).collect();
        let mut expected = Vec::new();
        for question in &questions {
            expected.push(content(ours, question)?);
        }
        for candidate in candidates {
            let mut differences = Vec::new();
            for (question, expected) in questions.iter().zip(&expected) {
                for difference in answers::difference(expected, &content(candidate, question)?) {
                    if !differences.contains(&difference) {
                        differences.push(difference);
                    }
                }
            }
            self.differences.push(differences);
            self.figures.push(Vec::new());
        }
        Ok(())
    }

    /// One round.
    pub fn round(
        &mut self,
        candidates: &[Candidate],
        echo: &Server,
        round: usize,
        load: &Load,
    ) -> Result<(), Failure> {
        if self.transport == Transport::Udp {
            let unchecked = Shape { label: "echo", questions: self.shape.questions.clone(), answer: None };
            self.floor.push(measure(echo, &unchecked, self.transport, load)?);
        }
        // Each round begins with another: none is always the one behind the largest.
        for turn in 0..candidates.len() {
            let index = (turn + round) % candidates.len();
            if self.is_comparable(index) {
                let candidate = &candidates[index];
                let figures = measure(&candidate.server, &self.shape, self.transport, load)
                    .map_err(|error| format!("{}, {}: {error}", candidate.name, self.label()))?;
                self.figures[index].push(figures);
                come_to_rest(&candidate.server)?;
            }
        }
        Ok(())
    }

    /// More or fewer RRs beside the answer are said in the table; another answer is no comparison.
    fn is_comparable(&self, candidate: usize) -> bool {
        !self.differences[candidate].iter().any(|what| ["RCODE", "TC", "answer section"].contains(what))
    }
}

fn content(candidate: &Candidate, question: &[u8]) -> Result<Content, Failure> {
    let message = answers::ask(candidate.server.address, question)
        .map_err(|error| format!("{} gives no answer: {error}", candidate.name))?;
    answers::read(&message).ok_or_else(|| format!("{} gives an answer that is broken", candidate.name).into())
}

/// Waits until the server has answered what it was still asked: all share one CPU, and a slow one would take it from whoever
/// is measured next.
fn come_to_rest(server: &Server) -> Result<(), Failure> {
    // Times have a resolution of 10 ms.
    const TICK: f64 = 0.015;
    let until = Instant::now() + REST_WITHIN;
    loop {
        let before = server.cpu_time()?;
        std::thread::sleep(REST);
        let after = server.cpu_time()?;
        let spent = after.user + after.system - before.user - before.system;
        if spent < TICK || Instant::now() > until {
            return Ok(());
        }
    }
}

fn measure(server: &Server, shape: &Shape, transport: Transport, load: &Load) -> Result<Figures, Failure> {
    let mut failure = String::new();
    for _ in 0..ATTEMPTS {
        let before = server.cpu_time()?;
        let run = load::ask(server.address, shape, transport, load)?;
        let after = server.cpu_time()?;
        match run.check() {
            Ok(()) => return Ok(run.figures(before, after)),
            Err(error) => failure = error,
        }
    }
    Err(failure.into())
}
