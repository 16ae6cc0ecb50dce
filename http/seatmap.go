// The seats of a schedule as one bare array, which is what a page asks for first, thousands of pages at once. It is
// written by hand: reflection would cost more than everything else here together. A large map is compressed on the way for
// a client that takes it so, and then no more than a piece of it is ever in memory as text.
package http

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"

	"onsale/domain"
	"onsale/domain/seats"
	"onsale/projections"
)

// mapBuffers are buffers of seat maps; larger ones are not kept.
var mapBuffers = sync.Pool{New: func() any { return new([]byte) }}

const (
	keptMap  = 256 << 10
	mapPiece = 64 << 10
)

func (s *Server) seats(w http.ResponseWriter, r *http.Request) error {
	schedule, err := pathID(r, "scheduleId")
	if err != nil {
		return err
	}
	query := r.URL.Query()
	if query.Has("at") {
		return refuseField(invalidParameter, "at", "is not answered by this version")
	}
	buffer := mapBuffers.Get().(*[]byte)
	defer mapBuffers.Put(buffer)
	m := seatMap{out: append((*buffer)[:0], '['), old: fromOldClient(r), compress: takesGzip(r)}
	err = s.moment(w, r, query, anyone, func(v *projections.View) error { return v.Seats(schedule, m.add) })
	if m.press != nil {
		defer presses.Put(m.press)
	}
	if cap(m.out) <= keptMap {
		*buffer = m.out
	}
	switch {
	case err != nil:
		return err
	case len(m.out) == 1: // a schedule has at least one seat
		return refuse(domain.ScheduleNotFound, "")
	}
	m.out[len(m.out)-1] = ']'
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	body := m.out
	if m.press != nil {
		if body, err = m.pressed(); err != nil {
			return err
		}
		h["Content-Encoding"] = []string{"gzip"}
	}
	send(w, http.StatusOK, jsonType, body)
	return nil
}

// seatMap writes seats one after the other, each with a comma. What all seats of a row share is written once and copied.
type seatMap struct {
	out          []byte // the last of them at least, with its comma
	compress     bool   // what is larger than a piece
	press        *press // has the pieces before out; nil: there are none
	old          bool   // blocked seats are shown as reserved
	section, row string
	name, place  []byte // `"displayName":"A-1-` and `","section":"A","row":"1","number":`
}

func (m *seatMap) add(seat projections.SeatView) error {
	if m.compress && len(m.out) > mapPiece {
		if m.press == nil {
			m.press = newPress()
		}
		if _, err := m.press.Write(m.out); err != nil {
			return err
		}
		m.out = m.out[:0]
	}
	if m.name == nil || seat.Section != m.section || seat.Row != m.row {
		if err := m.enter(seat.Section, seat.Row); err != nil {
			return err
		}
	}
	if m.old && seat.Status == "BLOCKED" {
		seat.Status = seats.StatusReserved
	}
	b := append(m.out, `{"id":`...)
	b = strconv.AppendInt(b, int64(seat.ScheduleSeatID), 10)
	b = append(b, `,"scheduleSeatId":`...)
	b = strconv.AppendInt(b, int64(seat.ScheduleSeatID), 10)
	b = append(b, m.name...)
	b = strconv.AppendInt(b, int64(seat.Number), 10)
	b = append(b, m.place...)
	b = strconv.AppendInt(b, int64(seat.Number), 10)
	b = append(b, `,"price":`...)
	b = strconv.AppendInt(b, seat.Price, 10)
	b = append(b, `,"status":"`...)
	b = append(b, seat.Status...)
	b = append(b, `","mine":`...)
	b = strconv.AppendBool(b, seat.Mine)
	if seat.Mine && seat.HeldUntil != 0 {
		b = append(b, `,"heldUntil":"`...)
		b = append(b, seat.HeldUntil.String()...)
		b = append(b, '"')
	}
	m.out = append(b, '}', ',')
	return nil
}

// pressed is the whole map compressed.
func (m *seatMap) pressed() ([]byte, error) {
	if _, err := m.press.Write(m.out); err != nil {
		return nil, err
	}
	err := m.press.Close()
	return m.press.out.Bytes(), err
}

// enter prepares what the seats of a row share.
func (m *seatMap) enter(section, row string) error {
	m.section, m.row = section, row
	name, err := json.Marshal(section + "-" + row + "-")
	if err != nil {
		return err
	}
	quotedSection, err := json.Marshal(section)
	if err != nil {
		return err
	}
	quotedRow, err := json.Marshal(row)
	m.name = append([]byte(`,"displayName":`), name[:len(name)-1]...)
	m.place = append(append(append(append([]byte(`","section":`), quotedSection...), `,"row":`...), quotedRow...), `,"number":`...)
	return err
}
