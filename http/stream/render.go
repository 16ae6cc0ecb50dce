// What an event looks like: to its user one frame that says how a command ended or what happened to them, to the
// watchers of a schedule one frame for each seat that changed, which never says who.
package stream

import (
	"encoding/json"
	"strconv"

	"onsale/domain"
	"onsale/domain/seats"
)

// An audience shares the bytes of its frames.
type audience uint8

const (
	ownerKorean audience = iota
	ownerEnglish
	public      // a schedule's watchers, unnamed frames
	publicNamed // the same frames as seatStatusChange
	audiences
)

// changed are the seats that e gave another status, in the order of the event, and which one.
func changed(e *domain.Event) (seats.Status, []int) {
	switch body := e.Body.(type) {
	case seats.Held:
		return seats.StatusHeld, body.ScheduleSeatIDs
	case seats.Released:
		return seats.StatusAvailable, body.ScheduleSeatIDs
	case seats.Expired:
		return seats.StatusAvailable, body.ScheduleSeatIDs
	case seats.Reserved:
		return seats.StatusReserved, body.ScheduleSeatIDs
	}
	return "", nil
}

// render makes the frames of e for one audience.
func render(epoch string, e *domain.Event, to audience) *frames {
	f := &frames{}
	if to == ownerKorean || to == ownerEnglish {
		f.owner(epoch, e, to)
	} else {
		f.public(epoch, e, to)
	}
	return f
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
	status, ids := changed(e)
	if len(ids) == 0 {
		return
	}
	at := e.Now.String()
	f.bytes, f.ends = make([]byte, 0, 160*len(ids)), make([]int, 0, len(ids))
	for i, id := range ids {
		if to == publicNamed {
			f.bytes = appendField(f.bytes, "event", "seatStatusChange")
		}
		p := Position{Number: e.Number}
		if i < len(ids)-1 {
			p.Sub = uint32(i + 1)
		}
		f.bytes = appendID(f.bytes, epoch, p)
		f.bytes = append(f.bytes, `data: {"scheduleSeatId":`...)
		f.bytes = strconv.AppendInt(f.bytes, int64(id), 10)
		f.bytes = append(f.bytes, `,"status":"`...)
		f.bytes = append(f.bytes, status...)
		f.bytes = append(f.bytes, `","timestamp":"`...)
		f.bytes = append(f.bytes, at...)
		f.bytes = append(f.bytes, "\",\"isHeartbeat\":false}\n"...)
		f.close()
	}
}

// marshal is for bodies of events, which came from JSON: they always can be written again.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("stream: an event that is no JSON: " + err.Error())
	}
	return b
}
