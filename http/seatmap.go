// The seats of a schedule as a JSON array: the first request of every page, thousands at once. The JSON is written by hand,
// because reflection would cost more than everything else here together. For clients that accept gzip a large map is
// compressed while it is written, so that at most flushSize of it is in memory as text. A client that has the present map, by its
// entity tag, gets 304 without it.

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
	"onsale/http/auth"
	"onsale/projections/store"
)

// seatMapBuffers pools buffers up to maxPooledBuffer.
var seatMapBuffers = sync.Pool{New: func() any { return new([]byte) }}

const (
	maxPooledBuffer = 256 << 10
	flushSize       = 64 << 10
)

func (s *Server) seats(w http.ResponseWriter, r *http.Request, who auth.Identity) error {
	schedule, err := pathID(r, "scheduleId")
	if err != nil {
		return err
	}
	query := r.URL.Query()
	if query.Has("at") {
		return fieldProblem(invalidParameter, "at", "is not supported by this version")
	}
	buffer := seatMapBuffers.Get().(*[]byte)
	defer seatMapBuffers.Put(buffer)
	m := seatMap{out: append((*buffer)[:0], '['), legacy: isLegacyRequest(r), compress: acceptsGzip(r)}
	tag, unchanged := "", false
	err = s.readSnapshot(w, r, query, who, func(v *store.View) error {
		tag = s.seatMapTag(v, schedule, who.User)
		if unchanged = matchesTag(r.Header["If-None-Match"], tag); unchanged {
			return nil
		}
		return v.Seats(schedule, m.add)
	})
	if m.gz != nil {
		defer gzipPool.Put(m.gz)
	}
	if cap(m.out) <= maxPooledBuffer {
		*buffer = m.out
	}
	switch {
	case err != nil:
		return err
	case !unchanged && len(m.out) == 1: // a schedule has at least one seat
		return problemf(domain.ScheduleNotFound, "")
	}
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if tag != "" {
		h["Etag"] = []string{tag}
		h["Cache-Control"] = []string{"private, no-cache"} // a browser keeps the map, and asks each time whether it is the present one
	}
	if unchanged {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	m.out[len(m.out)-1] = ']'
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

// seatMapTag is the entity tag of a schedule's seats as the user sees them: the position of the schedule's last event, and the
// user, since a browser's cache may outlive a login. It is "" where that event may be newer than the snapshot: the tag would
// promise what the map does not show. It is a weak one, for the map may be compressed or not.
func (s *Server) seatMapTag(v *store.View, schedule, user string) string {
	last := s.Projector.LastOfEntity("seats", schedule)
	if last == 0 || last > v.EventNumber() {
		return ""
	}
	if user != "" {
		user = "." + user
	}
	return `W/"` + s.position(last) + user + `"`
}

// matchesTag says whether If-None-Match names the tag (RFC 9110, 13.1.2). No tag of ours has a comma.
func matchesTag(headers []string, tag string) bool {
	if tag == "" {
		return false
	}
	for _, header := range headers {
		for candidate := range strings.SplitSeq(header, ",") {
			candidate = strings.Trim(candidate, " \t")
			if candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag[len("W/"):] {
				return true
			}
		}
	}
	return false
}

// seatMap writes seats, each followed by a comma. What the seats of a row share is encoded once and copied.
type seatMap struct {
	out                   []byte      // at least the last seat
	compress              bool        // if it is larger than flushSize
	gz                    *gzipBuffer // what precedes out; nil: nothing
	legacy                bool        // blocked seats are shown as reserved
	section, row          string
	displayName, location []byte // `"displayName":"A-1-` and `","section":"A","row":"1","number":`
}

func (m *seatMap) add(seat store.SeatView) error {
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
		m.startRow(seat.Section, seat.Row)
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

// compressed is the whole map, compressed.
func (m *seatMap) compressed() ([]byte, error) {
	if _, err := m.gz.Write(m.out); err != nil {
		return nil, err
	}
	err := m.gz.Close()
	return m.gz.buf.Bytes(), err
}

// startRow encodes what the seats of a row share.
func (m *seatMap) startRow(section, row string) {
	m.section, m.row = section, row
	quote := func(text string) string {
		quoted, _ := json.Marshal(text) // any string can be encoded
		return string(quoted)
	}
	m.displayName = []byte(`,"displayName":` + strings.TrimSuffix(quote(section+"-"+row+"-"), `"`))
	m.location = []byte(`","section":` + quote(section) + `,"row":` + quote(row) + `,"number":`)
}

// gzipBuffer is a gzip stream into memory. This library takes less than half the time of the standard one; the JSON shrinks
// to about a tenth.
type gzipBuffer struct {
	*gzip.Writer
	buf bytes.Buffer
}

var gzipPool = sync.Pool{New: func() any {
	p := new(gzipBuffer)
	p.Writer, _ = gzip.NewWriterLevel(&p.buf, gzip.BestSpeed) // the level is valid
	return p
}}

// getGzip takes an empty buffer from gzipPool, to be put back when its bytes are sent.
func getGzip() *gzipBuffer {
	g := gzipPool.Get().(*gzipBuffer)
	g.buf.Reset()
	g.Reset(&g.buf)
	return g
}

// acceptsGzip says whether the client accepts gzip, as all browsers do.
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
