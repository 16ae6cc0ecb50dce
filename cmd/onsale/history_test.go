// The past as `onsale replay --format jsonl` prints it, and what follows from it for everybody who was there.

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

type historyEvent struct {
	EventID, Type, Entity, User, RequestID string
	Data                                   struct {
		Command         string
		Code            string
		Number          int
		Refunded        int64
		Reason          string
		HoldID          string
		ReservationID   string
		ScheduleSeatIDs []int
	}
}

type historyCommand struct {
	Sequence                      uint64
	Type, Entity, User, RequestID string
	Events                        []historyEvent
}

// history is everything that stands in the box's logs.
func (b *testNode) history() []historyCommand {
	b.tb.Helper()
	stdout, stderr, code := b.runTool(append([]string{"replay", "--format", "jsonl"}, b.logFlags()...)...)
	if code != 0 {
		b.tb.Fatalf("onsale replay: exit code %d: %s", code, stderr)
	}
	var history []historyCommand
	for line := range strings.Lines(stdout) {
		var c historyCommand
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			b.tb.Fatalf("%s: %v", line, err)
		}
		history = append(history, c)
	}
	next := uint64(1)
	for _, c := range history {
		for _, e := range c.Events {
			if n, _ := parseEventID(e.EventID); n != next {
				b.tb.Fatalf("event %s is replayed in the place of event %d", e.EventID, next)
			}
			next++
		}
	}
	return history
}

// outcome is what was decided of a request, once and for all.
type outcome struct {
	sequence uint64
	event    historyEvent
}

// outcomesByRequest wants exactly one outcome of each request.
func outcomesByRequest(tb testing.TB, history []historyCommand) map[string]outcome {
	tb.Helper()
	found := map[string]outcome{}
	for _, c := range history {
		for _, e := range c.Events {
			if e.RequestID == "" { // nobody asked for it
				continue
			}
			if first, duplicate := found[e.RequestID]; duplicate || e.RequestID != c.RequestID {
				tb.Errorf("request %s has two outcomes: %+v at %d and %+v at %d", c.RequestID, first.event, first.sequence, e, c.Sequence)
				continue
			}
			found[e.RequestID] = outcome{c.Sequence, e}
		}
	}
	return found
}

// userFrameNames are the frames of a user's stream.
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

// userFrame is what its user is told of an event.
func userFrame(c historyCommand, e historyEvent) sseFrame {
	name := userFrameNames[e.Type]
	if strings.HasSuffix(e.Type, ".rejected") {
		name = userFrameNames[e.Data.Command]
	}
	data := fmt.Sprintf(`{"sequence":%d,"eventId":%q,`, c.Sequence, e.EventID)
	if e.RequestID != "" { // it was asked for
		data = fmt.Sprintf(`{"requestId":%q,%s`, e.RequestID, data[1:])
	}
	return sseFrame{e.EventID, name, data}
}

// framesOfUser is what a user's stream has shown from the beginning of the log on. Only the beginnings of the data.
func framesOfUser(history []historyCommand, user string) (frames []sseFrame) {
	for _, c := range history {
		for _, e := range c.Events {
			if e.User != user {
				continue
			}
			frames = append(frames, userFrame(c, e))
		}
	}
	return frames
}

var seatStatuses = map[string]string{
	"seats.held": "HELD", "seats.released": "AVAILABLE", "seats.expired": "AVAILABLE", "seats.reserved": "RESERVED",
}

// framesOfSchedule is what the watchers of a schedule have seen.
func framesOfSchedule(history []historyCommand, schedule, name string) (frames []sseFrame) {
	for _, c := range history {
		for _, e := range c.Events {
			status := seatStatuses[e.Type]
			if e.Entity != schedule || status == "" {
				continue
			}
			for i, seat := range e.Data.ScheduleSeatIDs {
				id := e.EventID
				if i < len(e.Data.ScheduleSeatIDs)-1 {
					id = fmt.Sprintf("%s.%d", id, i+1)
				}
				frames = append(frames, sseFrame{id, name, fmt.Sprintf(`{"scheduleSeatId":%d,"status":%q,`, seat, status)})
			}
		}
	}
	return frames
}

// checkSeatOwners goes through the past seat by seat: nobody gets what somebody has, and nobody loses what is not theirs.
func checkSeatOwners(tb testing.TB, history []historyCommand) (taken int) {
	tb.Helper()
	type seat struct {
		schedule string
		id       int
	}
	type owner struct {
		user     string
		reserved bool
	}
	owners := map[seat]owner{}
	for _, c := range history {
		for _, e := range c.Events {
			for _, id := range e.Data.ScheduleSeatIDs {
				key := seat{e.Entity, id}
				current, owned := owners[key]
				invalid := false
				switch e.Type {
				case "seats.held":
					invalid = owned
					owners[key] = owner{user: e.User}
					taken++
				case "seats.reserved":
					invalid = current.user != e.User || current.reserved
					owners[key] = owner{e.User, true}
				case "seats.released", "seats.expired":
					invalid = current.user != e.User || current.reserved
					delete(owners, key)
				}
				if invalid {
					tb.Errorf("event %s: %s of seat %d by %s, while it is %+v's", e.EventID, e.Type, id, e.User, current)
				}
			}
		}
	}
	return taken
}
