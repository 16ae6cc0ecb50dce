// What an event looks like: to its user one frame that says how a command ended or what happened to them, to the
// watchers of a schedule one frame for each seat that changed, which never says who.
package stream

import (
	"encoding/json"
	"strconv"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/seats"
)

// An audience shares the bytes of its frames.
type audience uint8

const (
	ownerKorean audience = iota
	ownerEnglish
	alarmsKorean // of the same events only the alarms
	alarmsEnglish
	public         // a schedule's watchers, unnamed frames
	publicNamed    // the same frames as seatStatusChange
	publicOld      // for clients of the older system, who know no BLOCKED
	publicOldNamed //
	audiences
)

func (to audience) english() bool { return to == ownerEnglish || to == alarmsEnglish }
func (to audience) named() bool   { return to == publicNamed || to == publicOldNamed }

// render makes the frames of e for one audience.
func render(epoch string, e *domain.Event, to audience) *frames {
	f := &frames{}
	_, alarm := e.Body.(alarms.Raised)
	switch {
	case to >= public:
		f.public(epoch, e, to)
	case alarm || to <= ownerEnglish && !silent(e):
		f.owner(epoch, e, to)
	}
	return f
}

// silent says that e is not told to its user, since an alarm that follows it says the same.
func silent(e *domain.Event) bool {
	_, warned := e.Body.(seats.Expiring)
	return warned
}

func (f *frames) owner(epoch string, e *domain.Event, to audience) {
	n, at := noticeOf(e), Position{Number: e.Number}
	fields := marshal(n.fields)
	f.bytes = make([]byte, 0, len(fields)+512)
	f.bytes = appendField(f.bytes, "event", n.name)
	f.bytes = appendID(f.bytes, epoch, at)
	data := append(make([]byte, 0, len(fields)+512), '{')
	if !e.Request.IsZero() {
		data = append(data, `"requestId":"`...)
		data = append(data, e.Request[:]...)
		data = append(data, `",`...)
	}
	data = append(data, `"sequence":`...)
	data = strconv.AppendUint(data, e.Sequence, 10)
	data = append(data, `,"eventId":"`...)
	data = at.append(data, epoch)
	data = append(data, `",`...)
	if len(fields) > len(`{}`) {
		data = append(data, fields[1:len(fields)-1]...)
		data = append(data, ',')
	}
	data = append(data, `"message":"`...)
	data = appendMessage(data, n, to)
	data = append(data, `","at":"`...)
	data = append(data, e.Now.String()...)
	data = append(data, `"}`...)
	f.bytes = appendData(f.bytes, data)
	f.close()
}

func (f *frames) public(epoch string, e *domain.Event, to audience) {
	count := 0
	for range changed(e) {
		count++
	}
	if count == 0 {
		return
	}
	at := e.Now.String()
	f.bytes, f.ends = make([]byte, 0, 160*count), make([]int, 0, count)
	for id, status := range changed(e) {
		if to.named() {
			f.bytes = appendField(f.bytes, "event", seatChange)
		}
		p := Position{Number: e.Number}
		if k := f.count() + 1; k < count {
			p.Sub = uint32(k)
		}
		f.bytes = appendID(f.bytes, epoch, p)
		f.bytes = appendSeat(f.bytes, id, to.shown(status), at)
		f.close()
	}
}

// shown is how the audience calls a status.
func (to audience) shown(status seats.Status) seats.Status {
	if status == seats.StatusBlocked && (to == publicOld || to == publicOldNamed) {
		return seats.StatusReserved
	}
	return status
}

const seatChange = "seatStatusChange"

// appendSeat writes the data of one seat.
func appendSeat(b []byte, id int, status seats.Status, at string) []byte {
	b = append(b, `data: {"scheduleSeatId":`...)
	b = strconv.AppendInt(b, int64(id), 10)
	b = append(b, `,"status":"`...)
	b = append(b, status...)
	b = append(b, `","timestamp":"`...)
	b = append(b, at...)
	return append(b, "\",\"isHeartbeat\":false}\n"...)
}

// marshal is for bodies of events, which came from JSON: they always can be written again.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("stream: an event that is no JSON: " + err.Error())
	}
	return b
}
