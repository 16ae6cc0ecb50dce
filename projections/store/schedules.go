// Schedules, seats, holds and reservations as queries read them.

package store

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// Schedule is a schedule with its seats counted. Seats on offer, and those whose release is pending, count as held.
type Schedule struct {
	seats.Created
	Closed    bool
	Cancelled *seats.Cancellation // nil: it takes place
	seats.Counts
	Waiting int // entries without an offer
}

// Schedule is one schedule; false when there is none.
func (v *View) Schedule(id string) (Schedule, bool, error) {
	row, ok, err := findRow[scheduleRow](v.tx, bucketSchedules, []byte(id))
	if !ok {
		return Schedule{}, false, err
	}
	return v.count(row), true, nil
}

// Schedules are those whose id comes after the given one, in alphabetical order, at most limit.
func (v *View) Schedules(after string, limit int) ([]Schedule, error) {
	return rowsAfter(v.tx.table(bucketSchedules), after, limit, func(k, raw []byte) (Schedule, error) {
		row, err := decodeJSON[scheduleRow](bucketSchedules, k, raw)
		return v.count(row), err
	})
}

func (v *View) count(r scheduleRow) Schedule {
	counts := seats.NewCounts(seats.NewLayout(r.Sections).Total())
	c := v.tx.table(bucketSeats).within([]byte(r.ScheduleID)).cursor()
	for k, row := c.First(); k != nil; k, row = c.Next() {
		counts.Take((seatRow{state: row[16]}).status())
	}
	return Schedule{r.Created, r.Closed, r.Cancelled, counts, v.waitingCount("seats", r.ScheduleID)}
}

// SeatView is a seat as the view's user may see it.
type SeatView struct {
	ScheduleSeatID int
	Section, Row   string
	Number         int
	Price          int64
	Status         seats.Status
	Mine           bool
	HeldUntil      domain.Time // only of Mine that are held
}

// Seats calls each for every seat of the schedule in the order of their ids.
func (v *View) Seats(schedule string, each func(SeatView) error) error {
	layout, err := layoutOf(v.tx, schedule)
	if err != nil {
		return err
	}
	rows := v.tx.table(bucketSeats).within([]byte(schedule)).cursor()
	k, value := rows.First()
	for id := 1; id <= layout.Total(); id++ {
		seat := SeatView{ScheduleSeatID: id, Status: seats.StatusAvailable}
		seat.Section, seat.Row, seat.Number, seat.Price = layout.Locate(id)
		if k != nil && seatID(k) == id {
			row := decodeSeat(value)
			seat.Status, seat.Mine = row.status(), row.belongsTo(v.user)
			if seat.Mine {
				seat.HeldUntil = row.until
			}
			k, value = rows.Next()
		}
		if err := each(seat); err != nil {
			return err
		}
	}
	return nil
}

// Hold is an active hold of a user.
type Hold struct {
	HoldID, ScheduleID string
	ScheduleSeatIDs    []int
	TotalPrice         int64
	ExpiresAt          domain.Time
	PaymentID          string // of the order without a result that it is in: it does not expire before; "": none
}

// Holds are the user's active holds, newest first; in one schedule, or in all for "". Offers are not included.
func (v *View) Holds(schedule string, from uint64, limit int) (Page[Hold], error) {
	layouts := map[string]seats.Layout{}
	return userPage(v, from, limit, func(r journalRow) ([]Hold, error) {
		if r.name != "seats.held" && r.name != "seats.accepted" || schedule != "" && r.Entity != schedule {
			return nil, nil
		}
		h, _, err := findRow[allocationRow](v.tx, bucketAllocations, key(r.Sequence))
		if err != nil || h.Allocation == nil || len(h.ScheduleSeatIDs) == 0 {
			return nil, err
		}
		layout, known := layouts[h.ScheduleID]
		if !known {
			if layout, err = layoutOf(v.tx, h.ScheduleID); err != nil {
				return nil, err
			}
			layouts[h.ScheduleID] = layout
		}
		hold := Hold{seats.HoldID(r.Sequence), h.ScheduleID, h.ScheduleSeatIDs, 0, h.ExpiresAt, h.PaymentID}
		for _, id := range h.ScheduleSeatIDs {
			hold.TotalPrice += layout.Describe(id).Price
		}
		return []Hold{hold}, nil
	})
}

// Reservation is a user's, without the seats that an admin reclaimed. A cancelled one keeps its seats.
type Reservation struct {
	ReservationID, ScheduleID string
	ScheduleSeatIDs           []int
	TotalPrice                int64
	Cancelled                 bool
	Order                     *orders.Order // nil: it was not paid for
	RefundPercent             *int          // that its user gets back who cancels it now; nil: nothing, or it is too late
}

// Reservations are the user's, newest first, as of now.
func (v *View) Reservations(now domain.Time, from uint64, limit int) (Page[Reservation], error) {
	schedules := map[string]seats.Created{}
	return userPage(v, from, limit, func(r journalRow) ([]Reservation, error) {
		if r.name != "seats.reserved" {
			return nil, nil
		}
		stored, _, err := findRow[reservationRow](v.tx, bucketReservations, key(r.Sequence))
		if err != nil {
			return nil, err
		}
		reservation, err := newReservation(v.tx, stored, r.Sequence)
		if err != nil || reservation.Order == nil || reservation.Cancelled {
			return []Reservation{reservation}, err
		}
		created, known := schedules[stored.ScheduleID]
		if !known {
			row, _, err := findRow[scheduleRow](v.tx, bucketSchedules, []byte(stored.ScheduleID))
			if err != nil {
				return nil, err
			}
			created = row.Created
			schedules[stored.ScheduleID] = created
		}
		if percent, open := created.RefundPercent(now); open {
			reservation.RefundPercent = &percent
		}
		return []Reservation{reservation}, nil
	})
}

// newReservation is a reservation with its order.
func newReservation(tx *transaction, stored reservationRow, sequence uint64) (Reservation, error) {
	r := Reservation{
		ReservationID: seats.ReservationID(stored.ScheduleID, sequence), ScheduleID: stored.ScheduleID,
		ScheduleSeatIDs: stored.ScheduleSeatIDs, TotalPrice: stored.TotalPrice, Cancelled: stored.Cancelled,
	}
	if stored.PaymentID == "" {
		return r, nil
	}
	o, ok, err := findRow[orders.Order](tx, bucketOrders, []byte(stored.PaymentID))
	if err == nil && !ok {
		err = fmt.Errorf("%w: reservation %s has the unknown order %s", ErrDamaged, r.ReservationID, stored.PaymentID)
	}
	r.Order = &o
	return r, err
}

// layoutOf is the layout of a schedule; one that does not exist has no seats.
func layoutOf(tx *transaction, schedule string) (seats.Layout, error) {
	row, _, err := findRow[scheduleRow](tx, bucketSchedules, []byte(schedule))
	return seats.NewLayout(row.Sections), err
}
