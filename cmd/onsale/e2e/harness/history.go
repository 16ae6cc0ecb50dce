package harness

import (
	"encoding/json"
	"strings"
	"testing"
)

// LogEvent is an event as onsale replay prints it.
type LogEvent struct {
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
