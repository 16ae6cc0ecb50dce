// Schedules, seats, allocations and reservations: writing their rows, and loading them.

package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/seats"
)

// putSeatEvent writes the rows that event e has changed, as state has them now. Every event that creates or ends an allocation, a
// reservation or a waiting entry names it or its seats; so its row is right whatever later events of the same command did to it.
func putSeatEvent(tx *bolt.Tx, state *seats.State, e domain.Event) error {
	sc := state.Schedule(e.Entity)
	switch e.Body.(type) {
	case seats.Created, seats.Closed:
		return putSchedule(tx, sc)
	}
	hold, reservation, waiting := seats.Refs(e)
	ids := e.Seats()
	if allocation, ok := sc.Allocation(hold); ok && len(ids) == 0 {
		ids = allocation.ScheduleSeatIDs // extended: a seat's row has the deadline
	}
	if err := putSeats(tx, sc, ids, hold, waiting); err != nil {
		return err
	}
	if reservation != 0 {
		if err := putReservation(tx, sc, reservation); err != nil {
			return err
		}
	}
	if waiting != 0 {
		return putSeatWaiting(tx, sc, waiting)
	}
	return nil
}

// allocationRow is a hold or an offer of seats: the seats that are still allocated, or that it expired. Expired ones are kept
// permanently; one that was released, reserved or accepted whole has no row.
type allocationRow struct {
	ScheduleID string `json:"scheduleId"`
	*seats.Allocation
	Expired *seats.ExpiredAllocation `json:"ended,omitempty"`
}

// scheduleRow is a schedule with the sequence of the command that created it.
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
	return putJSON(tx.Bucket(bucketSchedules), sc.ScheduleID, scheduleRow{sc.Sequence, sc.Closed, sc.Created})
}

func putReservation(tx *bolt.Tx, sc *seats.Schedule, sequence uint64) error {
	reservation, _ := sc.Reservation(sequence)
	v, err := json.Marshal(reservationRow{sc.ScheduleID, reservation})
	if err != nil {
		return err
	}
	return appendOnly(tx, bucketReservations).Put(key(sequence), v)
}

// putSeats writes the seats, these allocations (0: none) and those that the seats are in or, by their old rows, were in.
func putSeats(tx *bolt.Tx, sc *seats.Schedule, ids []int, sequences ...uint64) error {
	b, err := tx.Bucket(bucketSeats).CreateBucketIfNotExists([]byte(sc.ScheduleID))
	if err != nil {
		return err
	}
	allocations := map[uint64]bool{}
	for _, sequence := range sequences {
		allocations[sequence] = true
	}
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
	delete(allocations, 0)
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

// loadSchedules restores the schedules, their reservations and allocations, and then the seats that are in neither. Waiting
// entries come later, see loadWaiting.
func (s *State) loadSchedules(tx *bolt.Tx) error {
	for _, load := range []func(*bolt.Tx) error{s.loadLayouts, s.loadReservations, s.loadAllocations} {
		if err := load(tx); err != nil {
			return err
		}
	}
	rows := tx.Bucket(bucketSeats)
	return rows.ForEachBucket(func(id []byte) error {
		sc := s.Machine.Seats.Schedule(string(id))
		if sc == nil {
			return fmt.Errorf("%w: seats of the unknown schedule %s", ErrDamaged, id)
		}
		return loadSeats(s.Machine.Seats, sc, rows.Bucket(id))
	})
}

func (s *State) loadLayouts(tx *bolt.Tx) error {
	return tx.Bucket(bucketSchedules).ForEach(func(k, v []byte) error {
		r, err := decodeSchedule(k, v)
		if err == nil {
			s.Machine.Seats.Restore(r.Created, r.Sequence, r.Closed)
		}
		return err
	})
}

var decodeSchedule = decoderOf[scheduleRow](bucketSchedules)

func (s *State) loadReservations(tx *bolt.Tx) error {
	return tx.Bucket(bucketReservations).ForEach(func(k, v []byte) error {
		var r reservationRow
		err := json.Unmarshal(v, &r)
		sc := s.Machine.Seats.Schedule(r.ScheduleID)
		if err != nil || sc == nil {
			return fmt.Errorf("%w: row of reservation %d", ErrDamaged, number(k))
		}
		s.Machine.Seats.RestoreReservation(sc, number(k), r.Reservation)
		return nil
	})
}

func (s *State) loadAllocations(tx *bolt.Tx) error {
	return tx.Bucket(bucketAllocations).ForEach(func(k, v []byte) error {
		var r allocationRow
		err := json.Unmarshal(v, &r)
		sc := s.Machine.Seats.Schedule(r.ScheduleID)
		switch {
		case err != nil || sc == nil || r.Expired == nil && r.Allocation == nil:
			return fmt.Errorf("%w: row of allocation %d", ErrDamaged, number(k))
		case r.Expired != nil:
			sc.RestoreExpired(number(k), *r.Expired)
		default:
			s.Machine.Seats.RestoreAllocation(sc, *r.Allocation)
		}
		return nil
	})
}
