//! Whether replicas have what was written, for answers that wait for them. It gives nothing back and holds nothing up.
//!
//! `WAIT` waits for what was written before its connection's last command, by whomever; on a connection without one it
//! waits for nothing. So each is sent behind a `PING`, and counts for every append that was answered or heard before. It
//! holds up its connection and scripts may not call it: it has a connection of its own, one at a time for all who wait.

use fred::clients::Client;
use fred::error::{Error, ErrorKind};
use fred::interfaces::ClientLike;
use fred::types::{ClusterHash, CustomCommand, InfoKind};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::debug;

use super::clocks::{Process, millis};
use super::driver::{Access, info_field};
use crate::limits::{REPLICA_PATIENCE, REPLICA_QUEUE, STORE_TIMEOUT};

/// Asks whether so many replicas of a server have what it was told.
#[derive(Debug, Clone)]
pub(super) struct Witness(mpsc::Sender<Question>);

/// Whether they have what this process wrote until now.
#[derive(Debug)]
pub(super) struct Question {
    process: Process,
    answer: oneshot::Sender<bool>,
}

impl Witness {
    /// What is asked comes out of the receiver, which is for [`serve`].
    pub(super) fn new() -> (Self, mpsc::Receiver<Question>) {
        let (tx, questions) = mpsc::channel(REPLICA_QUEUE);
        (Self(tx), questions)
    }

    /// Waits until they have what this process wrote before, at most [`REPLICA_PATIENCE`].
    pub(super) async fn confirms(&self, process: Process) -> bool {
        let (answer, confirmed) = oneshot::channel();
        // Where too many wait already, or nobody answers, it is not confirmed.
        let asked = self.0.try_send(Question { process, answer });
        let waiting = timeout(REPLICA_PATIENCE, confirmed);
        asked.is_ok() && matches!(waiting.await, Ok(Ok(true)))
    }
}

/// One connection, and the process behind it.
struct Line {
    client: Client,
    process: Process,
}

/// Answers what is asked, for ever.
pub(super) async fn serve(
    (access, replicas): (Access, u32),
    mut questions: mpsc::Receiver<Question>,
) {
    let (mut line, mut asked) = (None, Vec::new());
    while questions.recv_many(&mut asked, REPLICA_QUEUE).await > 0 {
        let confirmed = match timeout(STORE_TIMEOUT, ask(&mut line, (&access, replicas))).await {
            Ok(Ok(confirmed)) => confirmed,
            failed => {
                debug!("replicas cannot be waited for: {failed:?}");
                // Another connection may lead to another process, whose replicas say nothing of what this one wrote.
                line = None;
                None
            }
        };
        for Question { process, answer } in asked.drain(..) {
            // Who does not wait any more knows enough.
            let _ = answer.send(confirmed.as_ref() == Some(&process));
        }
    }
}

/// The process of which enough replicas have everything that it wrote before; nothing if they do not have it in time.
async fn ask(
    line: &mut Option<Line>,
    (access, replicas): (&Access, u32),
) -> Result<Option<Process>, Error> {
    let line = match line {
        Some(line) => line,
        None => line.insert(Line::open(access).await?),
    };
    let ping = line.command::<String>("PING", Vec::new());
    let wait = vec![replicas.to_string(), millis(REPLICA_PATIENCE).to_string()];
    // Both are sent at once, in this order.
    let (_, confirmed) = tokio::try_join!(ping, line.command::<u32>("WAIT", wait))?;
    Ok((confirmed >= replicas).then(|| line.process.clone()))
}

impl Line {
    async fn open(access: &Access) -> Result<Self, Error> {
        let client = access.visit().await?;
        let info: String = client.info(Some(InfoKind::Server)).await?;
        let process = info_field(&info, "run_id").map(Process::from);
        let process = process.ok_or_else(|| Error::new(ErrorKind::Protocol, "no run_id"))?;
        Ok(Self { client, process })
    }

    async fn command<T: fred::types::FromValue>(
        &self,
        name: &'static str,
        args: Vec<String>,
    ) -> Result<T, Error> {
        let command = CustomCommand::new_static(name, ClusterHash::Random, false);
        self.client.custom(command, args).await
    }
}
