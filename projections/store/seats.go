// Schedules, seats, allocations and reservations: their rows, written and loaded.

package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"onsale/domain"
	"onsale/domain/seats"
)

// putSeatEvent writes the rows that event e has changed, as state has them now. Every event that creates or ends an allocation, a
// reservation or a waiting entry names it or its seats; so its row is right whatever later events of the same command did to it.
func putSeatEvent(tx *transaction, state *seats.State, e domain.Event) error {
	sc := state.Schedule(e.Entity)
	switch e.Body.(type) {
	case seats.Created, seats.Closed, seats.ScheduleCancelled:
		return putJSON(tx.table(bucketSchedules), []byte(sc.ScheduleID), scheduleRow{sc.Sequence, sc.Closed, sc.Cancelled, sc.Created})
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
		stored, _ := sc.Reservation(reservation)
		if err := putJSON(tx.table(bucketReservations).appendOnly(), key(reservation), reservationRow{sc.ScheduleID, stored}); err != nil {
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
	Sequence  uint64              `json:"sequence"`
	Closed    bool                `json:"closed,omitempty"`
	Cancelled *seats.Cancellation `json:"cancelled,omitempty"`
	seats.Created
}

type reservationRow struct {
	ScheduleID string `json:"scheduleId"`
	seats.Reservation
}

// putSeats writes the seats, these allocations (0: none) and those that the seats are in or, by their old rows, were in.
func putSeats(tx *transaction, sc *seats.Schedule, ids []int, allocations ...uint64) error {
	b, err := tx.table(bucketSeats).create([]byte(sc.ScheduleID))
	if err != nil {
		return err
	}
	for _, id := range ids {
		k := seatKey(id)
		old := b.get(k)
		if old != nil && decodeSeat(old).inAllocation() {
			allocations = append(allocations, number(old))
		}
		seat := seatRowOf(sc, sc.Seat(id))
		if seat.state == 0 {
			err = b.delete(k)
		} else {
			err = b.replace(k, old, seat.encode())
		}
		if err != nil {
			return err
		}
		if seat.inAllocation() {
			allocations = append(allocations, seat.ref)
		}
	}
	slices.Sort(allocations)
	for _, sequence := range slices.Compact(allocations) {
		if err := putAllocation(tx, sc, sequence); err != nil {
			return err
		}
	}
	return nil
}

func putAllocation(tx *transaction, sc *seats.Schedule, sequence uint64) error {
	if sequence == 0 {
		return nil
	}
	r := allocationRow{ScheduleID: sc.ScheduleID}
	if h, ok := sc.Allocation(sequence); ok {
		r.Allocation = &h
	}
	if expired, ok := sc.ExpiredAllocation(sequence); ok {
		r.Expired = &expired
	}
	b := tx.table(bucketAllocations).appendOnly()
	if r.Allocation == nil && r.Expired == nil {
		return b.delete(key(sequence))
	}
	return putJSON(b, key(sequence), r)
}

func seatKey(id int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(id)) }

func seatID(key []byte) int { return int(binary.BigEndian.Uint32(key)) }

// loadSchedules restores the schedules, their reservations and allocations, and then the seats that are in neither. Waiting
// entries come later, see loadWaiting.
func (s *State) loadSchedules(tx *transaction) error {
	for _, load := range []func(*transaction) error{s.loadLayouts, s.loadReservations, s.loadAllocations} {
		if err := load(tx); err != nil {
			return err
		}
	}
	rows := tx.table(bucketSeats)
	return rows.eachWithin(func(id []byte, schedule table) error {
		sc := s.Machine.Seats.Schedule(string(id))
		if sc == nil {
			return fmt.Errorf("%w: seats of the unknown schedule %s", ErrDamaged, id)
		}
		return loadSeats(s.Machine.Seats, sc, schedule)
	})
}

func (s *State) loadLayouts(tx *transaction) error {
	return tx.table(bucketSchedules).each(func(k, v []byte) error {
		r, err := decodeJSON[scheduleRow](bucketSchedules, k, v)
		if err == nil {
			s.Machine.Seats.Restore(r.Created, r.Sequence, r.Closed, r.Cancelled)
		}
		return err
	})
}

func (s *State) loadReservations(tx *transaction) error {
	return tx.table(bucketReservations).each(func(k, v []byte) error {
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

func (s *State) loadAllocations(tx *transaction) error {
	return tx.table(bucketAllocations).each(func(k, v []byte) error {
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

// seatRow is the row of a seat that is not free.
type seatRow struct {
	state byte        // a letter below; 0: free
	ref   uint64      // sequence of its allocation or reservation; 0: none
	until domain.Time // deadline of the allocation or release; 0: none, a hold in an order
	user  string      // that holds it, has reserved it or is offered it
}

const (
	seatHeld           = 'H'
	seatOffered        = 'O'
	seatPendingRelease = 'F' // its hold expired; it becomes available at a known time
	seatReserved       = 'R'
	seatBlocked        = 'B'
)

func seatRowOf(sc *seats.Schedule, seat seats.Seat) seatRow {
	switch seat.Status() {
	case seats.StatusBlocked:
		return seatRow{state: seatBlocked}
	case seats.StatusReserved:
		reservation, _ := sc.Reservation(seat.Ref)
		return seatRow{seatReserved, seat.Ref, 0, reservation.User}
	case seats.StatusHeld:
		if at := seat.ReleaseAt(); at != 0 {
			return seatRow{state: seatPendingRelease, until: at}
		}
		h, _ := sc.Allocation(seat.Ref)
		if h.Offer {
			return seatRow{seatOffered, seat.Ref, h.ExpiresAt, h.User}
		}
		if h.PaymentID != "" { // it does not end by time
			return seatRow{seatHeld, seat.Ref, 0, h.User}
		}
		return seatRow{seatHeld, seat.Ref, h.ExpiresAt, h.User}
	}
	return seatRow{}
}

// encode writes two numbers, the letter and the user.
func (r seatRow) encode() []byte {
	v := binary.BigEndian.AppendUint64(make([]byte, 0, 17+len(r.user)+checksumSize), r.ref)
	v = binary.BigEndian.AppendUint64(v, uint64(r.until))
	return append(append(v, r.state), r.user...)
}

func decodeSeat(v []byte) seatRow {
	return seatRow{v[16], number(v), domain.Time(number(v[8:])), string(v[17:])}
}

// inAllocation says that ref is an allocation.
func (r seatRow) inAllocation() bool { return r.state == seatHeld || r.state == seatOffered }

// belongsTo says that the user holds the seat or has reserved it. An offer does not belong to the user yet.
func (r seatRow) belongsTo(user string) bool {
	return user != "" && r.user == user && r.state != seatOffered
}

// status is the public status of the seat.
func (r seatRow) status() seats.Status {
	switch r.state {
	case seatReserved:
		return seats.StatusReserved
	case seatBlocked:
		return seats.StatusBlocked
	case 0:
		return seats.StatusAvailable
	}
	return seats.StatusHeld
}

// loadSeats restores the seats that are blocked or become available later. The others follow from allocations and reservations.
func loadSeats(state *seats.State, sc *seats.Schedule, rows table) error {
	var blocked []int
	pendingRelease := map[domain.Time][]int{}
	err := rows.each(func(k, v []byte) error {
		if len(v) < 17 || seatID(k) > sc.Layout.Total() {
			return fmt.Errorf("%w: seat %x of %s", ErrDamaged, k, sc.ScheduleID)
		}
		switch v[16] {
		case seatBlocked:
			blocked = append(blocked, seatID(k))
		case seatPendingRelease:
			at := decodeSeat(v).until
			pendingRelease[at] = append(pendingRelease[at], seatID(k))
		}
		return nil
	})
	state.RestoreBlocked(sc, blocked)
	for at, ids := range pendingRelease {
		state.RestorePendingRelease(sc, at, ids)
	}
	return err
}
