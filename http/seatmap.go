// The seats of a schedule as one bare array, which is what a page asks for first, thousands of pages at once. It is
// written by hand: reflection would cost more than everything else here together. A large map is compressed on the way for
// a client that takes it so, and then no more than a piece of it is ever in memory as text.

package http

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"onsale/domain"
	"onsale/domain/seats"
	"onsale/projections"
)

// seatMapBuffers are buffers of seat maps; larger ones are not kept.
var seatMapBuffers = sync.Pool{New: func() any { return new([]byte) }}

const (
	maxPooledBuffer = 256 << 10
	flushSize       = 64 << 10
)

func (s *Server) seats(w http.ResponseWriter, r *http.Request) error {
	schedule, err := pathID(r, "scheduleId")
	if err != nil {
		return err
	}
	query := r.URL.Query()
	if query.Has("at") {
		return fieldProblem(invalidParameter, "at", "is not answered by this version")
	}
	buffer := seatMapBuffers.Get().(*[]byte)
	defer seatMapBuffers.Put(buffer)
	m := seatMap{out: append((*buffer)[:0], '['), legacy: isLegacyRequest(r), compress: acceptsGzip(r)}
	err = s.readSnapshot(w, r, query, anonymousOK, func(v *projections.View) error { return v.Seats(schedule, m.add) })
	if m.gz != nil {
		defer gzipPool.Put(m.gz)
	}
	if cap(m.out) <= maxPooledBuffer {
		*buffer = m.out
	}
	switch {
	case err != nil:
		return err
	case len(m.out) == 1: // a schedule has at least one seat
		return problemf(domain.ScheduleNotFound, "")
	}
	m.out[len(m.out)-1] = ']'
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	body := m.out
	if m.gz != nil {
		if body, err = m.compressed(); err != nil {
			return err
		}
		h["Content-Encoding"] = []string{"gzip"}
	}
	send(w, http.StatusOK, jsonType, body)
	return nil
}

// getSeatMap writes seats one after the other, each with a comma. What all seats of a row share is written once and copied.
type seatMap struct {
	out                   []byte      // the last of them at least, with its comma
	compress              bool        // what is larger than a piece
	gz                    *gzipBuffer // has the pieces before out; nil: there are none
	legacy                bool        // blocked seats are shown as reserved
	section, row          string
	displayName, location []byte // `"displayName":"A-1-` and `","section":"A","row":"1","number":`
}

func (m *seatMap) add(seat projections.SeatView) error {
	if m.compress && len(m.out) > flushSize {
		if m.gz == nil {
			m.gz = getGzip()
		}
		if _, err := m.gz.Write(m.out); err != nil {
			return err
		}
		m.out = m.out[:0]
	}
	if m.displayName == nil || seat.Section != m.section || seat.Row != m.row {
		if err := m.startRow(seat.Section, seat.Row); err != nil {
			return err
		}
	}
	if m.legacy && seat.Status == "BLOCKED" {
		seat.Status = seats.StatusReserved
	}
	b := append(m.out, `{"id":`...)
	b = strconv.AppendInt(b, int64(seat.ScheduleSeatID), 10)
	b = append(b, `,"scheduleSeatId":`...)
	b = strconv.AppendInt(b, int64(seat.ScheduleSeatID), 10)
	b = append(b, m.displayName...)
	b = strconv.AppendInt(b, int64(seat.Number), 10)
	b = append(b, m.location...)
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

// compressed is the whole map compressed.
func (m *seatMap) compressed() ([]byte, error) {
	if _, err := m.gz.Write(m.out); err != nil {
		return nil, err
	}
	err := m.gz.Close()
	return m.gz.buf.Bytes(), err
}

// startRow prepares what the seats of a row share.
func (m *seatMap) startRow(section, row string) error {
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
	m.displayName = append([]byte(`,"displayName":`), name[:len(name)-1]...)
	m.location = append(append(append(append([]byte(`","section":`), quotedSection...), `,"row":`...), quotedRow...), `,"number":`...)
	return err
}

// Compression for the one answer that is large and asked for by everybody: the seats of a schedule. Their JSON is ten times
// as long as what it says. This library takes less than half the time of the standard one.

// gzipBuffer is a gzip stream into memory.
type gzipBuffer struct {
	*gzip.Writer
	buf bytes.Buffer
}

var gzipPool = sync.Pool{New: func() any {
	p := new(gzipBuffer)
	p.Writer, _ = gzip.NewWriterLevel(&p.buf, gzip.BestSpeed) // there is such a level
	return p
}}

// getGzip is an empty one. Give it back to presses when its bytes are sent.
func getGzip() *gzipBuffer {
	g := gzipPool.Get().(*gzipBuffer)
	g.buf.Reset()
	g.Reset(&g.buf)
	return g
}

// acceptsGzip says whether the client does, as all browsers do.
func acceptsGzip(r *http.Request) bool {
	for _, header := range r.Header["Accept-Encoding"] {
		for coding := range strings.SplitSeq(header, ",") {
			name, weight, hasWeight := strings.Cut(strings.ReplaceAll(coding, " ", ""), ";q=")
			if strings.EqualFold(name, "gzip") {
				q, err := strconv.ParseFloat(weight, 64)
				return !hasWeight || err == nil && q > 0
			}
		}
	}
	return false
}
