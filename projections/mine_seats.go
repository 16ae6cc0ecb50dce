// A user's holds and reservations.
package projections

import (
	"encoding/json"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/seats"
)

// Hold is seats that a user holds now.
type Hold struct {
	HoldID, ScheduleID string
	ScheduleSeatIDs    []int
	TotalPrice         int64
	ExpiresAt          domain.Time
}

// Holds are the user's that are not over, newest first; in one schedule, or in all for "". An offer is none.
func (v *View) Holds(schedule string, from uint64, limit int) (Page[Hold], error) {
	layouts := map[string]seats.Layout{}
	return mine(v, from, limit, func(r row) ([]Hold, error) {
		if r.Type != "seats.held" && r.Type != "seats.accepted" || schedule != "" && r.Entity != schedule {
			return nil, nil
		}
		var h holdingRow
		if err := unmarshalRow(v.tx.Bucket(bucketHoldings), r.Sequence, &h); err != nil || h.Holding == nil || len(h.ScheduleSeatIDs) == 0 {
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

// Reservation is seats that belong to a user: what the shop left them of it. One that was cancelled is as it was before.
type Reservation struct {
	ReservationID, ScheduleID string
	ScheduleSeatIDs           []int
	TotalPrice                int64
	Cancelled                 bool
}

// Reservations are the user's, newest first.
func (v *View) Reservations(from uint64, limit int) (Page[Reservation], error) {
	return mine(v, from, limit, func(r row) ([]Reservation, error) {
		if r.Type != "seats.reserved" {
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

func (v *View) layout(known map[string]seats.Layout, schedule string) (seats.Layout, error) {
	if layout, ok := known[schedule]; ok {
		return layout, nil
	}
	created, err := decodeSchedule([]byte(schedule), v.tx.Bucket(bucketSchedules).Get([]byte(schedule)))
	known[schedule] = seats.NewLayout(created.Sections)
	return known[schedule], err
}
