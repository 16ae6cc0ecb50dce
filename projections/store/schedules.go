// Schedules, seats, holds and reservations as queries read them.

package store

import (
	"encoding/json"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/seats"
)

// Schedule is a schedule with its seats counted. Seats on offer, and those whose release is pending, count as held.
type Schedule struct {
	seats.Created
	Closed bool
	seats.Counts
	Waiting int // entries without an offer
}

// Schedule is one schedule; false when there is none.
func (v *View) Schedule(id string) (Schedule, bool, error) {
	raw := v.tx.Bucket(bucketSchedules).Get([]byte(id))
	if raw == nil {
		return Schedule{}, false, nil
	}
	s, err := v.count([]byte(id), raw)
	return s, err == nil, err
}

// Schedules are those whose id comes after the given one, in alphabetical order, at most limit.
func (v *View) Schedules(after string, limit int) ([]Schedule, error) {
	return rowsAfter(v.tx.Bucket(bucketSchedules), after, limit, v.count)
}

func (v *View) count(id, raw []byte) (Schedule, error) {
	r, err := decodeSchedule(id, raw)
	if err != nil {
		return Schedule{}, err
	}
	s := Schedule{Created: r.Created, Closed: r.Closed, Counts: seats.NewCounts(seats.NewLayout(r.Sections).Total()), Waiting: v.waitingCount("seats", string(id))}
	if rows := v.tx.Bucket(bucketSeats).Bucket(id); rows != nil {
		err = rows.ForEach(func(_, v []byte) error {
			s.Counts.Take((seatRow{state: v[16]}).status())
			return nil
		})
	}
	return s, err
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
	raw := v.tx.Bucket(bucketSchedules).Get([]byte(schedule))
	if raw == nil {
		return nil
	}
	created, err := decodeSchedule([]byte(schedule), raw)
	if err != nil {
		return err
	}
	var rows *bolt.Cursor
	var k, value []byte
	if b := v.tx.Bucket(bucketSeats).Bucket([]byte(schedule)); b != nil {
		rows = b.Cursor()
		k, value = rows.First()
	}
	layout := seats.NewLayout(created.Sections)
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
}

// Holds are the user's active holds, newest first; in one schedule, or in all for "". Offers are not included.
func (v *View) Holds(schedule string, from uint64, limit int) (Page[Hold], error) {
	layouts := map[string]seats.Layout{}
	return userPage(v, from, limit, func(r journalRow) ([]Hold, error) {
		if r.name != "seats.held" && r.name != "seats.accepted" || schedule != "" && r.Entity != schedule {
			return nil, nil
		}
		var h allocationRow
		if err := unmarshalRow(v.tx.Bucket(bucketAllocations), r.Sequence, &h); err != nil || h.Allocation == nil || len(h.ScheduleSeatIDs) == 0 {
			return nil, err
		}
		hold := Hold{seats.HoldID(r.Sequence), h.ScheduleID, h.ScheduleSeatIDs, 0, h.ExpiresAt}
		layout, err := v.layout(layouts, h.ScheduleID)
		for _, id := range h.ScheduleSeatIDs {
			hold.TotalPrice += layout.Describe(id).Price
		}
		return []Hold{hold}, err
	})
}

// Reservation is a user's, without the seats that an admin reclaimed. A cancelled one keeps its seats.
type Reservation struct {
	ReservationID, ScheduleID string
	ScheduleSeatIDs           []int
	TotalPrice                int64
	Cancelled                 bool
}

// Reservations are the user's, newest first.
func (v *View) Reservations(from uint64, limit int) (Page[Reservation], error) {
	return userPage(v, from, limit, func(r journalRow) ([]Reservation, error) {
		if r.name != "seats.reserved" {
			return nil, nil
		}
		var stored reservationRow
		err := unmarshalRow(v.tx.Bucket(bucketReservations), r.Sequence, &stored)
		id := seats.ReservationID(stored.ScheduleID, r.Sequence)
		return []Reservation{{id, stored.ScheduleID, stored.ScheduleSeatIDs, stored.TotalPrice, stored.Cancelled}}, err
	})
}

// unmarshalRow reads a JSON row if it is there.
func unmarshalRow(b *bolt.Bucket, sequence uint64, into any) error {
	raw := b.Get(key(sequence))
	if raw == nil {
		return nil
	}
	return json.Unmarshal(raw, into)
}

func (v *View) layout(cache map[string]seats.Layout, schedule string) (seats.Layout, error) {
	if layout, ok := cache[schedule]; ok {
		return layout, nil
	}
	created, err := decodeSchedule([]byte(schedule), v.tx.Bucket(bucketSchedules).Get([]byte(schedule)))
	cache[schedule] = seats.NewLayout(created.Sections)
	return cache[schedule], err
}
