// The state of all promotions as text, and what must hold after every event.

package coupons

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"onsale/domain"
	"onsale/domain/waitlist"
)

// Dump writes the whole state, sorted: equal states give equal bytes.
func (s *State) Dump(w io.Writer) {
	for _, id := range s.IDs() {
		p := s.promotions[id]
		fmt.Fprint(w, "promotion ")
		json.NewEncoder(w).Encode(p)
		for number := range p.issued.owners.Len() {
			c, _ := p.Coupon(number + 1)
			fmt.Fprintf(w, "  coupon %s of %s %s\n", CouponID(id, number+1), c.Owner, c.Status)
		}
		holders := maps.Collect(p.Holders())
		for _, user := range slices.Sorted(maps.Keys(holders)) {
			h := holders[user]
			fmt.Fprintf(w, "  holder %s %d number %d\n", user, h.Count, h.Number)
		}
		for _, e := range p.waiting.All() {
			fmt.Fprintf(w, "  waiting %s %s for %d%s\n", WaitingID(id, e.Sequence), e.User, e.Quantity,
				map[bool]string{true: ", passed over"}[p.waiting.PassedOver(e.Sequence)])
		}
		dumpOffers(w, "offer", p.offers)
		dumpOffers(w, "expired", p.expiredOffers)
	}
	for _, id := range s.offerable {
		fmt.Fprintf(w, "offerable %s\n", id)
	}
	for _, d := range slices.SortedFunc(s.deadlines.Due(math.MaxInt64), promotionDeadline.Compare) {
		fmt.Fprintf(w, "deadline %s %d %s %s\n", d.At, d.Sequence, d.Value.kind, d.Value.promotion.PromotionID)
	}
}

func dumpOffers(w io.Writer, what string, offers map[uint64]waitlist.Offer) {
	for _, sequence := range slices.Sorted(maps.Keys(offers)) {
		fmt.Fprintf(w, "  %s ", what)
		json.NewEncoder(w).Encode(offers[sequence])
	}
}

// CheckInvariants returns what is wrong with the promotion of event e after e was applied: Stock = Remaining + Offered +
// IssuedEver - Returned with nothing below zero, a coupon for every number, and the last number is the one that e issued.
func (s *State) CheckInvariants(e domain.Event) error {
	p := s.promotions[e.Entity]
	if p == nil {
		return nil
	}
	last := p.IssuedEver
	if body, ok := e.Body.(Changer); ok {
		for number, status := range body.CouponChanges() {
			if _, back := e.Body.(GivenBack); status == StatusIssued && !back {
				last = number
			}
		}
	}
	if p.Remaining() < 0 || p.Offered < 0 || p.Returned < 0 || p.Issued() < 0 || p.IssuedEver != p.issued.owners.Len() || p.IssuedEver != last {
		return fmt.Errorf("promotion %s of %d units has issued %d, the last with number %d, as %d coupons; %d returned, %d on offer, %d remaining",
			p.PromotionID, p.Stock, p.IssuedEver, last, p.issued.owners.Len(), p.Returned, p.Offered, p.Remaining())
	}
	return nil
}
