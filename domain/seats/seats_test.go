package seats

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"testing"

	"onsale/domain"
)

// TestEvents_LargestFit makes the largest events that the rules can make: with their envelope they fit into 256 KiB, so the log
// refuses none.
func TestEvents_LargestFit(t *testing.T) {
	name := strings.Repeat("<", 6) // with four digits, 40 bytes of JSON
	create := func(sections int) Create {
		all := make([]Section, sections)
		for i := range all {
			all[i] = Section{Name: fmt.Sprintf("%s%04d", name, i), Price: MaxPrice, Rows: rows(3, Row{name, 1})}
		}
		all[0].Rows = []Row{{name + "0000", MaxSeats - 3*sections}}
		return Create{Title: strings.Repeat("<", MaxTitle), HoldSeconds: MaxHoldSeconds, MaxSeatsPerUser: MaxPerUser, Sections: all}
	}
	maxSections := sort.Search(MaxSections, func(n int) bool { return create(n+1).Check() != nil })
	s, entity := New(), strings.Repeat("s", 40)
	sequence := uint64(1 << 62)
	execute := func(user string, body domain.Body) domain.Body {
		sequence++
		e := s.Decide(domain.Command{Entity: entity, User: user, Sequence: sequence, Body: body}, 1)[0]
		e.Sequence = sequence
		s.Apply(e)
		return e.Body
	}
	bodies := []domain.Body{execute("admin", create(maxSections))}
	named := func(from int) (ids []int) { // the highest numbers are the longest
		for id := range MaxSeatsPerCommand {
			ids = append(ids, s.Schedule(entity).Layout.Total()-from-id)
		}
		return ids
	}
	held := execute("kim", Hold{ScheduleSeatIDs: named(0)}).(Held)
	swap := Swap{HoldID: held.HoldID, Release: named(0)[:MaxSeatsPerCommand/2], Take: named(MaxSeatsPerCommand)[:MaxSeatsPerCommand/2]}
	bodies = append(bodies, held, execute("kim", swap))
	execute("lee", Join{Quantity: MaxPerUser})
	offer, _ := s.NextOffer(1)
	s.Apply(offer)
	bodies = append(bodies, offer.Body, execute("lee", Accept{WaitingID: offer.Body.(Offered).WaitingID}))
	for _, body := range bodies {
		text, err := json.Marshal(body)
		if name, _ := body.Type(); err != nil || len(text) > 255<<10 || len(text) < 100<<10 {
			t.Errorf("%s has %d bytes, %v", name, len(text), err)
		}
	}
}

func TestLayout_NumbersSeats(t *testing.T) {
	l := NewLayout([]Section{{"A", 5, []Row{{"1", 2}, {"2", 1}}}, {"B", 3, []Row{{"1", 3}}}})
	want := []HeldSeat{{1, "A-1-1", 5}, {2, "A-1-2", 5}, {3, "A-2-1", 5}, {4, "B-1-1", 3}, {5, "B-1-2", 3}, {6, "B-1-3", 3}}
	if l.Total() != len(want) {
		t.Errorf("got %d seats, want %d", l.Total(), len(want))
	}
	for _, seat := range want {
		if got := l.Describe(seat.ScheduleSeatID); got != seat {
			t.Errorf("got %+v, want %+v", got, seat)
		}
	}
}

func TestHoldSequence_ParsesHoldID(t *testing.T) {
	for _, sequence := range []uint64{1, 1000, 1<<64 - 1} {
		if got := HoldSequence(HoldID(sequence)); got != sequence {
			t.Errorf("got %d, want %d", got, sequence)
		}
	}
	for _, id := range []string{"", "h", "1", "H1", "h01", "h+1", "h-1", "h 1", "h1 ", "h0x1", "h1_0", "h18446744073709551616"} {
		if got := HoldSequence(id); got != 0 {
			t.Errorf("%q: got %d, want 0", id, got)
		}
	}
}

func TestReservationSequence_ParsesIDs(t *testing.T) {
	for id, want := range map[string]uint64{"hall-r7": 7, "hall-r07": 0, "hall-r": 0, "hall7": 0, "bar-r7": 0, "hall-ws7": 0, "": 0} {
		if got := ReservationSequence("hall", id); got != want {
			t.Errorf("%q: got %d, want %d", id, got, want)
		}
	}
	if id := WaitingID("hall", 7); id != "hall-ws7" || WaitingSequence("hall", id) != 7 || WaitingSequence("bar", id) != 0 {
		t.Errorf("got %s", id)
	}
}
