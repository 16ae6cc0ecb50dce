// What screens read: one moment of the store at a time.
package projections

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/seats"
)

// View is one moment of the store. Do not keep it, and do no slow work while it is open.
type View struct {
	tx       *bolt.Tx
	meta     meta
	position uint64
	user     string
	last     uint64 // number of the user's last confirmed event
}

// Read shows one moment of the store to user; "" is nobody. Lists of what is the user's hold what is confirmed.
func (p *Projector) Read(user string, read func(*View) error) error {
	if err := p.haltedError(); err != nil {
		return err
	}
	// Both are asked before the moment is taken, so that the moment has everything up to them.
	confirmed, last := p.Confirmed(), p.LastOfUser(user)
	return p.store.view(func(tx *bolt.Tx) error {
		m, err := readMeta(tx)
		if err != nil {
			return err
		}
		return read(&View{tx, m, confirmed, user, last})
	})
}

// Position is the number of an event that is confirmed; the view shows it and everything before it.
func (v *View) Position() uint64 { return v.position }

// Now is the log's time at the last event in the view.
func (v *View) Now() domain.Time { return v.meta.now }

// Page is a part of the user's list, newest first. Next is where the following page begins; 0: this was the last.
type Page[T any] struct {
	Items []T
	Next  uint64
}

// walked bounds the rows of one page: somebody with a very long past gets short pages, never a slow one.
const walked = 10_000

// mine walks the user's rows of the journal from the newest before the given number back, and picks what the page is of.
func mine[T any](v *View, before uint64, limit int, pick func(row) (T, bool, error)) (Page[T], error) {
	var page Page[T]
	n := v.last
	if before != 0 {
		n = before
		if r, ok, err := journalRow(v.tx, n); err != nil || !ok || n > v.last || r.User != v.user {
			return page, err // a cursor that is none of this user's
		}
	}
	for range walked {
		if n == 0 || len(page.Items) == limit {
			break
		}
		r, ok, err := journalRow(v.tx, n)
		if err != nil || !ok {
			return page, err
		}
		item, picked, err := pick(r)
		if err != nil {
			return page, fmt.Errorf("%w: row %d of the journal: %w", errDamaged, n, err)
		}
		if picked {
			page.Items = append(page.Items, item)
		}
		n = r.beforeOfUser
	}
	page.Next = n
	return page, nil
}

// Schedule is a schedule with its seats counted.
type Schedule struct {
	seats.Created
	Total, Available, Held, Reserved, Blocked int
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
	var s Schedule
	if err := json.Unmarshal(raw, &s.Created); err != nil {
		return s, fmt.Errorf("%w: schedule %s: %w", errDamaged, id, err)
	}
	s.Total = seats.NewLayout(s.Sections).Total()
	if taken := v.tx.Bucket(bucketSeats).Bucket(id); taken != nil {
		err := taken.ForEach(func(_, v []byte) error {
			switch decodeSeat(v).status {
			case seats.StatusHeld:
				s.Held++
			case seats.StatusReserved:
				s.Reserved++
			}
			return nil
		})
		if err != nil {
			return s, err
		}
	}
	s.Available = s.Total - s.Held - s.Reserved - s.Blocked
	return s, nil
}

// SeatView is one seat as one user may see it.
type SeatView struct {
	ScheduleSeatID int
	Section, Row   string
	Number         int
	Price          int64
	Status         seats.Status
	Mine           bool
	HeldUntil      domain.Time // only where Mine and held
}

// Seats calls each for every seat of the schedule in the order of their ids, as the user may see them.
func (v *View) Seats(schedule string, each func(SeatView) error) error {
	raw := v.tx.Bucket(bucketSchedules).Get([]byte(schedule))
	if raw == nil {
		return nil
	}
	var created seats.Created
	if err := json.Unmarshal(raw, &created); err != nil {
		return fmt.Errorf("%w: schedule %s: %w", errDamaged, schedule, err)
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
		if k != nil && int(binary.BigEndian.Uint32(k)) == id {
			row := decodeSeat(taken)
			seat.Status, seat.Mine = row.status, row.user == v.user && v.user != ""
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

// Hold is seats that a user holds now.
type Hold struct {
	HoldID, ScheduleID string
	ScheduleSeatIDs    []int
	TotalPrice         int64
	ExpiresAt          domain.Time
}

// Holds are the user's that are not over, newest first; in one schedule, or in all for "".
func (v *View) Holds(schedule string, before uint64, limit int) (Page[Hold], error) {
	layouts := map[string]seats.Layout{}
	return mine(v, before, limit, func(r row) (Hold, bool, error) {
		if r.Type != "seats.held" || schedule != "" && r.Entity != schedule {
			return Hold{}, false, nil
		}
		var h holdingRow
		if err := unmarshalRow(v.tx.Bucket(bucketHoldings), r.Sequence, &h); err != nil || h.Holding == nil {
			return Hold{}, false, err
		}
		hold := Hold{seats.HoldID(r.Sequence), h.ScheduleID, h.ScheduleSeatIDs, 0, h.ExpiresAt}
		layout, err := v.layout(layouts, h.ScheduleID)
		for _, id := range h.ScheduleSeatIDs {
			hold.TotalPrice += layout.Describe(id).Price
		}
		return hold, err == nil && len(h.ScheduleSeatIDs) > 0, err
	})
}

// Reservation is seats that belong to a user.
type Reservation struct {
	ReservationID, ScheduleID string
	ScheduleSeatIDs           []int
	TotalPrice                int64
}

// Reservations are the user's, newest first.
func (v *View) Reservations(before uint64, limit int) (Page[Reservation], error) {
	return mine(v, before, limit, func(r row) (Reservation, bool, error) {
		if r.Type != "seats.reserved" {
			return Reservation{}, false, nil
		}
		var stored reservationRow
		err := unmarshalRow(v.tx.Bucket(bucketReservations), r.Sequence, &stored)
		id := seats.ReservationID(stored.ScheduleID, r.Sequence)
		return Reservation{id, stored.ScheduleID, stored.ScheduleSeatIDs, stored.TotalPrice}, err == nil, err
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

func (v *View) layout(known map[string]seats.Layout, schedule string) (seats.Layout, error) {
	if layout, ok := known[schedule]; ok {
		return layout, nil
	}
	var created seats.Created
	err := json.Unmarshal(v.tx.Bucket(bucketSchedules).Get([]byte(schedule)), &created)
	known[schedule] = seats.NewLayout(created.Sections)
	return known[schedule], err
}
