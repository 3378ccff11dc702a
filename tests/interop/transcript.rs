//! What look-up programs print. dig, kdig and drill share one form: a header line, flags, and sections of records in
//! presentation form.

use std::process::Command;

/// A printed answer.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    pub(crate) rcode: String,
    /// Lower case: `qr`, `aa`, …
    pub(crate) flags: Vec<String>,
    pub(crate) answer: Vec<PrintedRecord>,
    pub(crate) authority: Vec<PrintedRecord>,
    pub(crate) additional: Vec<PrintedRecord>,
}

/// A printed record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PrintedRecord {
    pub(crate) owner: String,
    pub(crate) ttl: u32,
    pub(crate) record_type: String,
    /// Without quotes; an SOA's serial as `SERIAL`.
    pub(crate) data: String,
}

impl Transcript {
    /// Runs a look-up program and reads what it prints. Panics when it is missing, fails, or prints no answer.
    pub(crate) fn of(command: &mut Command) -> Transcript {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
        let transcript = Transcript::parse(&text);
        assert!(!transcript.rcode.is_empty(), "{command:?} printed no answer:\n{text}");
        transcript
    }

    fn parse(text: &str) -> Transcript {
        let mut transcript = Transcript::default();
        let mut section = "";
        for line in text.lines() {
            let lower = line.to_lowercase();
            if let Some(header) = lower.strip_prefix(";; ->>header<<-") {
                let status = header
                    .split([',', ';'])
                    .map(str::trim)
                    .find_map(|part| part.strip_prefix("status: ").or_else(|| part.strip_prefix("rcode: ")));
                status.unwrap_or("").to_uppercase().clone_into(&mut transcript.rcode);
            } else if let Some(flags) = lower.strip_prefix(";; flags:") {
                let flags = flags.split(';').next().unwrap_or("");
                transcript.flags = flags.split_whitespace().map(str::to_owned).collect();
            } else if lower.starts_with(";; ") && lower.contains(" section") {
                section = match lower.split_whitespace().nth(1) {
                    Some("answer") => "answer",
                    Some("authority") => "authority",
                    Some("additional") => "additional",
                    _ => "",
                };
            } else if let Some(record) = PrintedRecord::parse(line) {
                match section {
                    "answer" => transcript.answer.push(record),
                    "authority" => transcript.authority.push(record),
                    "additional" => transcript.additional.push(record),
                    _ => panic!("a record outside of sections: {line}"),
                }
            }
        }
        transcript
    }

    pub(crate) fn has_flag(&self, flag: &str) -> bool {
        self.flags.iter().any(|seen| seen == flag)
    }

    /// The data of the answer section, sorted.
    pub(crate) fn data(&self) -> Vec<String> {
        let mut data: Vec<String> = self.answer.iter().map(|record| record.data.clone()).collect();
        data.sort();
        data
    }
}

impl PrintedRecord {
    /// Reads `owner ttl IN type data…`; `None` for comments and empty lines.
    fn parse(line: &str) -> Option<PrintedRecord> {
        if line.starts_with(';') {
            return None;
        }
        let mut words = line.split_whitespace();
        let owner = words.next()?.to_owned();
        let ttl = words.next()?.parse().ok()?;
        let ("IN", record_type) = (words.next()?, words.next()?) else { return None };
        let mut data: Vec<&str> = words.map(|word| word.trim_matches('"')).collect();
        if record_type == "SOA"
            && let Some(serial) = data.get_mut(2)
        {
            *serial = "SERIAL";
        }
        Some(PrintedRecord { owner, ttl, record_type: record_type.to_owned(), data: data.join(" ") })
    }
}
