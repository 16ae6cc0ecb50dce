// Answering without a command: a promotion may be set to answer sold_out once EVENTS has it that nothing is left. A million users who
// come too late then cost neither an append nor a decision, and leave no record.

package projections

import (
	"maps"

	"onsale/domain"
	"onsale/domain/coupons"
)

// soldOut is a promotion whose requests may be answered.
type soldOut struct {
	coupons.Refusal
	since uint64 // true once this event is confirmed
}

// soldOutTable has the promotions that are sold out, by id. It is replaced as a whole, so that it is read without a lock.
type soldOutTable map[string]soldOut

// MayRefuse says that Refusal may have an answer. It is called for each request for a coupon, and takes no lock.
func (p *Projector) MayRefuse(promotion string) bool {
	table := p.soldOut.Load()
	if table == nil {
		return false
	}
	_, found := (*table)[promotion]
	return found
}

// Refusal returns the answer to a user's request for a coupon at now; false: the command has to be decided. That is so while this
// node knows that others are ahead of it, for a user who has a coupon and so gets another answer, and for a request that is decided.
func (p *Projector) Refusal(promotion, user string, request domain.RequestID, now domain.Time) (coupons.Refusal, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	table := p.soldOut.Load()
	if table == nil {
		return coupons.Refusal{}, false
	}
	s, found := (*table)[promotion]
	switch {
	case !found || s.since > p.confirmed:
		return coupons.Refusal{}, false
	case now < s.OpensAt || s.ClosesAt != 0 && now >= s.ClosesAt:
		return coupons.Refusal{}, false
	case !p.caughtUp() || p.eventsEnd.Load() > p.committed.Events:
		return coupons.Refusal{}, false
	}
	_, decided := p.machine.Request(request)
	return s.Refusal, !decided && !p.machine.Coupons.Promotion(promotion).AtLimit(user)
}

// noteSoldOut brings the table up to date with the events of a transaction that is committed. What came back is offered to all at
// once; that nothing is left counts only when it is confirmed. Called with mu held.
func (p *Projector) noteSoldOut(events []pendingEvent) {
	last := ""
	for i := range events {
		if id := events[i].event.Entity; id != last { // in a rush all are of one promotion
			last = id
			p.noteRefusal(id)
		}
	}
}

func (p *Projector) noteRefusal(id string) {
	promotion := p.machine.Coupons.Promotion(id)
	if promotion == nil || promotion.SoldOut != coupons.SoldOutAnswer {
		return
	}
	table := soldOutTable{}
	if old := p.soldOut.Load(); old != nil {
		table = *old
	}
	known, found := table[id]
	refusal, refuses := promotion.Refusal()
	if found == refuses && known.Refusal == refusal {
		return
	}
	table = maps.Clone(table)
	delete(table, id)
	if refuses {
		table[id] = soldOut{refusal, p.machine.LastEvent}
	}
	p.soldOut.Store(&table)
}

// restoreSoldOut makes the table from a state that was loaded.
func (p *Projector) restoreSoldOut() {
	p.soldOut.Store(nil)
	for _, id := range p.machine.Coupons.IDs() {
		p.noteRefusal(id)
	}
}
