// The files that can be exported, and what stands in their columns.
package http

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/projections"
)

type exportFile struct {
	filters []string
	columns []string
	rows    func(*Server, chosen) iter.Seq2[[]string, error]
}

var files = map[string]exportFile{
	"promotions.csv": {
		[]string{"promotionId"},
		[]string{"promotionId", "name", "stock", "issued", "remaining", "status", "opensAt", "closesAt", "perUserLimit"},
		func(s *Server, of chosen) iter.Seq2[[]string, error] {
			return cells(s.Projector.ExportPromotions(), func(p coupons.Promotion) ([]string, error) {
				if of.promotion != "" && of.promotion != p.PromotionID {
					return nil, nil
				}
				v := s.viewPromotion(p, 0)
				return []string{v.PromotionID, v.Name, strconv.Itoa(v.Stock), strconv.Itoa(v.Issued), strconv.Itoa(v.Remaining),
					v.Status, timeCell(v.OpensAt), timeCell(v.ClosesAt), strconv.Itoa(v.PerUserLimit)}, nil
			})
		},
	},
	"coupons.csv": {
		[]string{"promotionId"},
		[]string{"couponId", "promotionId", "number", "userId", "status", "issuedAt"},
		func(s *Server, of chosen) iter.Seq2[[]string, error] {
			return cells(s.Projector.ExportCoupons(of.promotion), func(c projections.OwnedCoupon) ([]string, error) {
				return []string{c.CouponID, c.PromotionID, strconv.Itoa(c.Number), c.UserID, c.Status.String(), timeCell(c.IssuedAt)}, nil
			})
		},
	},
	"seats.csv": {
		[]string{"scheduleId"},
		[]string{"scheduleId", "scheduleSeatId", "section", "row", "number", "price", "status", "userId", "under", "until"},
		func(s *Server, of chosen) iter.Seq2[[]string, error] {
			return cells(s.Projector.ExportSeats(of.schedule), func(seat projections.OwnedSeat) ([]string, error) {
				return []string{seat.ScheduleID, strconv.Itoa(seat.ScheduleSeatID), seat.Section, seat.Row, strconv.Itoa(seat.Number),
					strconv.FormatInt(seat.Price, 10), string(seat.Status), seat.UserID, seat.Under, timeCell(seat.Until)}, nil
			})
		},
	},
	"reservations.csv": {
		[]string{"scheduleId"},
		[]string{"reservationId", "scheduleId", "userId", "scheduleSeatIds", "totalPrice", "status"},
		func(s *Server, of chosen) iter.Seq2[[]string, error] {
			return cells(s.Projector.ExportReservations(), func(r projections.OwnedReservation) ([]string, error) {
				if of.schedule != "" && of.schedule != r.ScheduleID {
					return nil, nil
				}
				v := viewReservation(r.Reservation)
				return []string{v.ReservationID, v.ScheduleID, r.UserID, strings.Trim(fmt.Sprint(v.ScheduleSeatIDs), "[]"),
					strconv.FormatInt(v.TotalPrice, 10), v.Status}, nil
			})
		},
	},
	"products.csv": {
		[]string{"salePostId"},
		[]string{"salePostId", "name", "price", "stock", "remaining", "status"},
		func(s *Server, of chosen) iter.Seq2[[]string, error] {
			return cells(s.Projector.ExportProducts(), func(p orders.Product) ([]string, error) {
				if of.product != "" && of.product != p.SalePostID {
					return nil, nil
				}
				v := viewProduct(p)
				return []string{v.SalePostID, v.Name, strconv.FormatInt(v.Price, 10), strconv.Itoa(v.Stock), strconv.Itoa(v.Remaining), v.Status}, nil
			})
		},
	},
	"orders.csv": {
		[]string{"salePostId"},
		[]string{"imp_uid", "salePostId", "userId", "count", "amount", "orderStatus", "reason", "placedAt", "merchant_uid", "paid", "refunded"},
		func(s *Server, of chosen) iter.Seq2[[]string, error] {
			return cells(s.Projector.ExportOrders(), func(o orders.Order) ([]string, error) {
				if of.product != "" && of.product != o.SalePostID {
					return nil, nil
				}
				return append([]string{o.ImpUID, o.SalePostID, o.User, strconv.Itoa(o.Count), strconv.FormatInt(o.Amount, 10), string(o.Status),
					o.Reason, timeCell(o.PlacedAt)}, moneyCells(o.Payment)...), nil
			})
		},
	},
	"audit.csv": {
		[]string{"promotionId", "scheduleId"},
		[]string{"at", "sequence", "user", "command", "entity", "reason", "requestId", "outcome"},
		func(s *Server, of chosen) iter.Seq2[[]string, error] {
			return cells(s.Projector.ExportTrail(), func(d projections.Deed) ([]string, error) { return deedCells(d, of) })
		},
	},
}

// cells are the rows of a file; nil ones are none.
func cells[T any](all iter.Seq2[T, error], row func(T) ([]string, error)) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for t, err := range all {
			var shown []string
			if err == nil {
				shown, err = row(t)
			}
			if !yield(shown, err) {
				return
			}
		}
	}
}

// commandOf is the command of the shop's that an event came from.
var commandOf = map[string]string{
	"coupons.created": "coupons.create", "coupons.restocked": "coupons.stock", "coupons.paused": "coupons.pause",
	"coupons.resumed": "coupons.resume", "coupons.closed": "coupons.close", "coupons.withdrawn": "coupons.revoke",
	"seats.created": "seats.create", "seats.blocked": "seats.block", "seats.unblocked": "seats.unblock",
	"seats.freed": "seats.free", "seats.closed": "seats.close", "alarms.sent": "alarms.raise",
	"products.created": "products.create", "products.restocked": "products.stock", "products.closed": "products.close",
	"orders.cancelled": "orders.cancel",
}

// deedCells are those of a deed that is about what was chosen; of both, where both were.
func deedCells(d projections.Deed, of chosen) ([]string, error) {
	about := domain.Kind(d.Type) + "." + d.Entity
	if of != (chosen{}) && about != "coupons."+of.promotion && about != "seats."+of.schedule {
		return nil, nil
	}
	command, outcome := d.Type, d.Code
	if d.Code == "" {
		command, outcome = commandOf[d.Type], "SUCCEEDED"
	}
	sequence := strconv.FormatUint(d.Sequence, 10)
	return []string{timeCell(d.At), sequence, d.User, command, d.Entity, d.Reason, d.Request.String(), outcome}, nil
}

// moneyCells say what the provider was last heard to have of an order's payment; empty where it was not heard.
func moneyCells(p *orders.Payment) []string {
	if p == nil {
		return []string{"", "", ""}
	}
	paid := int64(0)
	if p.State == orders.PaymentPaid || p.State == orders.PaymentCancelled {
		paid = p.Amount
	}
	return []string{p.MerchantUID, strconv.FormatInt(paid, 10), strconv.FormatInt(p.Cancelled, 10)}
}

func timeCell(t domain.Time) string {
	if t == 0 {
		return ""
	}
	return t.String()
}
