// The frames of seats: one for each seat whose status an event changed.

package view

import (
	"iter"
	"strconv"

	"onsale/domain"
	"onsale/domain/seats"
)

func (f *Frames) addSeats(epoch string, e *domain.Event, a Audience) {
	count := 0
	for range SeatChanges(e) {
		count++
	}
	if count == 0 {
		return
	}
	var idField [64]byte
	at := e.Now.String()
	f.Bytes, f.Ends = make([]byte, 0, 160*count), make([]int, 0, count)
	for id, status := range SeatChanges(e) {
		p := Position{Number: e.Number}
		if k := len(f.Ends) + 1; k < count {
			p.Sub = uint32(k)
		}
		f.Bytes = AppendSeat(f.Bytes, a, AppendID(idField[:0], epoch, p), id, status, at)
		f.Ends = append(f.Ends, len(f.Bytes))
	}
}

// AppendSeat writes the frame of one seat. id is the frame's id field, or empty.
func AppendSeat(b []byte, a Audience, id []byte, seat int, status seats.Status, at string) []byte {
	if a.Named {
		b = AppendField(b, "event", "seatStatusChange")
	}
	b = append(b, id...)
	b = append(b, `data: {"scheduleSeatId":`...)
	b = strconv.AppendInt(b, int64(seat), 10)
	b = append(b, `,"status":"`...)
	b = append(b, a.SeatStatus(status)...)
	b = append(b, `","timestamp":"`...)
	b = append(b, at...)
	return append(b, "\",\"isHeartbeat\":false}\n\n"...)
}

// SeatStatus is the audience's name of a status.
func (a Audience) SeatStatus(status seats.Status) seats.Status {
	if status == seats.StatusBlocked && a.Content == LegacySeats {
		return seats.StatusReserved
	}
	return status
}

// ChangesSeats reports whether e changed the status of a seat.
func ChangesSeats(e *domain.Event) bool {
	for range SeatChanges(e) {
		return true
	}
	return false
}

// SeatChanges are the seats whose status e changed, with the new one.
func SeatChanges(e *domain.Event) iter.Seq2[int, seats.Status] {
	if c, ok := e.Body.(seats.Changer); ok {
		return c.SeatChanges()
	}
	return func(func(int, seats.Status) bool) {}
}
