//! The frames that wait for one follower of games: a bounded queue, which rooms fill and a socket empties.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::mpsc;
use zeitnot_game::id::Head;
use zeitnot_game::wire::ServerMsg;

use crate::limits::{OUTBOX_BYTES, OUTBOX_FRAMES};

/// One frame, made once and shared by all who get it. Shape: a JSON object.
pub type Frame = axum::extract::ws::Utf8Bytes;

/// A message as a frame.
///
/// # Panics
/// Never: every message is JSON.
#[must_use]
pub fn encode(msg: &ServerMsg) -> Frame {
    let json = serde_json::to_string(msg);
    json.expect("our messages are JSON").into()
}

/// In which form a follower takes its frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// As they are.
    #[default]
    Json,
    /// Each as a server-sent event. Versioned ones have an id. Shape: `12.bQ7xM`.
    Event,
}

/// One frame in the forms in which it is wanted, each made once and shared by all who get it.
#[derive(Debug)]
pub struct Texts {
    json: Frame,
    /// The entry that it shows, or up to which it shows all.
    head: Option<Head>,
    event: OnceCell<Frame>,
}

impl Texts {
    /// A message; with the entry that it shows, if it is versioned.
    #[must_use]
    pub fn new(msg: &ServerMsg, head: Option<Head>) -> Self {
        Self {
            json: encode(msg),
            head,
            event: OnceCell::new(),
        }
    }

    /// In one of the forms.
    #[must_use]
    pub fn of(&self, form: Form) -> &Frame {
        match form {
            Form::Json => &self.json,
            Form::Event => self.event.get_or_init(|| self.event()),
        }
    }

    fn event(&self) -> Frame {
        let json = &self.json;
        let event = match self.head {
            Some(Head { version, tag }) => format!("id: {version}.{tag}\ndata: {json}\n\n"),
            None => format!("data: {json}\n\n"),
        };
        event.into()
    }
}

/// The follower reads too slowly, or is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow;

#[derive(Debug, Default)]
struct Fill {
    bytes: AtomicUsize,
    has_overflowed: AtomicBool,
}

/// The end that rooms write to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    tx: mpsc::Sender<Frame>,
    fill: Arc<Fill>,
    form: Form,
}

/// The end that the follower reads from.
#[derive(Debug)]
pub struct OutboxReader {
    rx: mpsc::Receiver<Frame>,
    fill: Arc<Fill>,
}

/// A queue of at most [`OUTBOX_FRAMES`] frames and [`OUTBOX_BYTES`] bytes.
#[must_use]
pub fn outbox(form: Form) -> (Outbox, OutboxReader) {
    let (tx, rx) = mpsc::channel(OUTBOX_FRAMES);
    let fill = Arc::new(Fill::default());
    let reader = OutboxReader {
        rx,
        fill: Arc::clone(&fill),
    };
    (Outbox { tx, fill, form }, reader)
}

impl Outbox {
    /// What its follower wants.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    /// Queues a frame.
    ///
    /// # Errors
    /// The queue is full or the reader gone. A frame was lost then, so the reader gets no more and should be closed.
    pub fn push(&self, frame: Frame) -> Result<(), Overflow> {
        let len = frame.len();
        let queued = self.fill.bytes.fetch_add(len, Ordering::Relaxed) + len;
        let fits = queued <= OUTBOX_BYTES && !self.fill.has_overflowed.load(Ordering::Relaxed);
        if fits && self.tx.try_send(frame).is_ok() {
            return Ok(());
        }
        self.fill.has_overflowed.store(true, Ordering::Relaxed);
        Err(Overflow)
    }

    /// Queues a frame that may be left out, if half of the queue is free: whether it was queued.
    #[must_use]
    pub fn offer(&self, frame: &Frame) -> bool {
        let has_room = self.tx.capacity() > OUTBOX_FRAMES / 2
            && self.fill.bytes.load(Ordering::Relaxed) + frame.len() <= OUTBOX_BYTES / 2;
        has_room && self.push(frame.clone()).is_ok()
    }
}

impl OutboxReader {
    /// The next frame. Safe to cancel.
    ///
    /// # Errors
    /// Frames were lost: the follower has to begin again with a snapshot.
    pub async fn next(&mut self) -> Result<Frame, Overflow> {
        let frame = self.rx.recv().await.ok_or(Overflow)?;
        self.took(frame)
    }

    /// The next frame if there is one already.
    ///
    /// # Errors
    /// As [`OutboxReader::next`].
    pub fn try_next(&mut self) -> Result<Option<Frame>, Overflow> {
        match self.rx.try_recv() {
            Ok(frame) => self.took(frame).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn took(&self, frame: Frame) -> Result<Frame, Overflow> {
        self.fill.bytes.fetch_sub(frame.len(), Ordering::Relaxed);
        if self.fill.has_overflowed.load(Ordering::Relaxed) {
            return Err(Overflow);
        }
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_lost_a_frame_gives_no_more() {
        let (tx, mut rx) = outbox(Form::Json);
        for _ in 0..OUTBOX_FRAMES {
            tx.push(Frame::from_static("{}")).unwrap();
        }
        assert_eq!(rx.try_next(), Ok(Some(Frame::from_static("{}"))));
        tx.push(Frame::from_static("{}")).unwrap();
        assert_eq!(tx.push(Frame::from_static("{}")), Err(Overflow));
        assert_eq!(rx.try_next(), Err(Overflow));
        assert_eq!(tx.push(Frame::from_static("{}")), Err(Overflow));
    }

    #[test]
    fn a_queue_is_bounded_in_bytes_too() {
        let (tx, _rx) = outbox(Form::Json);
        let half = Frame::from("x".repeat(OUTBOX_BYTES / 2));
        assert_eq!(tx.push(half.clone()), Ok(()));
        assert_eq!(tx.push(half.clone()), Ok(()));
        assert_eq!(tx.push(half), Err(Overflow));
    }
}
