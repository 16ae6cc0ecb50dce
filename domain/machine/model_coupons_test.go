// The model of promotions: what remains is counted, and the next user in the waiting list is searched.

package machine_test

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/coupons"
)

type (
	promotionModel struct {
		coupons.Create
		id            string
		sequence      uint64
		coupons       []couponModel  // number 1, 2, …
		waitlist      []waitingModel // with an offer and without
		expiredOffers []waitingModel
		opened        bool // and there was an event of it
		closedByTime  bool // and there was an event of it
		closed        bool // by an admin
		paused        bool
		hadStock      bool   // after the event before
		soldOutBy     uint64 // the command that took the last unit
	}
	couponModel struct {
		owner                   string
		used, revoked, returned bool
		inOrder                 bool
	}
	waitingModel struct {
		sequence uint64
		user     string
		quantity int
		until    domain.Time // expiry of the offer; 0: none
	}
)

func (s *promotionModel) issued() (n int) {
	for _, c := range s.coupons {
		if !c.returned {
			n++
		}
	}
	return n
}

func (s *promotionModel) offered() (n int) {
	for _, w := range s.waitlist {
		if w.until != 0 {
			n += w.quantity
		}
	}
	return n
}

func (s *promotionModel) remaining() int { return s.Stock - s.issued() - s.offered() }

// noteSoldOut keeps the command that took the last unit.
func (s *promotionModel) noteSoldOut(sequence uint64) {
	if inStock := s.remaining() > 0; inStock {
		s.hadStock, s.soldOutBy = true, 0
	} else if s.hadStock {
		s.hadStock, s.soldOutBy = false, sequence
	}
}

func (s *promotionModel) numbersOf(user string) (numbers []int) {
	for i, c := range s.coupons {
		if c.owner == user && !c.revoked {
			numbers = append(numbers, i+1)
		}
	}
	return numbers
}

func (s *promotionModel) closedReason(now domain.Time) string {
	if s.closed {
		return "closed"
	}
	if s.ClosesAt != 0 && s.ClosesAt <= now {
		return fmt.Sprint("closed ", s.ClosesAt)
	}
	return ""
}

func (s *promotionModel) windowProblem(now domain.Time) string {
	if closed := s.closedReason(now); closed != "" || s.OpensAt <= now {
		return closed
	}
	seconds := (s.OpensAt - now) / 1000
	if (s.OpensAt-now)%1000 > 0 {
		seconds++
	}
	return fmt.Sprintf("not_open %s %d", s.OpensAt, seconds)
}

func (s *promotionModel) limitProblem(user string, quantity int) string {
	held := s.numbersOf(user)
	if len(held)+quantity <= s.PerUserLimit {
		return ""
	}
	if s.PerUserLimit == 1 && len(held) == 1 {
		return fmt.Sprintf("already_issued %s-%d %d", s.id, held[0], held[0])
	}
	return fmt.Sprint("user_limit_exceeded ", s.PerUserLimit)
}

// promotionDeadlines are all changes that time will make.
func (w *model) promotionDeadlines() (deadlines []dueModel) {
	for _, s := range w.promotions {
		if !s.opened && !s.closed && !s.closedByTime {
			deadlines = append(deadlines, dueModel{s.OpensAt, s.sequence, func() string { s.opened = true; return "opened " + s.id }})
		}
		if s.ClosesAt != 0 && !s.closed && !s.closedByTime {
			deadlines = append(deadlines, dueModel{s.ClosesAt, s.sequence, func() string { s.closedByTime = true; return "closed " + s.id + " by " }})
		}
		for _, p := range s.waitlist {
			if p.until != 0 {
				deadlines = append(deadlines, dueModel{p.until, p.sequence, func() string { return s.expireOffer(p) }})
			}
		}
	}
	return deadlines
}

func (w *model) decideCoupons(c domain.Command, now domain.Time) string {
	switch b := c.Body.(type) {
	case coupons.Create:
		if b.Stock < 0 || b.PerUserLimit < 1 {
			return "invalid_body"
		}
		if w.promotions[c.Entity] != nil {
			return "promotion_exists"
		}
		w.promotions[c.Entity] = &promotionModel{Create: b, id: c.Entity, sequence: c.Sequence, opened: b.OpensAt <= now, hadStock: b.Stock > 0}
		return "created " + c.Entity
	case coupons.Use, coupons.Revoke:
		return w.decideCoupon(c)
	case coupons.Accept:
		return w.decideWaiting(c, b.WaitingID, now)
	case coupons.Decline:
		return w.decideWaiting(c, b.WaitingID, now)
	case coupons.Leave:
		return w.decideWaiting(c, b.WaitingID, now)
	}
	if invalidCouponBody(c.Body) {
		return "invalid_body"
	}
	s := w.promotions[c.Entity]
	if s == nil {
		return "promotion_not_found"
	}
	return w.decidePromotion(s, c, now)
}

func invalidCouponBody(body domain.Body) bool {
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

// The model of commands to an existing promotion, and to its coupons.

func (w *model) decidePromotion(s *promotionModel, c domain.Command, now domain.Time) string {
	switch b := c.Body.(type) {
	case coupons.Issue:
		if closed := s.windowProblem(now); closed != "" {
			return closed
		}
		if s.paused {
			return "paused"
		}
		if problem := s.limitProblem(c.User, 1); problem != "" {
			return problem
		}
		if s.remaining() == 0 {
			return "sold_out" + optionalNumber(int(s.soldOutBy)) + optionalNumber(s.offered())
		}
		s.coupons = append(s.coupons, couponModel{owner: c.User})
		return fmt.Sprintf("issued %s-%d", s.id, len(s.coupons))
	case coupons.Join:
		return w.join(s, c, b.Quantity, now)
	}
	if closed := s.closedReason(now); closed != "" {
		return closed
	}
	switch b := c.Body.(type) {
	case coupons.Pause:
		s.paused = true
		return "paused " + s.id
	case coupons.Resume:
		s.paused = false
		return "resumed " + s.id
	case coupons.Close:
		s.closed = true
		return "closed " + s.id + " by " + c.User
	case coupons.ChangeStock:
		if s.Stock+b.Delta > 1_000_000_000 {
			return "invalid_body"
		}
		if committed := s.issued() + s.offered(); s.Stock+b.Delta < committed {
			return "stock_below_issued" + optionalNumber(committed)
		}
		s.Stock += b.Delta
		return fmt.Sprintf("stock of %s by %d to %d", s.id, b.Delta, s.Stock)
	}
	return "unknown command"
}

// optionalNumber is " 7"; "" for 0.
func optionalNumber(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(" ", n)
}

func (w *model) decideCoupon(c domain.Command) string {
	number := 0
	revoke, isRevoke := c.Body.(coupons.Revoke)
	if isRevoke {
		number = revoke.Number
		if len(revoke.Reason) > 200 {
			return "invalid_body"
		}
	} else {
		number = c.Body.(coupons.Use).Number
	}
	s := w.promotions[c.Entity]
	if s == nil || number < 1 || number > len(s.coupons) {
		return "coupon_not_found"
	}
	coupon, id := &s.coupons[number-1], fmt.Sprintf("%s-%d", c.Entity, number)
	if !isRevoke && coupon.owner != c.User {
		return "not_owner"
	}
	if coupon.revoked {
		return "revoked"
	}
	if coupon.inOrder {
		return "coupon_in_order"
	}
	if isRevoke {
		coupon.revoked, coupon.returned = true, revoke.ReturnStock
		return fmt.Sprintf("revoked %s of %s, returned %t\nalarm coupon-revoked for %s\nrevocation of %s of %s done, returned %t", id, coupon.owner,
			coupon.returned, coupon.owner, id, coupon.owner, coupon.returned)
	}
	if coupon.used {
		return "already_used"
	}
	coupon.used = true
	return "used " + id
}

// describeCoupon is the model's line for an event about a promotion; "" for other events.
func describeCoupon(e domain.Event) string {
	switch b := e.Body.(type) {
	case coupons.Created:
		return "created " + b.PromotionID
	case coupons.Issued:
		return "issued " + b.CouponID
	case coupons.Used:
		return "used " + b.CouponID + paidBy(b.PaymentID)
	case coupons.Bound:
		return "bound " + b.CouponID + paidBy(b.PaymentID)
	case coupons.GivenBack:
		return "back " + b.CouponID + paidBy(b.PaymentID)
	case coupons.Opened:
		return "opened " + b.PromotionID
	case coupons.Paused:
		return "paused " + b.PromotionID
	case coupons.Resumed:
		return "resumed " + b.PromotionID
	case coupons.Closed:
		return "closed " + b.PromotionID + " by " + e.User
	case coupons.StockChanged:
		return fmt.Sprintf("stock of %s by %d to %d", b.PromotionID, b.Delta, b.Stock)
	case coupons.Revoked:
		return fmt.Sprintf("revoked %s of %s, returned %t", b.CouponID, e.User, b.Returned)
	case coupons.RevocationDone:
		return fmt.Sprintf("revocation of %s of %s done, returned %t", b.CouponID, b.UserID, b.Returned)
	case coupons.Joined:
		return fmt.Sprintf("joined %s for %d at %d", b.WaitingID, b.Quantity, b.Position)
	case coupons.Left:
		return "left " + b.WaitingID
	case coupons.Offered:
		return fmt.Sprintf("offered %s to %s: %d until %s", b.WaitingID, e.User, b.Quantity, b.ExpiresAt)
	case coupons.Accepted:
		return fmt.Sprintf("accepted %s: %d from %s on, number %d", b.WaitingID, b.Quantity, b.CouponID, b.Number)
	case coupons.Declined:
		return fmt.Sprintf("declined %s: %d", b.WaitingID, b.Quantity)
	case coupons.OfferExpired:
		return fmt.Sprintf("expired %s of %s: %d at %s", b.WaitingID, e.User, b.Quantity, b.ExpiresAt)
	}
	return ""
}
