// All seats of a schedule, the free ones too, with whoever has them.
package projections

import (
	"iter"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/seats"
)

// OwnedSeat is a seat and who has it, if anybody has.
type OwnedSeat struct {
	ScheduleID     string
	ScheduleSeatID int
	Section, Row   string
	Number         int
	Price          int64
	Status         seats.Status
	UserID         string      // who holds it, has reserved it, or is offered it
	Under          string      // the id of that hold, reservation or place in a waiting list
	Until          domain.Time // when it is over, or the seat comes back; 0: never
}

// ExportSeats are those of a schedule by their ids, or of all schedules for "".
func (p *Projector) ExportSeats(schedule string) iter.Seq2[OwnedSeat, error] {
	if schedule == "" {
		ids := exported(p, in(bucketSchedules), func(_ *bolt.Tx, k, _ []byte) ([]string, error) { return []string{string(k)}, nil })
		return all(ids, p.ExportSeats)
	}
	return func(yield func(OwnedSeat, error) bool) {
		layout, err := p.layoutOf(schedule)
		for first := 1; err == nil && first <= layout.Total(); first += chunk {
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
	taken := tx.Bucket(bucketSeats).Bucket([]byte(schedule))
	part := make([]OwnedSeat, 0, chunk)
	for id := first; id < first+chunk && id <= layout.Total(); id++ {
		seat := OwnedSeat{ScheduleID: schedule, ScheduleSeatID: id, Status: seats.StatusAvailable}
		seat.Section, seat.Row, seat.Number, seat.Price = layout.Place(id)
		if taken != nil {
			if raw := taken.Get(seatKey(id)); raw != nil {
				row := decodeSeat(raw)
				seat.Status, seat.UserID, seat.Under, seat.Until = row.status(), row.user, row.under(schedule), row.until
			}
		}
		part = append(part, seat)
	}
	return part
}

// under is the id of what the seat is in; "" when that is nobody's.
func (r seatRow) under(schedule string) string {
	switch r.is {
	case seatHeld:
		return seats.HoldID(r.ref)
	case seatOffered:
		return seats.WaitingID(schedule, r.ref)
	case seatReserved:
		return seats.ReservationID(schedule, r.ref)
	}
	return ""
}
