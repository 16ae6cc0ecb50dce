// Invariants of the whole state, checked after every event. They are stricter and slower than CheckInvariants.

package machine_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/machine"
)

func checkState(s *machine.Machine) error {
	for id, record := range s.Requests() {
		if record.EventNumber == 0 || record.EventNumber > s.LastEvent {
			return fmt.Errorf("request %s: decided by event %d of %d", id, record.EventNumber, s.LastEvent)
		}
	}
	var deadlines []string // "<time> <sequence> …", padded so that they sort as text
	for _, id := range s.Coupons.IDs() {
		p := s.Coupons.Promotion(id)
		if err := checkPromotion(p, s.Now); err != nil {
			return fmt.Errorf("promotion %s: %w", id, err)
		}
		deadlines = append(deadlines, promotionDeadlines(p)...)
	}
	for _, id := range s.Seats.IDs() {
		sc := s.Seats.Schedule(id)
		if err := checkSchedule(sc, s.Now); err != nil {
			return fmt.Errorf("schedule %s: %w", id, err)
		}
		deadlines = append(deadlines, scheduleDeadlines(sc)...)
	}
	if err := checkOrders(s.Orders); err != nil {
		return err
	}
	return checkDeadlines(s, append(deadlines, orderDeadlines(s.Orders)...))
}

// checkDeadlines proves that the deadlines in Dump are those in want, and that NextDeadline is the first of them.
func checkDeadlines(s *machine.Machine, want []string) error {
	var text bytes.Buffer
	s.Coupons.Dump(&text)
	s.Seats.Dump(&text)
	s.Orders.Dump(&text)
	var got []string
	for line := range strings.Lines(text.String()) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 5 && fields[0] == "deadline":
		case len(fields) == 4 && fields[0] == "recheck":
			fields = []string{"", fields[1], fields[2], fields[0], fields[3]}
		case len(fields) == 5 && fields[0] == "preparation":
			fields = []string{"", fields[2], fields[3], fields[0], fields[4]}
		default:
			continue
		}
		at, _ := domain.ParseTime(fields[1])
		sequence, _ := strconv.ParseUint(fields[2], 10, 64)
		got = append(got, fmt.Sprintf("%020d %020d %s %s", at, sequence, fields[3], fields[4]))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("deadlines %q, want %q", got, want)
	}
	next, found := s.NextDeadline()
	_, hasOffer := s.Coupons.NextOffer(s.Now)
	if _, more := s.Seats.NextOffer(s.Now); more {
		hasOffer = true
	}
	if hasOffer && (!found || next != s.Now) {
		return fmt.Errorf("next deadline %s, %t, but an offer can be made", next, found)
	}
	if !hasOffer && (found != (len(want) > 0) || found && fmt.Sprintf("%020d", next) != want[0][:20]) {
		return fmt.Errorf("next deadline %s, %t of %q", next, found, want)
	}
	return nil
}

// checkPromotion proves that every counter of a promotion is the sum over its coupons, offers and waiting entries.
func checkPromotion(p *coupons.Promotion, now domain.Time) error {
	holders, returnable := map[string]coupons.UserCoupons{}, 0
	for i := range p.IssuedEver {
		c, ok := p.Coupon(i + 1)
		if !ok {
			return fmt.Errorf("no coupon %d of %d", i+1, p.IssuedEver)
		}
		if c.Status == coupons.StatusRevoked {
			returnable++
			continue
		}
		h := holders[c.Owner]
		if h.Count++; p.PerUserLimit == 1 {
			h.Number = int32(i + 1)
		}
		holders[c.Owner] = h
		if int(h.Count) > p.PerUserLimit {
			return fmt.Errorf("%s has %d", c.Owner, h.Count)
		}
	}
	offered, users := 0, map[string]bool{}
	for sequence, o := range p.Offers() {
		if _, expired := p.ExpiredOffer(sequence); expired || o.Sequence != sequence || users[o.User] || o.ExpiresAt == 0 {
			return fmt.Errorf("offer %d is %+v, expired %t, twice %t", sequence, o, expired, users[o.User])
		}
		offered, users[o.User] = offered+o.Quantity, true
	}
	before := uint64(0)
	for _, e := range p.Waiting() {
		if e.Sequence <= before || users[e.User] || e.Quantity < 1 || e.Quantity > p.PerUserLimit {
			return fmt.Errorf("%+v waits after %d, twice %t", e, before, users[e.User])
		}
		before, users[e.User] = e.Sequence, true
	}
	for sequence, o := range p.ExpiredOffers() {
		if o.Sequence != sequence || o.ExpiresAt == 0 || o.ExpiresAt > now {
			return fmt.Errorf("offer %d expired as %+v, now %s", sequence, o, now)
		}
	}
	if _, more := p.Coupon(p.IssuedEver + 1); more || p.Offered != offered || p.Returned < 0 || p.Returned > returnable || !maps.Equal(maps.Collect(p.Holders()), holders) {
		return fmt.Errorf("%+v, but more coupons %t, %d revoked, %d on offer, %v", p, more, returnable, offered, holders)
	}
	if remaining := p.Remaining(); remaining < 0 || p.Stock != remaining+p.Offered+p.IssuedEver-p.Returned || p.Issued() != p.IssuedEver-p.Returned {
		return fmt.Errorf("stock %d, %d ever issued, %d returned, %d on offer, %d remain", p.Stock, p.IssuedEver, p.Returned, p.Offered, remaining)
	}
	if committed := p.Issued() + p.Offered; p.SoldOutSequence != 0 && p.Remaining() > 0 || committed > 0 && p.SoldOutSequence == 0 && p.Remaining() == 0 {
		return fmt.Errorf("sold out by %d with %d left", p.SoldOutSequence, p.Remaining())
	}
	return nil
}

// promotionDeadlines are the changes that time will make to p.
func promotionDeadlines(p *coupons.Promotion) (deadlines []string) {
	add := func(at domain.Time, sequence uint64, what string) {
		deadlines = append(deadlines, fmt.Sprintf("%020d %020d %s %s", at, sequence, what, p.PromotionID))
	}
	if !p.Opened && p.ClosedAt == 0 {
		add(p.OpensAt, p.Sequence, "opens")
	}
	if p.ClosesAt != 0 && p.ClosedAt == 0 {
		add(p.ClosesAt, p.Sequence, "closes")
	}
	for sequence, o := range p.Offers() {
		add(o.ExpiresAt, sequence, "expiry")
	}
	return deadlines
}
