// The rows of a schedule: itself, its seats, its holdings and its reservations.
package projections

import (
	"encoding/binary"
	"encoding/json"

	bolt "go.etcd.io/bbolt"

	"onsale/domain/seats"
)

// holdingRow is a hold, or seats on offer, for as long as there is a log: what is still held, or that it ran out. One that
// was given back, reserved or accepted whole has no row.
type holdingRow struct {
	ScheduleID string `json:"scheduleId"`
	*seats.Holding
	Ended *seats.Ended `json:"ended,omitempty"`
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

// putReserved writes a reservation and the seats that came to it or went.
func putReserved(tx *bolt.Tx, sc *seats.Schedule, sequence uint64, ids []int) error {
	v, err := json.Marshal(reservationRow{sc.ScheduleID, sc.Reservations[sequence]})
	if err != nil {
		return err
	}
	if err := rising(tx, bucketReservations).Put(key(sequence), v); err != nil {
		return err
	}
	return putTouched(tx, sc, ids)
}

// putTouched writes the seats and the holdings that they are in or, by their rows, were in until now.
func putTouched(tx *bolt.Tx, sc *seats.Schedule, ids []int) error {
	b, err := tx.Bucket(bucketSeats).CreateBucketIfNotExists([]byte(sc.ScheduleID))
	if err != nil {
		return err
	}
	touched := map[uint64]bool{}
	for _, id := range ids {
		k := seatKey(id)
		if was := b.Get(k); was != nil && decodeSeat(was).inHolding() {
			touched[number(was)] = true
		}
		seat := seatRowOf(sc, sc.Seats[id-1])
		if seat.is == 0 {
			err = b.Delete(k)
		} else {
			err = b.Put(k, seat.encode())
		}
		if err != nil {
			return err
		}
		if seat.inHolding() {
			touched[seat.ref] = true
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

func seatKey(id int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(id)) }

func seatID(key []byte) int { return int(binary.BigEndian.Uint32(key)) }
