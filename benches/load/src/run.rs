//! What one run of a generator gave, and how the server's CPU time makes figures of it.

use crate::latency::Latency;
use crate::process::CpuTime;
use std::time::Duration;

/// Who asks, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// Connections that are asked again as answers come.
    Pipelined,
    /// A connection for each question.
    OneQuery,
}

/// How a server is asked.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub duration: Duration,
    /// Questions under way in total.
    pub window: usize,
    /// Questions per second, where they are not to be asked as fast as answers come.
    pub rate: Option<f64>,
}

/// What one run gave.
#[derive(Default)]
pub struct Run {
    pub answers: u64,
    /// Answers with another header than expected, or to nothing that was asked.
    pub wrong: u64,
    pub lost: u64,
    /// Octets of all answers.
    pub octets: u64,
    pub elapsed: Duration,
    pub latency: Latency,
}

/// One run, as figures.
pub struct Figures {
    pub per_second: f64,
    /// Microseconds of server CPU per answer.
    pub user: f64,
    pub system: f64,
    /// Mean octets of an answer.
    pub octets: f64,
    /// Questions without answer, of 1.
    pub lost: f64,
    pub latency: Latency,
}

impl Run {
    /// Says why this run measured something else than answers.
    pub fn check(&self) -> Result<(), String> {
        if self.answers == 0 {
            return Err("no answers".to_string());
        }
        if self.wrong > 0 {
            return Err(format!("{} of {} answers are not as expected", self.wrong, self.answers));
        }
        if self.lost * 100 > self.answers {
            return Err(format!("{} questions without answer, {} answers", self.lost, self.answers));
        }
        Ok(())
    }

    /// The figures, with the CPU time of the server before and after.
    pub fn figures(self, before: CpuTime, after: CpuTime) -> Figures {
        let answers = self.answers as f64;
        Figures {
            per_second: answers / self.elapsed.as_secs_f64(),
            user: (after.user - before.user) * 1e6 / answers,
            system: (after.system - before.system) * 1e6 / answers,
            octets: self.octets as f64 / answers,
            lost: self.lost as f64 / (answers + self.lost as f64),
            latency: self.latency,
        }
    }
}

impl Figures {
    /// Microseconds of server CPU per answer.
    pub fn cpu(&self) -> f64 {
        self.user + self.system
    }
}

/// The middle value; of two the upper.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
