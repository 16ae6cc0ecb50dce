// The row of a seat that is not free.

package store

import (
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/seats"
)

type seatRow struct {
	state byte        // a letter below; 0: free
	ref   uint64      // sequence of its allocation or reservation; 0: none
	until domain.Time // deadline of the allocation or release; 0: none
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
		return seatRow{seatHeld, seat.Ref, h.ExpiresAt, h.User}
	}
	return seatRow{}
}

// encode writes two numbers, the letter and the user.
func (r seatRow) encode() []byte {
	v := binary.BigEndian.AppendUint64(make([]byte, 0, 17+len(r.user)), r.ref)
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
func loadSeats(state *seats.State, sc *seats.Schedule, rows *bolt.Bucket) error {
	var blocked []int
	pendingRelease := map[domain.Time][]int{}
	err := rows.ForEach(func(k, v []byte) error {
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
