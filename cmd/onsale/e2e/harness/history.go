package harness

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// LogEvent is an event as onsale replay prints it.
type LogEvent struct {
	EventID, Type, Entity, User, RequestID string
	Now                                    time.Time
	Data                                   struct {
		Command         string
		Code            string
		Number          int
		Refunded        int64
		Reason          string
		HoldID          string
		ReservationID   string
		ScheduleSeatIDs []int
		ImpUID          string `json:"imp_uid"`
		CouponID        string
		Late            bool
		Amount, Kept    int64
		RefundAmount    *int64
	}
}

// LogCommand is a command as onsale replay prints it, with its events.
type LogCommand struct {
	Sequence                      uint64
	Type, Entity, User, RequestID string
	Events                        []LogEvent
}

// History is everything in the logs of the stopped node, by onsale replay. It requires that no event is missing.
func (n *Node) History() []LogCommand {
	n.tb.Helper()
	stdout, stderr, code := n.RunTool(append([]string{"replay", "--format", "jsonl"}, n.logFlags()...)...)
	if code != 0 {
		n.tb.Fatalf("onsale replay: exit code %d: %s", code, stderr)
	}
	var history []LogCommand
	for line := range strings.Lines(stdout) {
		var c LogCommand
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			n.tb.Fatalf("%s: %v", line, err)
		}
		history = append(history, c)
	}
	next := uint64(1)
	for _, c := range history {
		for _, e := range c.Events {
			if number, _ := ParseEventID(e.EventID); number != next {
				n.tb.Fatalf("event %s is replayed in the place of event %d", e.EventID, next)
			}
			next++
		}
	}
	return history
}

// Outcome is the event that decided a request, and the sequence of its command.
type Outcome struct {
	Sequence uint64
	Event    LogEvent
}

// OutcomesByRequest requires exactly one outcome of each request.
func OutcomesByRequest(tb testing.TB, history []LogCommand) map[string]Outcome {
	tb.Helper()
	found := map[string]Outcome{}
	for _, c := range history {
		for _, e := range c.Events {
			if e.RequestID == "" { // not an answer to a request
				continue
			}
			if first, duplicate := found[e.RequestID]; duplicate || e.RequestID != c.RequestID {
				tb.Errorf("request %s has two outcomes: %+v at %d and %+v at %d", c.RequestID, first.Event, first.Sequence, e, c.Sequence)
				continue
			}
			found[e.RequestID] = Outcome{c.Sequence, e}
		}
	}
	return found
}

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
	"orders.confirmed": "order-accepted", "coupons.used": "coupon-used", "coupons.use": "use-failed", "coupons.revoked": "coupon-revoked",
	"seats.cancel": "cancel-failed", "products.prepared": "command-complete", "products.prepare": "command-failed", "alarms.raised": "alarm",
}

// isPart says that an event of a user has no frame: it is the part of a hold or a coupon in what became of an order.
func isPart(e LogEvent) bool {
	switch e.Type {
	case "seats.expiring", "seats.payment-prepared", "seats.ordered", "seats.order-failed", "coupons.bound", "coupons.given-back":
		return true
	case "seats.reserved", "coupons.used":
		return e.RequestID == ""
	}
	return false
}

// UserFrames is what a user's stream shows from the beginning of the log. Data is only the beginning of a frame's data.
func UserFrames(history []LogCommand, user string) (frames []Frame) {
	for _, c := range history {
		for _, e := range c.Events {
			if e.User != user || isPart(e) {
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
			if e.Type == "seats.ordered" && e.Data.Late {
				status = "HELD"
			}
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
