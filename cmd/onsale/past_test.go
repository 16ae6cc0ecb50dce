// The past as `onsale replay --format jsonl` prints it, and what follows from it for everybody who was there.

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

type pastEvent struct {
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

type pastCommand struct {
	Sequence                      uint64
	Type, Entity, User, RequestID string
	Events                        []pastEvent
}

// replayed is everything that stands in the box's logs.
func (b *box) replayed() []pastCommand {
	b.tb.Helper()
	stdout, stderr, code := b.onsale(append([]string{"replay", "--format", "jsonl"}, b.log()...)...)
	if code != 0 {
		b.tb.Fatalf("onsale replay: exit code %d: %s", code, stderr)
	}
	var past []pastCommand
	for line := range strings.Lines(stdout) {
		var c pastCommand
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			b.tb.Fatalf("%s: %v", line, err)
		}
		past = append(past, c)
	}
	next := uint64(1)
	for _, c := range past {
		for _, e := range c.Events {
			if n, _ := numberOf(e.EventID); n != next {
				b.tb.Fatalf("event %s is replayed in the place of event %d", e.EventID, next)
			}
			next++
		}
	}
	return past
}

// outcome is what was decided of a request, once and for all.
type outcome struct {
	sequence uint64
	event    pastEvent
}

// outcomes wants exactly one outcome of each request.
func outcomes(tb testing.TB, past []pastCommand) map[string]outcome {
	tb.Helper()
	found := map[string]outcome{}
	for _, c := range past {
		for _, e := range c.Events {
			if e.RequestID == "" { // nobody asked for it
				continue
			}
			if first, twice := found[e.RequestID]; twice || e.RequestID != c.RequestID {
				tb.Errorf("request %s has two outcomes: %+v at %d and %+v at %d", c.RequestID, first.event, first.sequence, e, c.Sequence)
				continue
			}
			found[e.RequestID] = outcome{c.Sequence, e}
		}
	}
	return found
}

// names are the frames of a user's stream.
var names = map[string]string{
	"coupons.issued": "issue-complete", "coupons.issue": "issue-failed",
	"seats.held": "hold-complete", "seats.hold": "hold-failed",
	"seats.released": "hold-released", "seats.release": "release-failed",
	"seats.reserved": "reserve-complete", "seats.reserve": "reserve-failed",
	"seats.expired": "hold-expired", "seats.cancelled": "reservation-cancelled",
	"orders.placed": "order-accepted", "orders.place": "order-refused",
	"orders.succeeded": "order-success", "orders.failed": "order-failure", "orders.pending": "order-pending",
	"orders.kept": "order-refunding", "orders.refund-due": "order-refunding", "orders.refunded": "order-refunded",
	"products.prepared": "command-complete", "products.prepare": "command-failed", "alarms.raised": "alarm",
}

// toldUser is what its user is told of an event.
func toldUser(c pastCommand, e pastEvent) seenFrame {
	name := names[e.Type]
	if strings.HasSuffix(e.Type, ".rejected") {
		name = names[e.Data.Command]
	}
	data := fmt.Sprintf(`{"sequence":%d,"eventId":%q,`, c.Sequence, e.EventID)
	if e.RequestID != "" { // it was asked for
		data = fmt.Sprintf(`{"requestId":%q,%s`, e.RequestID, data[1:])
	}
	return seenFrame{e.EventID, name, data}
}

// framesOfUser is what a user's stream has shown from the beginning of the log on. Only the beginnings of the data.
func framesOfUser(past []pastCommand, user string) (frames []seenFrame) {
	for _, c := range past {
		for _, e := range c.Events {
			if e.User != user {
				continue
			}
			frames = append(frames, toldUser(c, e))
		}
	}
	return frames
}

var statuses = map[string]string{
	"seats.held": "HELD", "seats.released": "AVAILABLE", "seats.expired": "AVAILABLE", "seats.reserved": "RESERVED",
}

// framesOfSchedule is what the watchers of a schedule have seen.
func framesOfSchedule(past []pastCommand, schedule, name string) (frames []seenFrame) {
	for _, c := range past {
		for _, e := range c.Events {
			status := statuses[e.Type]
			if e.Entity != schedule || status == "" {
				continue
			}
			for i, seat := range e.Data.ScheduleSeatIDs {
				id := e.EventID
				if i < len(e.Data.ScheduleSeatIDs)-1 {
					id = fmt.Sprintf("%s.%d", id, i+1)
				}
				frames = append(frames, seenFrame{id, name, fmt.Sprintf(`{"scheduleSeatId":%d,"status":%q,`, seat, status)})
			}
		}
	}
	return frames
}

// oneOwner goes through the past seat by seat: nobody gets what somebody has, and nobody loses what is not theirs.
func oneOwner(tb testing.TB, past []pastCommand) (taken int) {
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
	for _, c := range past {
		for _, e := range c.Events {
			for _, id := range e.Data.ScheduleSeatIDs {
				at := seat{e.Entity, id}
				has, owned := owners[at]
				wrong := false
				switch e.Type {
				case "seats.held":
					wrong = owned
					owners[at] = owner{user: e.User}
					taken++
				case "seats.reserved":
					wrong = has.user != e.User || has.reserved
					owners[at] = owner{e.User, true}
				case "seats.released", "seats.expired":
					wrong = has.user != e.User || has.reserved
					delete(owners, at)
				}
				if wrong {
					tb.Errorf("event %s: %s of seat %d by %s, while it is %+v's", e.EventID, e.Type, id, e.User, has)
				}
			}
		}
	}
	return taken
}
