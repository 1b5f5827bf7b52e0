//! The frames that wait for one follower of games: a bounded queue, which rooms fill and a socket empties.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use zeitnot_game::id::Head;
use zeitnot_game::wire::ServerMsg;

use crate::limits::{OUTBOX_BYTES, OUTBOX_FRAMES};

/// One frame, made once and shared by all who get it. Shape: a JSON object.
pub type Frame = axum::extract::ws::Utf8Bytes;

/// Bytes that most frames have at most; others take more.
const FRAME_LEN: usize = 384;

/// A message as a frame.
///
/// # Panics
/// Never: every message is JSON.
#[must_use]
pub fn encode(msg: &ServerMsg) -> Frame {
    let mut json = Vec::with_capacity(FRAME_LEN);
    serde_json::to_writer(&mut json, msg).expect("our messages are JSON");
    let json = String::from_utf8(json).expect("JSON is text");
    json.into()
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

/// What both ends share. Most sockets are idle, so it is small while it is empty, which a channel of tokio's is not.
#[derive(Debug, Default)]
struct Shared(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
    has_overflowed: bool,
    /// The task that waits for more.
    reader: Option<Waker>,
}

impl Queue {
    /// Whether another frame fits into one part of so many.
    fn has_room(&self, frame: &Frame, parts: usize) -> bool {
        !self.has_overflowed
            && self.frames.len() < OUTBOX_FRAMES / parts
            && self.bytes + frame.len() <= OUTBOX_BYTES / parts
    }

    fn pop(&mut self) -> Result<Option<Frame>, Overflow> {
        if self.has_overflowed {
            return Err(Overflow);
        }
        let next = self.frames.pop_front();
        if let Some(frame) = &next {
            self.bytes -= frame.len();
        }
        if self.frames.is_empty() {
            // After a burst it is small again.
            self.frames.shrink_to(4);
        }
        Ok(next)
    }

    fn push(&mut self, frame: Frame) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    fn overflow(&mut self) {
        *self = Self {
            has_overflowed: true,
            reader: self.reader.take(),
            ..Self::default()
        };
    }
}

/// Wakes the reader, once nobody holds the queue.
fn wake(mut queue: MutexGuard<'_, Queue>) {
    let reader = queue.reader.take();
    drop(queue);
    if let Some(reader) = reader {
        reader.wake();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Whole even if a holder panicked: nothing here does.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end that rooms write to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
    form: Form,
}

/// The end that the follower reads from.
#[derive(Debug)]
pub struct OutboxReader(Arc<Shared>);

/// A queue of at most [`OUTBOX_FRAMES`] frames and [`OUTBOX_BYTES`] bytes.
#[must_use]
pub fn outbox(form: Form) -> (Outbox, OutboxReader) {
    let shared = Arc::<Shared>::default();
    let reader = OutboxReader(Arc::clone(&shared));
    (Outbox { shared, form }, reader)
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
        let mut queue = self.shared.lock();
        let has_room = queue.has_room(&frame, 1);
        if has_room {
            queue.push(frame);
        } else {
            queue.overflow();
        }
        wake(queue);
        if has_room { Ok(()) } else { Err(Overflow) }
    }

    /// Queues a frame that may be left out, if half of the queue is free: whether it was queued.
    #[must_use]
    pub fn offer(&self, frame: &Frame) -> bool {
        let mut queue = self.shared.lock();
        let has_room = queue.has_room(frame, 2);
        if has_room {
            queue.push(frame.clone());
            wake(queue);
        }
        has_room
    }
}

impl OutboxReader {
    /// The next frame. Safe to cancel.
    ///
    /// # Errors
    /// Frames were lost: the follower has to begin again with a snapshot.
    pub async fn next(&mut self) -> Result<Frame, Overflow> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Whoever waits leaves its waker in the queue, and nothing has to be taken out again where something else comes first,
    /// as nearly always.
    fn poll_next(&mut self, context: &Context<'_>) -> Poll<Result<Frame, Overflow>> {
        let mut queue = self.0.lock();
        match queue.pop() {
            Ok(Some(frame)) => Poll::Ready(Ok(frame)),
            Ok(None) => {
                let is_known = |reader: &Waker| reader.will_wake(context.waker());
                if !queue.reader.as_ref().is_some_and(is_known) {
                    queue.reader = Some(context.waker().clone());
                }
                Poll::Pending
            }
            Err(overflow) => Poll::Ready(Err(overflow)),
        }
    }

    /// The next frame if there is one already.
    ///
    /// # Errors
    /// As [`OutboxReader::next`].
    pub fn try_next(&mut self) -> Result<Option<Frame>, Overflow> {
        self.0.lock().pop()
    }
}

impl Drop for OutboxReader {
    fn drop(&mut self) {
        // Without its waker, which would keep the task.
        *self.0.lock() = Queue {
            has_overflowed: true,
            ..Queue::default()
        };
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

    #[test]
    fn half_of_a_queue_is_kept_for_what_must_not_be_left_out() {
        let (tx, mut rx) = outbox(Form::Json);
        let frame = Frame::from_static("{}");
        let offered = (0..OUTBOX_FRAMES).filter(|_| tx.offer(&frame)).count();
        assert_eq!(offered, OUTBOX_FRAMES / 2);
        assert_eq!(tx.push(frame.clone()), Ok(()));
        while rx.try_next() != Ok(None) {}
        let large = Frame::from("x".repeat(OUTBOX_BYTES / 2 + 1));
        assert!(!tx.offer(&large));
        assert_eq!(tx.push(large), Ok(()));
    }

    #[tokio::test]
    async fn who_waits_hears_of_a_frame_and_of_its_loss() {
        let (tx, mut rx) = outbox(Form::Json);
        let frame = Frame::from_static("{}");
        let (next, pushed) = tokio::join!(rx.next(), async { tx.push(frame.clone()) });
        assert_eq!((next, pushed), (Ok(frame.clone()), Ok(())));
        let large = Frame::from("x".repeat(OUTBOX_BYTES + 1));
        let (next, pushed) = tokio::join!(rx.next(), async { tx.push(large) });
        assert_eq!((next, pushed), (Err(Overflow), Err(Overflow)));
        let (tx, rx) = outbox(Form::Json);
        drop(rx);
        assert_eq!(tx.push(frame), Err(Overflow), "nobody reads");
    }
}
