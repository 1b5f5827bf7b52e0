//! What a socket waits for on behalf of its client.

use std::future::poll_fn;
use std::task::Poll;

use futures_util::future::BoxFuture;

/// Futures that end in any order. There are few, and mostly none, for which this keeps nothing; so whoever waits for one
/// looks at all.
pub(super) struct Pending<T>(Vec<BoxFuture<'static, T>>);

impl<T> Pending<T> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, future: BoxFuture<'static, T>) {
        self.0.push(future);
    }

    /// What the next one that ends has brought; of several, the oldest. Nothing if there are none. Safe to cancel.
    pub(super) async fn next(&mut self) -> Option<T> {
        poll_fn(|context| {
            if self.0.is_empty() {
                return Poll::Ready(None);
            }
            let mut futures = self.0.iter_mut().enumerate();
            let ended = futures.find_map(|(at, future)| match future.as_mut().poll(context) {
                Poll::Ready(brought) => Some((at, brought)),
                Poll::Pending => None,
            });
            let Some((at, brought)) = ended else {
                return Poll::Pending;
            };
            drop(self.0.remove(at));
            Poll::Ready(Some(brought))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn each_comes_once_it_has_ended_and_the_oldest_first() {
        let mut pending = Pending::new();
        assert_eq!(pending.next().await, None);
        let senders: Vec<_> = (0..3)
            .map(|number| {
                let (tx, rx) = oneshot::channel::<()>();
                pending.push(Box::pin(async move {
                    // The sender is kept until it sends.
                    let _ = rx.await;
                    number
                }));
                tx
            })
            .collect();
        assert_eq!(pending.next().now_or_never(), None);
        let mut senders = senders.into_iter();
        let (first, second, third) = (senders.next(), senders.next(), senders.next());
        // They were looked at before, by nobody who could be woken; now somebody can.
        let waiting = tokio::spawn(async move {
            let brought = pending.next().await;
            (pending, brought)
        });
        tokio::task::yield_now().await;
        second.unwrap().send(()).unwrap();
        let (mut pending, brought) = waiting.await.unwrap();
        assert_eq!((pending.len(), brought), (2, Some(1)));
        third.unwrap().send(()).unwrap();
        first.unwrap().send(()).unwrap();
        assert_eq!(pending.next().await, Some(0));
        assert_eq!(pending.next().await, Some(2));
        assert_eq!(pending.next().await, None);
    }
}
