// Exports: everything of a kind, row by row, for whoever takes it home. An old transaction keeps bbolt from using pages
// again, so each thousand rows are read in one of their own: what changes meanwhile may be seen before or after.

package projections

import (
	"bytes"
	"encoding/json"
	"iter"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

const exportChunk = 1_000 // rows of one transaction

// exportRows reads a bucket; row may leave rows out.
func exportRows[T any](p *Projector, bucket func(*bolt.Tx) *bolt.Bucket, row func(tx *bolt.Tx, k, v []byte) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var next []byte // the key to go on with; nil: the first
		for {
			var found []T
			err := p.haltedError()
			if err == nil {
				err = p.store.view(func(tx *bolt.Tx) (err error) {
					found, next, err = readChunk(tx, bucket(tx), next, row)
					return err
				})
			}
			for _, t := range found {
				if !yield(t, nil) {
					return
				}
			}
			if err != nil {
				var zero T
				yield(zero, err)
			}
			if err != nil || next == nil {
				return
			}
		}
	}
}

func readChunk[T any](tx *bolt.Tx, b *bolt.Bucket, from []byte, row func(tx *bolt.Tx, k, v []byte) ([]T, error)) (found []T, next []byte, err error) {
	if b == nil {
		return nil, nil, nil
	}
	c := b.Cursor()
	k, v := c.Seek(from)
	for n := 0; k != nil; k, v = c.Next() {
		if n++; n > exportChunk {
			return found, bytes.Clone(k), nil
		}
		more, err := row(tx, k, v)
		if err != nil {
			return found, nil, err
		}
		found = append(found, more...)
	}
	return found, nil, nil
}

// ExportPromotions are all promotions.
func (p *Projector) ExportPromotions() iter.Seq2[coupons.Promotion, error] {
	return exportRows(p, bucketNamed(bucketPromotions), func(_ *bolt.Tx, k, v []byte) ([]coupons.Promotion, error) {
		promotion, err := decodePromotion(k, v)
		return []coupons.Promotion{promotion}, err
	})
}

func bucketNamed(name []byte) func(*bolt.Tx) *bolt.Bucket {
	return func(tx *bolt.Tx) *bolt.Bucket { return tx.Bucket(name) }
}

// OwnedCoupon is a coupon and the user who has or had it.
type OwnedCoupon struct {
	Coupon
	UserID string
}

// ExportCoupons are those of a promotion by number, or of all promotions for "".
func (p *Projector) ExportCoupons(promotion string) iter.Seq2[OwnedCoupon, error] {
	if promotion == "" {
		return concat(p.ExportPromotions(), func(parent coupons.Promotion) iter.Seq2[OwnedCoupon, error] {
			return p.ExportCoupons(parent.PromotionID)
		})
	}
	bucket := func(tx *bolt.Tx) *bolt.Bucket { return tx.Bucket(bucketCoupons).Bucket([]byte(promotion)) }
	return exportRows(p, bucket, func(tx *bolt.Tx, k, v []byte) ([]OwnedCoupon, error) {
		row, err := decodeCoupon(v)
		if err != nil {
			return nil, err
		}
		issued, _, err := readJournalRow(tx, row.eventNumber)
		n := int(number(k))
		return []OwnedCoupon{{Coupon{coupons.CouponID(promotion, n), promotion, n, row.status, issued.At}, row.user}}, err
	})
}

// concat is one export after the other.
func concat[K, T any](groups iter.Seq2[K, error], rows func(K) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for group, err := range groups {
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for t, err := range rows(group) {
				if !yield(t, err) || err != nil {
					return
				}
			}
		}
	}
}

// OwnedReservation is a reservation and whose it is or was.
type OwnedReservation struct {
	Reservation
	UserID string
}

// ExportReservations are all reservations in the order of the line.
func (p *Projector) ExportReservations() iter.Seq2[OwnedReservation, error] {
	return exportRows(p, bucketNamed(bucketReservations), func(_ *bolt.Tx, k, v []byte) ([]OwnedReservation, error) {
		var r reservationRow
		err := json.Unmarshal(v, &r)
		id := seats.ReservationID(r.ScheduleID, number(k))
		return []OwnedReservation{{Reservation{id, r.ScheduleID, r.ScheduleSeatIDs, r.TotalPrice, r.Cancelled}, r.User}}, err
	})
}

// ExportProducts are all products.
func (p *Projector) ExportProducts() iter.Seq2[orders.Product, error] {
	return exportRows(p, bucketNamed(bucketProducts), func(_ *bolt.Tx, k, v []byte) ([]orders.Product, error) {
		product, err := decodeJSON[orders.Product](bucketProducts, k, v)
		return []orders.Product{product}, err
	})
}

// ExportOrders are all orders by imp_uid, with everything that is known of them.
func (p *Projector) ExportOrders() iter.Seq2[orders.Order, error] {
	return exportRows(p, bucketNamed(bucketOrders), func(_ *bolt.Tx, k, v []byte) ([]orders.Order, error) {
		o, err := decodeJSON[orders.Order](bucketOrders, k, v)
		return []orders.Order{o}, err
	})
}

// All seats of a schedule, the free ones too, with whoever has them.

// OwnedSeat is a seat and who has it, if anybody has.
type OwnedSeat struct {
	ScheduleID     string
	ScheduleSeatID int
	Section, Row   string
	Number         int
	Price          int64
	Status         seats.Status
	UserID         string      // who holds it, has reserved it, or is offered it
	RefID          string      // the id of that hold, reservation or place in a waiting list
	Until          domain.Time // when it is over, or the seat comes back; 0: never
}

// ExportSeats are those of a schedule by their ids, or of all schedules for "".
func (p *Projector) ExportSeats(schedule string) iter.Seq2[OwnedSeat, error] {
	if schedule == "" {
		ids := exportRows(p, bucketNamed(bucketSchedules), func(_ *bolt.Tx, k, _ []byte) ([]string, error) { return []string{string(k)}, nil })
		return concat(ids, p.ExportSeats)
	}
	return func(yield func(OwnedSeat, error) bool) {
		layout, err := p.layoutOf(schedule)
		for first := 1; err == nil && first <= layout.Total(); first += exportChunk {
			var part []OwnedSeat
			err = p.store.view(func(tx *bolt.Tx) error {
				part = seatsFrom(tx, schedule, layout, first)
				return nil
			})
			for _, seat := range part {
				if !yield(seat, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(OwnedSeat{}, err)
		}
	}
}

func (p *Projector) layoutOf(schedule string) (layout seats.Layout, err error) {
	if err := p.haltedError(); err != nil {
		return layout, err
	}
	err = p.store.view(func(tx *bolt.Tx) error {
		raw := tx.Bucket(bucketSchedules).Get([]byte(schedule))
		if raw == nil {
			return nil // it has no seats
		}
		created, err := decodeSchedule([]byte(schedule), raw)
		layout = seats.NewLayout(created.Sections)
		return err
	})
	return layout, err
}

func seatsFrom(tx *bolt.Tx, schedule string, layout seats.Layout, first int) []OwnedSeat {
	rows := tx.Bucket(bucketSeats).Bucket([]byte(schedule))
	part := make([]OwnedSeat, 0, exportChunk)
	for id := first; id < first+exportChunk && id <= layout.Total(); id++ {
		seat := OwnedSeat{ScheduleID: schedule, ScheduleSeatID: id, Status: seats.StatusAvailable}
		seat.Section, seat.Row, seat.Number, seat.Price = layout.Locate(id)
		if rows != nil {
			if raw := rows.Get(seatKey(id)); raw != nil {
				row := decodeSeat(raw)
				seat.Status, seat.UserID, seat.RefID, seat.Until = row.status(), row.user, row.refID(schedule), row.until
			}
		}
		part = append(part, seat)
	}
	return part
}

// refID is the id of what the seat is in; "" when that is nobody's.
func (r seatRow) refID(schedule string) string {
	switch r.state {
	case seatHeld:
		return seats.HoldID(r.ref)
	case seatOffered:
		return seats.WaitingID(schedule, r.ref)
	case seatReserved:
		return seats.ReservationID(schedule, r.ref)
	}
	return ""
}
