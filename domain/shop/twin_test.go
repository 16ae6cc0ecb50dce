// The dumb twin: the rules once more, from their description and not from their code, as slow and as plain as can be.
// It knows nothing of sequences that are not told to it, has no heap and no index, and says in words what it decided.
package shop_test

import (
	"cmp"
	"fmt"
	"slices"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

type (
	twinSale struct {
		coupons.Create
		owners []string // of number 1, 2, …
		last   uint64   // took the last unit
	}
	twinHold struct {
		sequence uint64
		hall     string
		user     string
		seats    []int
		until    domain.Time
	}
	twin struct {
		now      domain.Time
		asked    map[domain.RequestID]domain.Fingerprint
		sales    map[string]*twinSale
		halls    map[string]seats.Create
		holds    []twinHold // until their end is told
		ended    []twinHold
		reserved []twinHold
	}
)

func newTwin() *twin {
	return &twin{asked: map[domain.RequestID]domain.Fingerprint{}, sales: map[string]*twinSale{}, halls: map[string]seats.Create{}}
}

// decide says what command c led to, and makes it so.
func (w *twin) decide(c domain.Command) (told []string) {
	now := max(w.now, c.At)
	slices.SortFunc(w.holds, func(a, b twinHold) int {
		return cmp.Or(cmp.Compare(a.until, b.until), cmp.Compare(a.sequence, b.sequence))
	})
	for len(w.holds) > 0 && w.holds[0].until <= now && len(told) < 500 {
		h := w.holds[0]
		told = append(told, fmt.Sprintf("h%d of %s in %s ends %s %v", h.sequence, h.user, h.hall, h.until, h.seats))
		w.holds, w.ended = w.holds[1:], append(w.ended, h)
	}
	if first, again := w.asked[c.Request]; again && first != c.Fingerprint {
		told = append(told, "request_id_reused")
	} else if _, clock := c.Body.(domain.Clock); !again && !clock {
		w.asked[c.Request] = c.Fingerprint
		told = append(told, w.outcome(c, now))
	}
	if len(told) > 0 {
		w.now = now
	}
	return told
}

func (w *twin) outcome(c domain.Command, now domain.Time) string {
	switch b := c.Body.(type) {
	case coupons.Create:
		if b.Stock < 0 || b.PerUserLimit < 1 {
			return "invalid_body"
		}
		if w.sales[c.Entity] != nil {
			return "promotion_exists"
		}
		w.sales[c.Entity] = &twinSale{Create: b}
		return "created " + c.Entity
	case coupons.Issue:
		return w.issue(c, now)
	case seats.Create:
		if len(b.Sections) == 0 {
			return "invalid_body"
		}
		if _, ok := w.halls[c.Entity]; ok {
			return "schedule_exists"
		}
		w.halls[c.Entity] = b
		return "created " + c.Entity
	case seats.Hold:
		return w.hold(c, b.ScheduleSeatIDs, now)
	case seats.Release:
		return w.release(c, b, now)
	case seats.Reserve:
		return w.reserve(c, b, now)
	}
	return "what is this?"
}

func (w *twin) issue(c domain.Command, now domain.Time) string {
	sale := w.sales[c.Entity]
	if sale == nil {
		return "promotion_not_found"
	}
	if sale.OpensAt > now {
		return fmt.Sprint("not_open ", sale.OpensAt)
	}
	if sale.ClosesAt != 0 && sale.ClosesAt <= now {
		return fmt.Sprint("closed ", sale.ClosesAt)
	}
	has := 0
	for _, owner := range sale.owners {
		if owner == c.User {
			has++
		}
	}
	if has == sale.PerUserLimit && has == 1 {
		return fmt.Sprintf("already_issued %s-%d", c.Entity, slices.Index(sale.owners, c.User)+1)
	}
	if has == sale.PerUserLimit {
		return fmt.Sprint("user_limit_exceeded ", has)
	}
	if sale.Stock == 0 {
		return "sold_out"
	}
	if len(sale.owners) == sale.Stock {
		return fmt.Sprint("sold_out ", sale.last)
	}
	sale.owners = append(sale.owners, c.User)
	if len(sale.owners) == sale.Stock {
		sale.last = c.Sequence
	}
	return fmt.Sprintf("issued %s-%d", c.Entity, len(sale.owners))
}
