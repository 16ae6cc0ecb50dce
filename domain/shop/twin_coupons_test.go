// The dumb twin at the coupons' counter: what is left is found by counting, and who is next by asking everybody.
package shop_test

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/coupons"
)

type (
	twinSale struct {
		coupons.Create
		id      string
		made    uint64
		coupons []twinCoupon // number 1, 2, …
		line    []twinWait   // with an offer and without
		gone    []twinWait   // let their offer run out
		opened  bool         // and told
		ended   bool         // and told
		closed  bool         // by somebody
		paused  bool
		some    bool   // there were units a moment ago
		last    uint64 // took the last unit
	}
	twinCoupon struct {
		owner               string
		used, revoked, back bool
	}
	twinWait struct {
		sequence uint64
		user     string
		quantity int
		until    domain.Time // of the offer; 0: none
	}
)

func (s *twinSale) issued() (n int) {
	for _, c := range s.coupons {
		if !c.back {
			n++
		}
	}
	return n
}

func (s *twinSale) offered() (n int) {
	for _, p := range s.line {
		if p.until != 0 {
			n += p.quantity
		}
	}
	return n
}

func (s *twinSale) free() int { return s.Stock - s.issued() - s.offered() }

// note remembers who took the last unit.
func (s *twinSale) note(sequence uint64) {
	if free := s.free() > 0; free {
		s.some, s.last = true, 0
	} else if s.some {
		s.some, s.last = false, sequence
	}
}

func (s *twinSale) has(user string) (numbers []int) {
	for i, c := range s.coupons {
		if c.owner == user && !c.revoked {
			numbers = append(numbers, i+1)
		}
	}
	return numbers
}

func (s *twinSale) over(now domain.Time) string {
	if s.closed {
		return "closed"
	}
	if s.ClosesAt != 0 && s.ClosesAt <= now {
		return fmt.Sprint("closed ", s.ClosesAt)
	}
	return ""
}

func (s *twinSale) window(now domain.Time) string {
	if over := s.over(now); over != "" || s.OpensAt <= now {
		return over
	}
	seconds := (s.OpensAt - now) / 1000
	if (s.OpensAt-now)%1000 > 0 {
		seconds++
	}
	return fmt.Sprintf("not_open %s %d", s.OpensAt, seconds)
}

func (s *twinSale) limit(user string, more int) string {
	has := s.has(user)
	if len(has)+more <= s.PerUserLimit {
		return ""
	}
	if s.PerUserLimit == 1 && len(has) == 1 {
		return fmt.Sprintf("already_issued %s-%d %d", s.id, has[0], has[0])
	}
	return fmt.Sprint("user_limit_exceeded ", s.PerUserLimit)
}

// duesOfSales are all changes that are still to come, with how they are told.
func (w *twin) duesOfSales() (dues []twinDue) {
	for _, s := range w.sales {
		if !s.opened && !s.closed && !s.ended {
			dues = append(dues, twinDue{s.OpensAt, s.made, func() string { s.opened = true; return "opened " + s.id }})
		}
		if s.ClosesAt != 0 && !s.closed && !s.ended {
			dues = append(dues, twinDue{s.ClosesAt, s.made, func() string { s.ended = true; return "closed " + s.id + " by " }})
		}
		for _, p := range s.line {
			if p.until != 0 {
				dues = append(dues, twinDue{p.until, p.sequence, func() string { return s.expire(p) }})
			}
		}
	}
	return dues
}

func (w *twin) ofCoupons(c domain.Command, now domain.Time) string {
	switch b := c.Body.(type) {
	case coupons.Create:
		if b.Stock < 0 || b.PerUserLimit < 1 {
			return "invalid_body"
		}
		if w.sales[c.Entity] != nil {
			return "promotion_exists"
		}
		w.sales[c.Entity] = &twinSale{Create: b, id: c.Entity, made: c.Sequence, opened: b.OpensAt <= now, some: b.Stock > 0}
		return "created " + c.Entity
	case coupons.Use, coupons.Revoke:
		return w.ofCoupon(c)
	case coupons.Accept:
		return w.ofPlace(c, b.WaitingID, now)
	case coupons.Decline:
		return w.ofPlace(c, b.WaitingID, now)
	case coupons.Leave:
		return w.ofPlace(c, b.WaitingID, now)
	}
	if shapelessCoupons(c.Body) {
		return "invalid_body"
	}
	s := w.sales[c.Entity]
	if s == nil {
		return "promotion_not_found"
	}
	return w.ofSale(s, c, now)
}

func shapelessCoupons(body domain.Body) bool {
	switch b := body.(type) {
	case coupons.Join:
		return b.Quantity < 1
	case coupons.ChangeStock:
		return b.Delta == 0 || len(b.Reason) > 200
	case coupons.Pause:
		return len(b.Reason) > 200
	case coupons.Resume:
		return len(b.Reason) > 200
	case coupons.Close:
		return len(b.Reason) > 200
	}
	return false
}
