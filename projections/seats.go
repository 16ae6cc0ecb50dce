// Schedules, seats, holds and reservations: what an event changes.

package projections

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/seats"
)

// applySeats writes the rows that event e has touched, as state has them now. Every event that makes or ends a holding, a
// reservation or a place names it or its seats; so whatever later events of the same command did to it, its row is right.
func applySeats(tx *bolt.Tx, state *seats.State, e domain.Event) error {
	sc := state.Schedule(e.Entity)
	switch body := e.Body.(type) {
	case seats.Created, seats.Closed:
		return putSchedule(tx, sc)
	case seats.Held:
		return putSeats(tx, sc, body.ScheduleSeatIDs)
	case seats.Extended:
		sequence := seats.HoldSequence(body.HoldID)
		if h, ok := sc.Allocation(sequence); ok {
			if err := putSeats(tx, sc, h.ScheduleSeatIDs); err != nil { // a seat knows until when
				return err
			}
		}
		return putAllocation(tx, sc, sequence)
	case seats.Expiring:
		return putAllocation(tx, sc, seats.HoldSequence(body.HoldID))
	case seats.Swapped:
		return putSeats(tx, sc, slices.Concat(body.Released, body.Taken))
	case seats.Released:
		return putSeats(tx, sc, body.ScheduleSeatIDs)
	case seats.Reserved:
		return putReservation(tx, sc, e.Sequence, body.ScheduleSeatIDs)
	case seats.Cancelled:
		return putReservation(tx, sc, seats.ReservationSequence(body.ScheduleID, body.ReservationID), body.ScheduleSeatIDs)
	case seats.Expired:
		if err := putSeats(tx, sc, body.ScheduleSeatIDs); err != nil {
			return err
		}
		return putAllocation(tx, sc, seats.HoldSequence(body.HoldID)) // also one that has no seats any more
	case seats.ReleasedToSale:
		return putSeats(tx, sc, body.ScheduleSeatIDs)
	case seats.Blocked:
		return putSeats(tx, sc, body.ScheduleSeatIDs)
	case seats.Unblocked:
		return putSeats(tx, sc, body.ScheduleSeatIDs)
	}
	return applySeatWaiting(tx, sc, e)
}

// applySeatWaiting does the same for what happened to those who wait.
func applySeatWaiting(tx *bolt.Tx, sc *seats.Schedule, e domain.Event) error {
	var waitingID string
	var ids []int
	switch body := e.Body.(type) {
	case seats.Joined:
		waitingID = body.WaitingID
	case seats.Left:
		waitingID, ids = body.WaitingID, body.ScheduleSeatIDs
	case seats.Offered:
		waitingID, ids = body.WaitingID, body.ScheduleSeatIDs
	case seats.Accepted:
		waitingID, ids = body.WaitingID, body.ScheduleSeatIDs
	case seats.Declined:
		waitingID, ids = body.WaitingID, body.ScheduleSeatIDs
	case seats.OfferExpired:
		waitingID, ids = body.WaitingID, body.ScheduleSeatIDs
	default:
		return nil
	}
	if err := putSeats(tx, sc, ids); err != nil {
		return err
	}
	sequence := seats.WaitingSequence(sc.ScheduleID, waitingID)
	if err := putAllocation(tx, sc, sequence); err != nil {
		return err
	}
	return putSeatWaiting(tx, sc, sequence)
}

// The rows of a schedule: itself, its seats, its holdings and its reservations.

// allocationRow is a hold, or seats on offer, for as long as there is a log: what is still held, or that it ran out. One that
// was given back, reserved or accepted whole has no row.
type allocationRow struct {
	ScheduleID string `json:"scheduleId"`
	*seats.Allocation
	Expired *seats.ExpiredAllocation `json:"ended,omitempty"`
}

// scheduleRow is a schedule and the place in line of its command.
type scheduleRow struct {
	Sequence uint64 `json:"sequence"`
	Closed   bool   `json:"closed,omitempty"`
	seats.Created
}

type reservationRow struct {
	ScheduleID string `json:"scheduleId"`
	seats.Reservation
}

func putSchedule(tx *bolt.Tx, sc *seats.Schedule) error {
	v, err := json.Marshal(scheduleRow{sc.Sequence, sc.Closed, sc.Created})
	if err != nil {
		return err
	}
	return tx.Bucket(bucketSchedules).Put([]byte(sc.ScheduleID), v)
}

// putReservation writes a reservation and the seats that came to it or went.
func putReservation(tx *bolt.Tx, sc *seats.Schedule, sequence uint64, ids []int) error {
	reservation, _ := sc.Reservation(sequence)
	v, err := json.Marshal(reservationRow{sc.ScheduleID, reservation})
	if err != nil {
		return err
	}
	if err := appendOnly(tx, bucketReservations).Put(key(sequence), v); err != nil {
		return err
	}
	return putSeats(tx, sc, ids)
}

// putSeats writes the seats and the holdings that they are in or, by their rows, were in until now.
func putSeats(tx *bolt.Tx, sc *seats.Schedule, ids []int) error {
	b, err := tx.Bucket(bucketSeats).CreateBucketIfNotExists([]byte(sc.ScheduleID))
	if err != nil {
		return err
	}
	allocations := map[uint64]bool{}
	for _, id := range ids {
		k := seatKey(id)
		if old := b.Get(k); old != nil && decodeSeat(old).inAllocation() {
			allocations[number(old)] = true
		}
		seat := seatRowOf(sc, sc.Seat(id))
		if seat.state == 0 {
			err = b.Delete(k)
		} else {
			err = b.Put(k, seat.encode())
		}
		if err != nil {
			return err
		}
		if seat.inAllocation() {
			allocations[seat.ref] = true
		}
	}
	for sequence := range allocations {
		if err := putAllocation(tx, sc, sequence); err != nil {
			return err
		}
	}
	return nil
}

func putAllocation(tx *bolt.Tx, sc *seats.Schedule, sequence uint64) error {
	r := allocationRow{ScheduleID: sc.ScheduleID}
	if h, ok := sc.Allocation(sequence); ok {
		r.Allocation = &h
	}
	if expired, ok := sc.ExpiredAllocation(sequence); ok {
		r.Expired = &expired
	}
	b := appendOnly(tx, bucketAllocations)
	if r.Allocation == nil && r.Expired == nil {
		return b.Delete(key(sequence))
	}
	v, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return b.Put(key(sequence), v)
}

func seatKey(id int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(id)) }

func seatID(key []byte) int { return int(binary.BigEndian.Uint32(key)) }

// Loading schedules: the schedule, its holdings and reservations, and then what is in neither.

// loadSchedules fills in all but who waits: see loadWaiting.
func (p *loadedState) loadSchedules(tx *bolt.Tx) error {
	for _, load := range []func(*bolt.Tx) error{p.loadLayouts, p.loadReservations, p.loadAllocations} {
		if err := load(tx); err != nil {
			return err
		}
	}
	rows := tx.Bucket(bucketSeats)
	return rows.ForEachBucket(func(id []byte) error {
		sc := p.machine.Seats.Schedule(string(id))
		if sc == nil {
			return fmt.Errorf("%w: seats of %s, which is not there", errDamaged, id)
		}
		return loadSeats(p.machine.Seats, sc, rows.Bucket(id))
	})
}

func (p *loadedState) loadLayouts(tx *bolt.Tx) error {
	return tx.Bucket(bucketSchedules).ForEach(func(k, v []byte) error {
		r, err := decodeSchedule(k, v)
		if err == nil {
			p.machine.Seats.Restore(r.Created, r.Sequence, r.Closed)
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

func (p *loadedState) loadReservations(tx *bolt.Tx) error {
	return tx.Bucket(bucketReservations).ForEach(func(k, v []byte) error {
		var r reservationRow
		err := json.Unmarshal(v, &r)
		sc := p.machine.Seats.Schedule(r.ScheduleID)
		if err != nil || sc == nil {
			return fmt.Errorf("%w: reservation %d", errDamaged, number(k))
		}
		p.machine.Seats.RestoreReservation(sc, number(k), r.Reservation)
		return nil
	})
}

func (p *loadedState) loadAllocations(tx *bolt.Tx) error {
	return tx.Bucket(bucketAllocations).ForEach(func(k, v []byte) error {
		var r allocationRow
		err := json.Unmarshal(v, &r)
		sc := p.machine.Seats.Schedule(r.ScheduleID)
		switch {
		case err != nil || sc == nil || r.Expired == nil && r.Allocation == nil:
			return fmt.Errorf("%w: hold %d", errDamaged, number(k))
		case r.Expired != nil:
			sc.RestoreExpired(number(k), *r.Expired)
		default:
			p.machine.Seats.RestoreAllocation(sc, *r.Allocation)
		}
		return nil
	})
}
