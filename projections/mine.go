// What is one user's: a walk along their rows of the journal, newest first.
package projections

import (
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/seats"
)

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
