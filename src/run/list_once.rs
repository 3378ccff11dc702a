//! The cluster, listed once: what `check` and `zone` show.

use super::cluster::{ClusterError, connection, options, watches};
use super::pipeline::Pipeline;
use crate::config::Settings;
use crate::source::kubernetes::{self, Batch, ConnectError, Health, Report, WatchHealth};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::runtime::Builder;

/// How long everything may take. A person waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether the watches have come to something: what a person does not notice.
const LOOK: Duration = Duration::from_millis(10);

/// Lists everything once into the pipeline, and publishes it. Waits until each watch is complete and was accepted, which
/// takes the right to watch as well, or has failed. Returns what was odd.
pub(super) fn list_once(settings: &Settings, pipeline: &mut Pipeline) -> Result<Vec<String>, ClusterError> {
    let Some(connection) = connection(settings) else { return Ok(Vec::new()) };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let plans = watches(settings);
    let health = Health::new(&plans);
    let told = RefCell::new(Told::default());
    runtime.block_on(async {
        let (client, server) = connection.client().await?;
        let options = options(&settings.kubernetes);
        let watching = kubernetes::run(client, plans, options, health.clone(), |batch| {
            let Batch { events, reports, .. } = batch;
            pipeline.take(events);
            told.borrow_mut().take(reports, &server);
            ControlFlow::Continue(())
        });
        let settled = async {
            while !health
                .watches()
                .iter()
                .all(|watch| is_complete(watch) || told.borrow().is_failure_of(watch))
            {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            () = watching => {}
            () = settled => {}
            () = tokio::time::sleep(PATIENCE) => {}
        }
        Ok::<_, ConnectError>(())
    })?;
    // A program that gives credentials must not hold the result up.
    runtime.shutdown_background();
    let Told { failures, empty, mut notices } = told.into_inner();
    let incomplete = health.watches().into_iter().filter(|watch| !is_complete(watch));
    let lines = incomplete.map(|watch| {
        let title = watch.plan.to_string();
        let silent = || format!("{title}: the list is not complete after {} s", PATIENCE.as_secs());
        failures.get(&*title).cloned().unwrap_or_else(silent)
    });
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        return Err(ClusterError::Lists(lines));
    }
    pipeline.publish();
    let watches = health.watches().into_iter().map(|watch| watch.plan);
    let empty = watches.filter(|plan| empty.contains(&*plan.to_string()));
    notices.extend(
        empty.map(|plan| format!("there are no {}; does `{}` show any?", plan.in_full(), plan.kubectl())),
    );
    Ok(notices)
}

fn is_complete(watch: &WatchHealth) -> bool {
    watch.synced && watch.watches > 0
}

/// What has been reported.
#[derive(Debug, Default)]
struct Told {
    /// The last failure of each watch, by its title.
    failures: BTreeMap<Box<str>, String>,
    /// The watches that found no object, by their titles: a namespace or a label may be misspelled.
    empty: BTreeSet<Box<str>>,
    /// What is odd about objects.
    notices: Vec<String>,
}

impl Told {
    fn take(&mut self, reports: Vec<Report>, server: &str) {
        for report in reports {
            match &report {
                // Nothing is tried again here.
                Report::Forbidden { watch, .. } => {
                    self.failures.insert(watch.clone(), format!("{report:#}"));
                }
                Report::Failing { watch, .. } => {
                    let line = format!("{report:#}; the API server is {server}");
                    self.failures.insert(watch.clone(), line);
                }
                Report::Synced { watch, objects: 0 } => {
                    self.empty.insert(watch.clone());
                }
                _ if report.is_warning() => self.notices.push(report.to_string()),
                _ => {}
            }
        }
    }

    fn is_failure_of(&self, watch: &WatchHealth) -> bool {
        self.failures.contains_key(&*watch.plan.to_string())
    }
}
