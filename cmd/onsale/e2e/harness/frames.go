package harness

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
)

// Frame is one frame of a stream.
type Frame struct {
	ID, Event, Data string
}

// ReadFrames reads frames until the stream ends. As the standard has it, a frame that does not end with an empty line is
// dropped, and so is one without data (a retry delay).
func ReadFrames(body *bufio.Reader, onFrame func(f Frame, first bool)) {
	var id, event string
	var data []string
	first := true
	for {
		line, err := body.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSuffix(line, "\n")
		if line != "" {
			name, value, _ := strings.Cut(line, ":")
			value = strings.TrimPrefix(value, " ")
			switch name {
			case "id":
				id = value
			case "event":
				event = value
			case "data":
				data = append(data, value)
			}
			continue
		}
		if data != nil {
			onFrame(Frame{id, event, strings.Join(data, "\n")}, first)
			first = false
		}
		event, data = "", nil
	}
}

// ParseEventID returns the event number, and the frame's number within the event; 0: the last one.
func ParseEventID(id string) (number, sub uint64) {
	_, position, _ := strings.Cut(id, "-")
	n, k, _ := strings.Cut(position, ".")
	number, _ = strconv.ParseUint(n, 10, 64)
	sub, _ = strconv.ParseUint(k, 10, 64)
	return number, sub
}

// Precedes says that id a comes before id b in a stream.
func Precedes(a, b string) bool {
	an, ak := ParseEventID(a)
	bn, bk := ParseEventID(b)
	if an != bn {
		return an < bn
	}
	return ak != 0 && (bk == 0 || ak < bk)
}

// userFrameNames are the names of frames of a user's stream, by event type, or by command for rejections.
var userFrameNames = map[string]string{
	"coupons.issued": "issue-complete", "coupons.issue": "issue-failed",
	"seats.held": "hold-complete", "seats.hold": "hold-failed",
	"seats.released": "hold-released", "seats.release": "release-failed",
	"seats.reserved": "reserve-complete", "seats.reserve": "reserve-failed",
	"seats.expired": "hold-expired", "seats.cancelled": "reservation-cancelled",
	"orders.placed": "order-accepted", "orders.place": "order-refused",
	"orders.succeeded": "order-success", "orders.failed": "order-failure", "orders.pending": "order-pending",
	"orders.rejected-paid": "order-refunding", "orders.refund-due": "order-refunding", "orders.refunded": "order-refunded",
	"products.prepared": "command-complete", "products.prepare": "command-failed", "alarms.raised": "alarm",
}

// UserFrames is what a user's stream shows from the beginning of the log. Data is only the beginning of a frame's data.
func UserFrames(history []LogCommand, user string) (frames []Frame) {
	for _, c := range history {
		for _, e := range c.Events {
			if e.User != user {
				continue
			}
			name := userFrameNames[e.Type]
			if strings.HasSuffix(e.Type, ".rejected") {
				name = userFrameNames[e.Data.Command]
			}
			data := fmt.Sprintf(`{"sequence":%d,"eventId":%q,`, c.Sequence, e.EventID)
			if e.RequestID != "" {
				data = fmt.Sprintf(`{"requestId":%q,%s`, e.RequestID, data[1:])
			}
			frames = append(frames, Frame{e.EventID, name, data})
		}
	}
	return frames
}

var seatStatuses = map[string]string{
	"seats.held": "HELD", "seats.released": "AVAILABLE", "seats.expired": "AVAILABLE", "seats.reserved": "RESERVED",
	"seats.blocked": "BLOCKED", "seats.unblocked": "AVAILABLE", "seats.cancelled": "AVAILABLE",
}

// ScheduleFrames is what the watchers of a schedule see from the beginning of the log, in frames of this name. Data is only the
// beginning of a frame's data. Legacy streams show blocked seats as reserved.
func ScheduleFrames(history []LogCommand, schedule, name string, legacy bool) (frames []Frame) {
	for _, c := range history {
		for _, e := range c.Events {
			status := seatStatuses[e.Type]
			if e.Entity != schedule || status == "" {
				continue
			}
			if status == "BLOCKED" && legacy {
				status = "RESERVED"
			}
			for i, seat := range e.Data.ScheduleSeatIDs {
				id := e.EventID
				if i < len(e.Data.ScheduleSeatIDs)-1 {
					id = fmt.Sprintf("%s.%d", id, i+1)
				}
				frames = append(frames, Frame{id, name, fmt.Sprintf(`{"scheduleSeatId":%d,"status":%q,`, seat, status)})
			}
		}
	}
	return frames
}
