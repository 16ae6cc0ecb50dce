// The state is a function of the events, also of those that were encoded and decoded.

package machine_test

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"testing"

	"onsale/domain"
	"onsale/domain/machine"
	"onsale/domain/seats"
)

// checkReplay applies all events to a fresh machine, encoded and decoded. It and the replica have to equal the machine.
func (c *fixture) checkReplay() {
	c.t.Helper()
	decoded := machine.New()
	for _, e := range c.events {
		encoded := mustJSON(c.t, e.Body)
		body := reflect.New(reflect.TypeOf(e.Body))
		if err := json.Unmarshal(encoded, body.Interface()); err != nil {
			c.t.Fatalf("event %d: %v", e.Number, err)
		}
		e.Body = body.Elem().Interface().(domain.Body)
		if got := mustJSON(c.t, e.Body); string(got) != string(encoded) {
			c.t.Fatalf("event %d differs after decoding\n got %s\nwant %s", e.Number, got, encoded)
		}
		decoded.Apply(e)
	}
	want := dumpText(c.Machine)
	for source, s := range map[string]*machine.Machine{"replica": c.replica, "decoded": decoded} {
		if got := dumpText(s); got != want {
			c.t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
}

// Events are encoded while the state goes on. No later command may change them.
func TestExecute_CopiesState(t *testing.T) {
	c := newFixture(t)
	schedule := seats.Create{Title: "t", HoldSeconds: 1, MaxSeatsPerUser: 9,
		Sections: []seats.Section{{Name: "A", Rows: []seats.Row{{Name: "1", Seats: 9}}}}}
	var texts []string
	submit := func(at domain.Time, key string, body domain.Body) {
		c.nextMessage(at)
		_, events := c.submit("kim", key, "hall", body)
		for _, e := range events {
			texts = append(texts, string(mustJSON(t, e.Body)))
		}
	}
	submit(1000, "1", schedule)
	submit(1000, "2", seats.Hold{ScheduleSeatIDs: []int{1, 2, 3, 4, 5}})
	submit(1000, "3", seats.Release{ScheduleSeatIDs: []int{2}})
	submit(1000, "4", seats.Reserve{ScheduleSeatIDs: []int{1, 3}})
	submit(1000, "5", seats.Reserve{HoldID: "h2000", ScheduleSeatIDs: []int{4}})
	submit(1000, "6", seats.Hold{ScheduleSeatIDs: []int{6, 7}})
	submit(1000, "7", seats.Reserve{HoldID: "h6000"})
	submit(1000, "8", seats.Hold{ScheduleSeatIDs: []int{8, 9}})
	submit(1000, "9", seats.Release{HoldID: "h8000"})
	submit(2000, "10", seats.Hold{ScheduleSeatIDs: []int{5, 8, 9}})
	submit(2000, "11", seats.Release{ScheduleSeatIDs: []int{9, 5}})
	for i, e := range c.events {
		if got := string(mustJSON(t, e.Body)); got != texts[i] {
			t.Errorf("event %d was %s and is now %s", e.Number, texts[i], got)
		}
	}
	c.checkReplay()
}

// The state copies a list that it gets from a store.
func TestRestoreAllocation_CopiesItsList(t *testing.T) {
	state := seats.New()
	sc := state.Restore(seats.Created{ScheduleID: "hall", Sections: []seats.Section{{Name: "A", Rows: []seats.Row{{Name: "1", Seats: 3}}}}}, 1, false, nil)
	ids := []int{1, 2, 3}
	state.RestoreAllocation(sc, seats.Allocation{Sequence: 1000, User: "kim", ScheduleSeatIDs: ids, ExpiresAt: 5})
	state.RestoreAllocation(sc, seats.Allocation{Sequence: 2000, User: "lee", ScheduleSeatIDs: []int{1}, ExpiresAt: 9})
	if got, want := ids, []int{1, 2, 3}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestExecute_DeadLettersCommandWithoutBody(t *testing.T) {
	s := machine.New()
	events, err := s.Execute(domain.Command{Entity: "demo", User: "kim", Sequence: 1000})
	want := domain.Event{Number: 1, Sequence: 1000, Entity: "demo", User: "kim", Last: true, Body: domain.DeadLetter{Reason: domain.DeadLetterPanicked}}
	if err == nil || len(events) != 1 || !reflect.DeepEqual(events[0], want) {
		t.Errorf("got %+v, %v, want %+v", events, err, want)
	}
}

func TestDump_ReturnsWriteError(t *testing.T) {
	r, w := io.Pipe()
	full := errors.New("full")
	r.CloseWithError(full)
	if err := machine.New().Dump(w); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}
