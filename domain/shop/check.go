// The laws that hold after every event, whatever the rules of the day are.
package shop

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
)

// Check says which law of conservation event e, just made so, has broken. Stock = remaining + issued with nothing below
// zero; every seat is free, held by one or reserved by one.
func (s *Shop) Check(e domain.Event) error {
	switch body := e.Body.(type) {
	case coupons.Issued:
		if p := s.Coupons.Promotion(body.PromotionID); p.Remaining() < 0 || body.Number != p.Issued {
			return fmt.Errorf("promotion %s has issued number %d of %d, %d in all", p.PromotionID, body.Number, p.Stock, p.Issued)
		}
	case seats.Held:
		return s.Seats.Schedule(body.ScheduleID).Check(body.ScheduleSeatIDs)
	case seats.Released:
		return s.Seats.Schedule(body.ScheduleID).Check(body.ScheduleSeatIDs)
	case seats.Reserved:
		return s.Seats.Schedule(body.ScheduleID).Check(body.ScheduleSeatIDs)
	case seats.Expired:
		return s.Seats.Schedule(body.ScheduleID).Check(body.ScheduleSeatIDs)
	}
	return nil
}
