// Schedules, seats, holds and reservations: what an event changes and how they are loaded.
package projections

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/seats"
)

// holdingRow is a hold for as long as there is a log: what is still held, or that it ran out. One that its owner gave
// back or reserved whole has no row.
type holdingRow struct {
	ScheduleID string `json:"scheduleId"`
	*seats.Holding
	Ended *seats.Ended `json:"ended,omitempty"`
}

type reservationRow struct {
	ScheduleID string `json:"scheduleId"`
	seats.Reservation
}

// seatRow is a seat that is not free, with what a screen asks of it.
type seatRow struct {
	ref    uint64      // sequence of its holding or reservation
	until  domain.Time // held until; 0 when reserved
	status seats.Status
	user   string
}

func encodeSeat(sc *seats.Schedule, seat seats.Seat) []byte {
	letter, until, user := byte('R'), domain.Time(0), ""
	if seat.Status == seats.StatusHeld {
		h := sc.Holdings[seat.Ref]
		letter, until, user = 'H', h.ExpiresAt, h.User
	} else {
		user = sc.Reservations[seat.Ref].User
	}
	return append(append(append(key(seat.Ref), key(uint64(until))...), letter), user...)
}

func decodeSeat(v []byte) seatRow {
	r := seatRow{number(v), domain.Time(number(v[8:])), seats.StatusReserved, string(v[17:])}
	if v[16] == 'H' {
		r.status = seats.StatusHeld
	}
	return r
}

// putSeats writes the rows that event e has touched, as state has them now.
func putSeats(tx *bolt.Tx, state *seats.State, e domain.Event) error {
	switch body := e.Body.(type) {
	case seats.Created:
		v, err := json.Marshal(body)
		if err != nil {
			return err
		}
		return tx.Bucket(bucketSchedules).Put([]byte(body.ScheduleID), v)
	case seats.Held:
		return putTouched(tx, state.Schedule(body.ScheduleID), body.ScheduleSeatIDs)
	case seats.Released:
		return putTouched(tx, state.Schedule(body.ScheduleID), body.ScheduleSeatIDs)
	case seats.Expired:
		sc := state.Schedule(body.ScheduleID)
		if err := putTouched(tx, sc, body.ScheduleSeatIDs); err != nil {
			return err
		}
		return putHolding(tx, sc, seats.HoldSequence(body.HoldID))
	case seats.Reserved:
		sc := state.Schedule(body.ScheduleID)
		v, err := json.Marshal(reservationRow{body.ScheduleID, sc.Reservations[e.Sequence]})
		if err != nil {
			return err
		}
		if err := rising(tx, bucketReservations).Put(key(e.Sequence), v); err != nil {
			return err
		}
		return putTouched(tx, sc, body.ScheduleSeatIDs)
	}
	return nil
}

// putTouched writes the seats and the holdings that they are in or, by their rows, were in until now.
func putTouched(tx *bolt.Tx, sc *seats.Schedule, ids []int) error {
	b, err := tx.Bucket(bucketSeats).CreateBucketIfNotExists([]byte(sc.ScheduleID))
	if err != nil {
		return err
	}
	touched := map[uint64]bool{}
	for _, id := range ids {
		k := binary.BigEndian.AppendUint32(nil, uint32(id))
		if was := b.Get(k); was != nil && decodeSeat(was).status == seats.StatusHeld {
			touched[number(was)] = true
		}
		seat := sc.Seats[id-1]
		if seat.Status == seats.StatusAvailable {
			err = b.Delete(k)
		} else {
			err = b.Put(k, encodeSeat(sc, seat))
		}
		if err != nil {
			return err
		}
		if seat.Status == seats.StatusHeld {
			touched[seat.Ref] = true
		}
	}
	for sequence := range touched {
		if err := putHolding(tx, sc, sequence); err != nil {
			return err
		}
	}
	return nil
}

func putHolding(tx *bolt.Tx, sc *seats.Schedule, sequence uint64) error {
	r := holdingRow{ScheduleID: sc.ScheduleID, Holding: sc.Holdings[sequence]}
	if ended, ok := sc.Ended[sequence]; ok {
		r.Ended = &ended
	}
	b := rising(tx, bucketHoldings)
	if r.Holding == nil && r.Ended == nil {
		return b.Delete(key(sequence))
	}
	v, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return b.Put(key(sequence), v)
}

func loadSchedules(tx *bolt.Tx, state *seats.State) error {
	err := tx.Bucket(bucketSchedules).ForEach(func(k, v []byte) error {
		var c seats.Created
		if err := json.Unmarshal(v, &c); err != nil {
			return fmt.Errorf("%w: schedule %s: %w", errDamaged, k, err)
		}
		state.Put(c)
		return nil
	})
	if err != nil {
		return err
	}
	err = tx.Bucket(bucketReservations).ForEach(func(k, v []byte) error {
		var r reservationRow
		if err := json.Unmarshal(v, &r); err != nil || state.Schedule(r.ScheduleID) == nil {
			return fmt.Errorf("%w: reservation %d", errDamaged, number(k))
		}
		state.PutReservation(state.Schedule(r.ScheduleID), number(k), r.Reservation)
		return nil
	})
	if err != nil {
		return err
	}
	return tx.Bucket(bucketHoldings).ForEach(func(k, v []byte) error {
		r := holdingRow{}
		if err := json.Unmarshal(v, &r); err != nil || state.Schedule(r.ScheduleID) == nil {
			return fmt.Errorf("%w: hold %d", errDamaged, number(k))
		}
		sc := state.Schedule(r.ScheduleID)
		if r.Ended != nil {
			sc.Ended[number(k)] = *r.Ended
			return nil
		}
		state.PutHolding(sc, *r.Holding)
		return nil
	})
}
