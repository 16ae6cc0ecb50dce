// Schedules and their seats as screens read them.
package projections

import (
	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/seats"
)

// Schedule is a schedule with its seats counted. Seats on offer, and those that wait to come back, are held.
type Schedule struct {
	seats.Created
	Closed                                    bool // its sale has ended
	Total, Available, Held, Reserved, Blocked int
	Waiting                                   int // who waits and has no offer
}

// Schedule is one schedule.
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
	var list []Schedule
	err := eachAfter(v.tx.Bucket(bucketSchedules), after, limit, func(k, raw []byte) error {
		s, err := v.count(k, raw)
		list = append(list, s)
		return err
	})
	return list, err
}

func (v *View) count(id, raw []byte) (Schedule, error) {
	r, err := decodeSchedule(id, raw)
	if err != nil {
		return Schedule{}, err
	}
	s := Schedule{Created: r.Created, Closed: r.Closed, Total: seats.NewLayout(r.Sections).Total(), Waiting: v.inLine("seats", string(id))}
	if taken := v.tx.Bucket(bucketSeats).Bucket(id); taken != nil {
		err = taken.ForEach(func(_, v []byte) error {
			switch (seatRow{is: v[16]}).status() {
			case seats.StatusHeld:
				s.Held++
			case seats.StatusReserved:
				s.Reserved++
			case seats.StatusBlocked:
				s.Blocked++
			}
			return nil
		})
	}
	s.Available = s.Total - s.Held - s.Reserved - s.Blocked
	return s, err
}

// SeatView is one seat as one user may see it.
type SeatView struct {
	ScheduleSeatID int
	Section, Row   string
	Number         int
	Price          int64
	Status         seats.Status
	Mine           bool
	HeldUntil      domain.Time // only where Mine and held: an offer is nobody's yet
}

// Seats calls each for every seat of the schedule in the order of their ids, as the user may see them.
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
	var k, taken []byte
	if b := v.tx.Bucket(bucketSeats).Bucket([]byte(schedule)); b != nil {
		rows = b.Cursor()
		k, taken = rows.First()
	}
	layout := seats.NewLayout(created.Sections)
	for id := 1; id <= layout.Total(); id++ {
		seat := SeatView{ScheduleSeatID: id, Status: seats.StatusAvailable}
		seat.Section, seat.Row, seat.Number, seat.Price = layout.Place(id)
		if k != nil && seatID(k) == id {
			row := decodeSeat(taken)
			seat.Status, seat.Mine = row.status(), row.belongsTo(v.user)
			if seat.Mine {
				seat.HeldUntil = row.until
			}
			k, taken = rows.Next()
		}
		if err := each(seat); err != nil {
			return err
		}
	}
	return nil
}
