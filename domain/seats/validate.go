// Shapes: what is wrong with a wish before anybody looks at a schedule. Each error is a *domain.FieldError.

package seats

import (
	"fmt"

	"onsale/domain"
)

// MaxReason bounds the shop's reasons, in bytes.
const MaxReason = 200

// Check says which field of h has a wrong shape.
func (h Hold) Check() error {
	switch {
	case h.BestAvailable == nil:
		return checkSeats("scheduleSeatIds", h.ScheduleSeatIDs)
	case h.ScheduleSeatIDs != nil:
		return &domain.FieldError{Field: "bestAvailable", Problem: "give either scheduleSeatIds or bestAvailable"}
	case h.BestAvailable.Count < 1:
		return &domain.FieldError{Field: "bestAvailable.count", Problem: "at least 1"}
	}
	return checkSection("bestAvailable.section", h.BestAvailable.Section)
}

// checkSection takes what can be the name of a section; "" stands for all.
func checkSection(field, name string) error {
	if name != "" && !validName(name) {
		return &domain.FieldError{Field: field, Problem: fmt.Sprintf("1 to %d printable bytes", MaxName)}
	}
	return nil
}

// Check says which field of r has a wrong shape.
func (r Release) Check() error { return checkHoldOrSeats(r.HoldID, r.ScheduleSeatIDs, false) }

// Check says which field of r has a wrong shape.
func (r Reserve) Check() error { return checkHoldOrSeats(r.HoldID, r.ScheduleSeatIDs, true) }

// Check says which field of e has a wrong shape.
func (e Extend) Check() error { return checkID("holdId", e.HoldID) }

// Check says which field of s has a wrong shape.
func (s Swap) Check() error {
	if err := checkID("holdId", s.HoldID); err != nil {
		return err
	}
	if len(s.Release) > 0 {
		if err := checkSeats("release", s.Release); err != nil {
			return err
		}
	}
	if len(s.Take) > 0 || len(s.Release) == 0 {
		if err := checkSeats("take", s.Take); err != nil {
			return err
		}
	}
	return checkSeats("take", append(append([]int{}, s.Release...), s.Take...)) // one that is given back and taken
}

// Check says which field of c has a wrong shape.
func (c Cancel) Check() error { return checkID("reservationId", c.ReservationID) }

// Check says which field of b has a wrong shape.
func (b Block) Check() error { return checkSeatsAndReason(b.ScheduleSeatIDs, b.Reason) }

// Check says which field of u has a wrong shape.
func (u Unblock) Check() error { return checkSeatsAndReason(u.ScheduleSeatIDs, u.Reason) }

// Check says which field of f has a wrong shape.
func (f Reclaim) Check() error { return checkSeatsAndReason(f.ScheduleSeatIDs, f.Reason) }

// Check says which field of c has a wrong shape.
func (c Close) Check() error { return checkReason(c.Reason) }

// Check says which field of j has a wrong shape.
func (j Join) Check() error {
	if j.Quantity < 1 {
		return &domain.FieldError{Field: "quantity", Problem: "at least 1"}
	}
	return checkSection("section", j.Section)
}

// Check says which field of l has a wrong shape.
func (l Leave) Check() error { return checkID("waitingId", l.WaitingID) }

// Check says which field of a has a wrong shape.
func (a Accept) Check() error { return checkID("waitingId", a.WaitingID) }

// Check says which field of d has a wrong shape.
func (d Decline) Check() error { return checkID("waitingId", d.WaitingID) }

func checkID(field, id string) error {
	if domain.CheckID(id) != nil {
		return &domain.FieldError{Field: field, Problem: domain.ErrInvalidID.Error()}
	}
	return nil
}

func checkReason(reason string) error {
	if len(reason) > MaxReason {
		return &domain.FieldError{Field: "reason", Problem: fmt.Sprintf("at most %d bytes", MaxReason)}
	}
	return nil
}

func checkSeatsAndReason(ids []int, reason string) error {
	if err := checkSeats("scheduleSeatIds", ids); err != nil {
		return err
	}
	return checkReason(reason)
}

func checkSeats(field string, ids []int) error {
	if len(ids) == 0 {
		return &domain.FieldError{Field: field, Problem: "names no seat"}
	}
	seen := make(map[int]bool, len(ids))
	for i, id := range ids {
		at := fmt.Sprintf("%s[%d]", field, i)
		if id < 1 {
			return &domain.FieldError{Field: at, Problem: "seats are numbered from 1"}
		}
		if seen[id] {
			return &domain.FieldError{Field: at, Problem: fmt.Sprintf("seat %d is named twice", id)}
		}
		seen[id] = true
	}
	return nil
}

// checkHoldOrSeats wants a hold or seats, and both only where the one narrows the other.
func checkHoldOrSeats(holdID string, ids []int, allowBoth bool) error {
	switch {
	case holdID == "":
		return checkSeats("scheduleSeatIds", ids)
	case domain.CheckID(holdID) != nil:
		return checkID("holdId", holdID)
	case ids == nil:
		return nil
	case !allowBoth:
		return &domain.FieldError{Field: "scheduleSeatIds", Problem: "give either holdId or scheduleSeatIds"}
	}
	return checkSeats("scheduleSeatIds", ids)
}
