//! Why a name is answered as it is: its records, and who is behind them or not.

use super::json::{EntryJson, PeerJson, SetJson, Word};
use super::state::{NoAnswer, State};
use super::world::LookUpError;
use crate::roster::{ExplainPass, Explained};
use serde::{Deserialize, Serialize};

/// Peers that are told.
const PEERS_MAX: usize = 1000;

/// Records that are told.
const RECORDS_MAX: usize = 1000;

/// What a name is answered with, and from what.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Explanation {
    /// The whole name.
    pub(crate) name: String,
    /// The zone that it falls into.
    pub(crate) zone: Option<String>,
    pub(crate) serial: Option<u32>,
    /// The response code.
    pub(crate) rcode: Word,
    /// Why.
    pub(crate) why: String,
    /// Whether that may be old.
    pub(crate) stale: bool,
    pub(crate) records: Vec<RecordJson>,
    /// How many more there are.
    pub(crate) more_records: usize,
    /// The sets that the name is about, with those of their peers that it is about.
    pub(crate) sets: Vec<SetPeersJson>,
    /// What objects say of the name's address that belong to no set.
    pub(crate) others: Vec<EntryJson>,
    /// Whether there are more of these.
    pub(crate) more_peers: bool,
}

/// A record.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RecordJson {
    #[serde(rename = "type")]
    pub(crate) record_type: Word,
    pub(crate) ttl: u32,
    pub(crate) data: String,
}

/// A set, and peers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SetPeersJson {
    #[serde(flatten)]
    pub(crate) set: SetJson,
    pub(crate) peers: Vec<PeerJson>,
}

/// Why nothing is explained.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoExplanation {
    /// The question is wrong.
    #[error(transparent)]
    Asked(#[from] LookUpError),
    /// Nobody may be asked.
    #[error(transparent)]
    Unanswered(#[from] NoAnswer),
}

impl Explanation {
    /// How much is told at most: records, and peers.
    pub(crate) const MOST: (usize, usize) = (RECORDS_MAX, PEERS_MAX);

    /// A name, as the running server has it.
    pub(super) async fn of(
        state: &State,
        asked: &str,
        record_type: Option<&str>,
    ) -> Result<Explanation, NoExplanation> {
        let (explanation, subject) = state.world.look_up(asked, record_type, RECORDS_MAX)?;
        let mut pass = ExplainPass::new(subject, PEERS_MAX);
        let explained = state.look(move |roster| pass.go_on(roster)).await?;
        Ok(explanation.with(explained))
    }

    /// With who is behind it.
    pub(crate) fn with(mut self, explained: Explained) -> Explanation {
        let Explained { sets, others, more } = explained;
        let sets = sets.into_iter().map(|page| SetPeersJson {
            set: page.set.into(),
            peers: page.peers.into_iter().map(PeerJson::from).collect(),
        });
        self.sets = sets.collect();
        self.others = others.into_iter().map(EntryJson::from).collect();
        self.more_peers = more;
        self
    }
}
