// The whole state of all promotions as text.

package coupons

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
)

// Dump writes everything that the rules know, sorted: equal states give equal bytes.
func (s *State) Dump(w io.Writer) {
	for _, id := range s.IDs() {
		p := s.promotions[id]
		fmt.Fprint(w, "promotion ")
		json.NewEncoder(w).Encode(p)
		for i, c := range p.coupons {
			fmt.Fprintf(w, "  coupon %s of %s %s\n", CouponID(id, i+1), c.Owner, c.Status)
		}
		for _, user := range slices.Sorted(maps.Keys(p.holders)) {
			h := p.holders[user]
			fmt.Fprintf(w, "  holder %s %d only %d\n", user, h.Count, h.Number)
		}
		for _, e := range p.waiting.All() {
			fmt.Fprintf(w, "  waiting %s %s for %d\n", WaitingID(id, e.Sequence), e.User, e.Quantity)
		}
		dumpOffers(w, "offer", p.offers)
		dumpOffers(w, "ended", p.expiredOffers)
	}
	for _, id := range s.offerable {
		fmt.Fprintf(w, "offering %s\n", id)
	}
	for _, d := range slices.SortedFunc(s.deadlines.Due(math.MaxInt64), promotionDeadline.Compare) {
		fmt.Fprintf(w, "deadline %s %d %s %s\n", d.At, d.Sequence, d.Value.kind, d.Value.promotion.PromotionID)
	}
}

func dumpOffers(w io.Writer, what string, offers map[uint64]Offer) {
	for _, sequence := range slices.Sorted(maps.Keys(offers)) {
		fmt.Fprintf(w, "  %s ", what)
		json.NewEncoder(w).Encode(offers[sequence])
	}
}
