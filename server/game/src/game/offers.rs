//! Draws, takebacks and rematches: one side offers, the other accepts or declines. Offering what the other side already
//! offers is accepting it.

use crate::color::Color;
use crate::event::{Asked, Event, OfferCommand, Ply};
use crate::id::GameId;
use crate::limits::{MAX_REMATCH_OFFERS, MAX_TAKEBACKS, PLIES_BETWEEN_DRAW_OFFERS};
use crate::outcome::{DrawReason, Outcome};

use super::decide::append;
use super::{Decision, Game, NotAllowed, Offer, Rejection};

impl Game {
    /// An offer that comes with a move: it accepts the other side's, and is left out where none is allowed.
    pub(super) fn draw_offered_with_move(&self, by: Color) -> Option<Event> {
        match self.draw_offer {
            Some(offer) if offer.by != by => Some(agreed(by)),
            Some(_) => None,
            None => self
                .may_offer_draw(by, Ply(self.ply().0 + 1))
                .then_some(Event::DrawOffered(by)),
        }
    }

    fn may_offer_draw(&self, by: Color, ply: Ply) -> bool {
        self.tally[by]
            .draw_offered_at
            .is_none_or(|Ply(last)| ply.0 >= last.saturating_add(PLIES_BETWEEN_DRAW_OFFERS))
    }

    pub(super) fn decide_draw(
        &self,
        asked: &Asked,
        what: OfferCommand,
    ) -> Result<Decision, Rejection> {
        let by = asked.by;
        match (what, self.draw_offer) {
            (OfferCommand::Offer, Some(offer)) if offer.by == by => {
                Ok(Decision::Done(offer.version))
            }
            (OfferCommand::Offer, Some(_)) => Ok(append(agreed(by))),
            (OfferCommand::Offer, None) if self.may_offer_draw(by, self.ply()) => {
                Ok(append(Event::DrawOffered(by)))
            }
            (OfferCommand::Offer, None) => Err(NotAllowed::DrawOfferedRecently.into()),
            (OfferCommand::Accept, offer) => {
                answerable(offer, asked)?;
                Ok(append(agreed(by)))
            }
            (OfferCommand::Decline, offer) => {
                answerable(offer, asked)?;
                Ok(append(Event::DrawDeclined(by)))
            }
        }
    }

    pub(super) fn decide_takeback(
        &self,
        asked: &Asked,
        what: OfferCommand,
    ) -> Result<Decision, Rejection> {
        let by = asked.by;
        match (what, self.takeback_offer) {
            (OfferCommand::Offer, Some(offer)) if offer.by == by => {
                Ok(Decision::Done(offer.version))
            }
            (OfferCommand::Offer, Some(_)) => Ok(append(self.taken_back(by)?)),
            (OfferCommand::Offer, None) => {
                if self.turns.len() < self.plies_back_to(by) {
                    Err(NotAllowed::NothingToTakeBack.into())
                } else if self.tally[by].takeback_offered_at == Some(self.ply()) {
                    Err(NotAllowed::TakebackAskedAlready.into())
                } else if self.tally[by].takebacks >= MAX_TAKEBACKS {
                    Err(NotAllowed::TooManyTakebacks.into())
                } else {
                    Ok(append(Event::TakebackOffered(by)))
                }
            }
            (OfferCommand::Accept, offer) => {
                answerable(offer, asked)?;
                Ok(append(self.taken_back(by)?))
            }
            (OfferCommand::Decline, offer) => {
                answerable(offer, asked)?;
                Ok(append(Event::TakebackDeclined(by)))
            }
        }
    }

    /// How many half-moves go until it is `color`'s turn again, at least one of them its own.
    fn plies_back_to(&self, color: Color) -> usize {
        if self.turn() == color { 2 } else { 1 }
    }

    /// `by` agrees that the other side takes back; a log may have an offer where there is nothing, though none of ours does.
    fn taken_back(&self, by: Color) -> Result<Event, NotAllowed> {
        if self.turns.is_empty() {
            return Err(NotAllowed::NothingToTakeBack);
        }
        let plies = self.turns.len() - self.plies_back_to(!by).min(self.turns.len());
        Ok(Event::TakenBack {
            by,
            to: Ply(u16::try_from(plies).unwrap_or(u16::MAX)),
        })
    }

    pub(super) fn decide_rematch(
        &self,
        asked: &Asked,
        what: OfferCommand,
        next: GameId,
    ) -> Result<Decision, Rejection> {
        let by = asked.by;
        if self.outcome.is_none() {
            return Err(NotAllowed::NotOver.into());
        }
        if self.next.is_some() {
            return Err(Rejection::Stale);
        }
        let accepted = Event::RematchAccepted { by, next };
        match (what, self.rematch_offer) {
            (OfferCommand::Offer, Some(offer)) if offer.by == by => {
                Ok(Decision::Done(offer.version))
            }
            (OfferCommand::Offer, Some(_)) => Ok(append(accepted)),
            (OfferCommand::Offer, None) if self.tally[by].rematch_offers < MAX_REMATCH_OFFERS => {
                Ok(append(Event::RematchOffered(by)))
            }
            (OfferCommand::Offer, None) => Err(NotAllowed::TooManyRematchOffers.into()),
            (OfferCommand::Accept, offer) => {
                answerable(offer, asked)?;
                Ok(append(accepted))
            }
            (OfferCommand::Decline, offer) => {
                answerable(offer, asked)?;
                Ok(append(Event::RematchDeclined(by)))
            }
        }
    }
}

/// Accepting and declining need an offer of the other side that stood when the player looked and still stands.
fn answerable(offer: Option<Offer>, asked: &Asked) -> Result<(), Rejection> {
    let stands = offer.is_some_and(|offer| {
        offer.by != asked.by && asked.seen.is_none_or(|seen| offer.version <= seen)
    });
    if stands {
        Ok(())
    } else {
        Err(Rejection::Stale)
    }
}

const fn agreed(by: Color) -> Event {
    Event::Ended {
        outcome: Outcome::Drawn(DrawReason::Agreement),
        by: Some(by),
    }
}
