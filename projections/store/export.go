// Exports: every row of a kind. A long read transaction keeps bbolt from reusing pages, so each thousand rows are read in one of
// their own: a change during an export may be in it or not.

package store

import (
	"bytes"
	"encoding/json"
	"iter"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

const exportChunk = 1_000 // rows of one transaction

// Exporter reads whole buckets.
type Exporter struct {
	store     *Store
	check     func() error
	confirmed func() uint64
}

// Exporter calls check before each chunk; an error ends the export. confirmed is the number of the last confirmed event.
func (s *Store) Exporter(check func() error, confirmed func() uint64) Exporter {
	return Exporter{s, check, confirmed}
}

// exportRows reads a bucket; row may leave rows out.
func exportRows[T any](x Exporter, bucket func(*transaction) table, row func(tx *transaction, k, v []byte) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var next []byte // the key to go on with; nil: the first
		for {
			var found []T
			err := x.check()
			if err == nil {
				err = x.store.view(func(tx *transaction) (err error) {
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

func readChunk[T any](tx *transaction, b table, from []byte, row func(tx *transaction, k, v []byte) ([]T, error)) (found []T, next []byte, err error) {
	c := b.cursor()
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

func bucketNamed(name []byte) func(*transaction) table {
	return func(tx *transaction) table { return tx.table(name) }
}

// exportJSON is every row of a bucket of JSON.
func exportJSON[T any](x Exporter, bucket []byte) iter.Seq2[T, error] {
	return exportRows(x, bucketNamed(bucket), func(_ *transaction, k, v []byte) ([]T, error) {
		row, err := decodeJSON[T](bucket, k, v)
		return []T{row}, err
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

// ExportPromotions are all promotions.
func (x Exporter) ExportPromotions() iter.Seq2[coupons.Promotion, error] {
	return exportJSON[coupons.Promotion](x, bucketPromotions)
}

// ExportProducts are all products.
func (x Exporter) ExportProducts() iter.Seq2[orders.Product, error] {
	return exportJSON[orders.Product](x, bucketProducts)
}

// ExportOrders are all orders by imp_uid.
func (x Exporter) ExportOrders() iter.Seq2[orders.Order, error] {
	return exportJSON[orders.Order](x, bucketOrders)
}

// OwnedCoupon is a coupon, the user it was issued to, and the order that it is in, or was used for.
type OwnedCoupon struct {
	Coupon
	UserID string
	Order  *orders.Order // nil: none
}

// ExportCoupons are those of a promotion by number, or of all promotions for "".
func (x Exporter) ExportCoupons(promotion string) iter.Seq2[OwnedCoupon, error] {
	if promotion == "" {
		return concat(x.ExportPromotions(), func(p coupons.Promotion) iter.Seq2[OwnedCoupon, error] { return x.ExportCoupons(p.PromotionID) })
	}
	bucket := func(tx *transaction) table { return tx.table(bucketCoupons).within([]byte(promotion)) }
	return exportRows(x, bucket, func(tx *transaction, k, v []byte) ([]OwnedCoupon, error) {
		row, err := decodeCoupon(v)
		if err != nil {
			return nil, err
		}
		issued, err := mustReadRow(tx, row.eventNumber)
		if err != nil {
			return nil, err
		}
		n := int(number(k))
		c := OwnedCoupon{UserID: issued.User, Coupon: Coupon{
			CouponID: coupons.CouponID(promotion, n), PromotionID: promotion, Number: n, Status: row.status, IssuedAt: issued.Now,
			PaymentID: row.paymentID,
		}}
		if row.paymentID != "" {
			o, _, err := findRow[orders.Order](tx, bucketOrders, []byte(row.paymentID))
			if err != nil {
				return nil, err
			}
			c.Order = &o
		}
		return []OwnedCoupon{c}, nil
	})
}

// OwnedReservation is a reservation and its user.
type OwnedReservation struct {
	Reservation
	UserID string
}

// ExportReservations are all reservations by sequence.
func (x Exporter) ExportReservations() iter.Seq2[OwnedReservation, error] {
	return exportRows(x, bucketNamed(bucketReservations), func(tx *transaction, k, v []byte) ([]OwnedReservation, error) {
		stored, err := decodeJSON[reservationRow](bucketReservations, k, v)
		if err != nil {
			return nil, err
		}
		r, err := newReservation(tx, stored, number(k))
		return []OwnedReservation{{r, stored.User}}, err
	})
}

// OwnedSeat is a seat and its user, if any.
type OwnedSeat struct {
	ScheduleID     string
	ScheduleSeatID int
	Section, Row   string
	Number         int
	Price          int64
	Status         seats.Status
	UserID         string      // that holds it, has reserved it, or is offered it
	RefID          string      // the id of that hold, reservation or waiting entry
	Until          domain.Time // its deadline, or when it becomes available; 0: none
}

// ExportSeats are all seats of a schedule by their ids, free ones too, or of all schedules for "".
func (x Exporter) ExportSeats(schedule string) iter.Seq2[OwnedSeat, error] {
	if schedule == "" {
		ids := exportRows(x, bucketNamed(bucketSchedules), func(_ *transaction, k, _ []byte) ([]string, error) { return []string{string(k)}, nil })
		return concat(ids, x.ExportSeats)
	}
	return func(yield func(OwnedSeat, error) bool) {
		var layout seats.Layout
		err := x.check()
		if err == nil {
			err = x.store.view(func(tx *transaction) (err error) {
				layout, err = layoutOf(tx, schedule)
				return err
			})
		}
		for first := 1; err == nil && first <= layout.Total(); first += exportChunk {
			var part []OwnedSeat
			err = x.store.view(func(tx *transaction) error {
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

func seatsFrom(tx *transaction, schedule string, layout seats.Layout, first int) []OwnedSeat {
	rows := tx.table(bucketSeats).within([]byte(schedule))
	part := make([]OwnedSeat, 0, exportChunk)
	for id := first; id < first+exportChunk && id <= layout.Total(); id++ {
		seat := OwnedSeat{ScheduleID: schedule, ScheduleSeatID: id, Status: seats.StatusAvailable}
		seat.Section, seat.Row, seat.Number, seat.Price = layout.Locate(id)
		if raw := rows.get(seatKey(id)); raw != nil {
			row := decodeSeat(raw)
			seat.Status, seat.UserID, seat.RefID, seat.Until = row.status(), row.user, row.refID(schedule), row.until
		}
		part = append(part, seat)
	}
	return part
}

// refID is the id of the hold, reservation or waiting entry that has the seat; "" when there is none.
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

// AdminAction is an admin's command and its outcome.
type AdminAction struct {
	EventNumber uint64
	Sequence    uint64 // of the command
	At          domain.Time
	User        string
	Command     string // its type: "coupons.pause"
	Entity      string // the promotion, schedule, product or order, or the user of an alarm
	Code        string // of the rejection; "": it succeeded
	Reason      string // that the admin gave
	Request     domain.RequestID
}

// ExportAuditLog is every confirmed action of admins, rejected ones too, in order. The reason of a rejected command is in
// COMMANDS only.
func (x Exporter) ExportAuditLog() iter.Seq2[AdminAction, error] {
	confirmed := x.confirmed()
	return exportRows(x, bucketNamed(bucketJournal), func(_ *transaction, k, v []byte) ([]AdminAction, error) {
		header, err := readRowHeader(k, v)
		if err != nil || number(k) > confirmed || !header.hasRequest {
			return nil, err
		}
		command, byAdmin := x.store.log.AdminCommand(string(header.name))
		rejected := header.rejectionCode() != nil
		if !rejected && !byAdmin {
			return nil, nil
		}
		r, err := decodeRow(k, v)
		if err != nil {
			return nil, err
		}
		var body struct{ Command, Code, Reason string }
		if err := json.Unmarshal(r.data, &body); err != nil {
			return nil, err
		}
		if rejected {
			if command, byAdmin = x.store.log.AdminCommand(body.Command); !byAdmin {
				return nil, nil
			}
		}
		return []AdminAction{{r.Number, r.Sequence, r.Now, r.User, command, r.Entity, body.Code, body.Reason, r.Request}}, nil
	})
}
