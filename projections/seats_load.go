// Loading schedules: the schedule, its holdings and reservations, and then what is in neither.
package projections

import (
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// loadSchedules fills in all but who waits: see loadWaiting.
func (p *past) loadSchedules(tx *bolt.Tx) error {
	for _, load := range []func(*bolt.Tx) error{p.loadLayouts, p.loadReservations, p.loadHoldings} {
		if err := load(tx); err != nil {
			return err
		}
	}
	taken := tx.Bucket(bucketSeats)
	return taken.ForEachBucket(func(id []byte) error {
		sc := p.shop.Seats.Schedule(string(id))
		if sc == nil {
			return fmt.Errorf("%w: seats of %s, which is not there", errDamaged, id)
		}
		return loadSeats(p.shop.Seats, sc, taken.Bucket(id))
	})
}

func (p *past) loadLayouts(tx *bolt.Tx) error {
	return tx.Bucket(bucketSchedules).ForEach(func(k, v []byte) error {
		r, err := decodeSchedule(k, v)
		if err == nil {
			p.shop.Seats.Put(r.Created, r.Sequence).Closed = r.Closed
		}
		return err
	})
}

func decodeSchedule(id, v []byte) (scheduleRow, error) {
	var r scheduleRow
	if err := json.Unmarshal(v, &r); err != nil {
		return r, fmt.Errorf("%w: schedule %s: %w", errDamaged, id, err)
	}
	return r, nil
}

func (p *past) loadReservations(tx *bolt.Tx) error {
	return tx.Bucket(bucketReservations).ForEach(func(k, v []byte) error {
		var r reservationRow
		err := json.Unmarshal(v, &r)
		sc := p.shop.Seats.Schedule(r.ScheduleID)
		if err != nil || sc == nil {
			return fmt.Errorf("%w: reservation %d", errDamaged, number(k))
		}
		p.shop.Seats.PutReservation(sc, number(k), r.Reservation)
		return nil
	})
}

func (p *past) loadHoldings(tx *bolt.Tx) error {
	return tx.Bucket(bucketHoldings).ForEach(func(k, v []byte) error {
		var r holdingRow
		err := json.Unmarshal(v, &r)
		sc := p.shop.Seats.Schedule(r.ScheduleID)
		switch {
		case err != nil || sc == nil || r.Ended == nil && r.Holding == nil:
			return fmt.Errorf("%w: hold %d", errDamaged, number(k))
		case r.Ended != nil:
			sc.Ended[number(k)] = *r.Ended
		default:
			p.shop.Seats.PutHolding(sc, *r.Holding)
		}
		return nil
	})
}
