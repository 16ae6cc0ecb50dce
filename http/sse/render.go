// What an event looks like: to its user one frame that says how a command ended or what happened to them, to the
// watchers of a schedule one frame for each seat that changed, which never says who, to those of an order the verdict.

package sse

import (
	"encoding/json"
	"strconv"

	"onsale/domain"
	"onsale/domain/alarms"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// An audience shares the bytes of its frames.
type audience uint8

const (
	ownerKorean audience = iota
	ownerEnglish
	alarmsKorean // of the same events only the alarms
	alarmsEnglish
	orderKorean // of an order the verdict
	orderEnglish
	orderTextKorean // only what it says
	orderTextEnglish
	public         // a schedule's watchers, unnamed frames
	publicNamed    // the same frames as seatStatusChange
	publicOld      // for clients of the older system, who know no BLOCKED
	publicOldNamed //
	audiences
)

func (to audience) english() bool { return to < public && to%2 == 1 }
func (to audience) named() bool   { return to == publicNamed || to == publicOldNamed }

// render makes the frames of e for one audience.
func render(epoch string, e *domain.Event, to audience) *frames {
	f := &frames{}
	_, alarm := e.Body.(alarms.Raised)
	switch {
	case to >= public:
		f.addPublic(epoch, e, to)
	case to >= orderKorean:
		f.addOrderResult(epoch, e, to)
	case alarm || to <= ownerEnglish && !suppressed(e):
		f.addOwner(epoch, e, to)
	}
	return f
}

// suppressed says that e is not told to its user, since an alarm that follows it says the same.
func suppressed(e *domain.Event) bool {
	_, warned := e.Body.(seats.Expiring)
	return warned
}

func (f *frames) addOwner(epoch string, e *domain.Event, to audience) {
	n := notificationFor(e)
	f.addFrame(epoch, e, n.name, n.data(epoch, e, to))
}

func (f *frames) addOrderResult(epoch string, e *domain.Event, to audience) {
	name, n := orderResult(e), notificationFor(e)
	switch {
	case name == "":
	case to >= orderTextKorean:
		f.addFrame(epoch, e, name, appendMessage(nil, n, to))
	default:
		f.addFrame(epoch, e, name, n.data(epoch, e, to))
	}
}

// orderResult is how e decides an order; "" when it does not.
func orderResult(e *domain.Event) string {
	switch e.Body.(type) {
	case orders.Succeeded:
		return "success"
	case orders.Failed:
		return "failure"
	}
	return ""
}

// addFrame is the one that there is of e.
func (f *frames) addFrame(epoch string, e *domain.Event, name string, data []byte) {
	f.bytes = make([]byte, 0, len(data)+128)
	f.bytes = appendField(f.bytes, "event", name)
	f.bytes = appendID(f.bytes, epoch, Position{Number: e.Number})
	f.bytes = appendData(f.bytes, data)
	f.endFrame()
}

// data is n as JSON.
func (n notification) data(epoch string, e *domain.Event, to audience) []byte {
	fields := marshal(n.fields)
	data := append(make([]byte, 0, len(fields)+512), '{')
	if !e.Request.IsZero() {
		data = append(data, `"requestId":"`...)
		data = append(data, e.Request[:]...)
		data = append(data, `",`...)
	}
	data = append(data, `"sequence":`...)
	data = strconv.AppendUint(data, e.Sequence, 10)
	data = append(data, `,"eventId":"`...)
	data = Position{Number: e.Number}.append(data, epoch)
	data = append(data, `",`...)
	if len(fields) > len(`{}`) {
		data = append(data, fields[1:len(fields)-1]...)
		data = append(data, ',')
	}
	data = append(data, `"message":"`...)
	data = appendMessage(data, n, to)
	data = append(data, `","at":"`...)
	data = append(data, e.Now.String()...)
	return append(data, `"}`...)
}

func (f *frames) addPublic(epoch string, e *domain.Event, to audience) {
	count := 0
	for range seatChanges(e) {
		count++
	}
	if count == 0 {
		return
	}
	at := e.Now.String()
	f.bytes, f.ends = make([]byte, 0, 160*count), make([]int, 0, count)
	for id, status := range seatChanges(e) {
		if to.named() {
			f.bytes = appendField(f.bytes, "event", seatEventName)
		}
		p := Position{Number: e.Number}
		if k := f.count() + 1; k < count {
			p.Sub = uint32(k)
		}
		f.bytes = appendID(f.bytes, epoch, p)
		f.bytes = appendSeat(f.bytes, id, to.statusFor(status), at)
		f.endFrame()
	}
}

// statusFor is how the audience calls a status.
func (to audience) statusFor(status seats.Status) seats.Status {
	if status == seats.StatusBlocked && (to == publicOld || to == publicOldNamed) {
		return seats.StatusReserved
	}
	return status
}

const seatEventName = "seatStatusChange"

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
