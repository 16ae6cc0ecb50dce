//go:build linux

package load

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// TestRound_FindsFaults tells a crowd of four by servers that break their word in one way each.
func TestRound_FindsFaults(t *testing.T) {
	for _, c := range []struct{ fault, want string }{
		{"none", ""},
		{"doubles", "has event 2 after event 2"},
		{"tells another", "has event 3, and event 2 was made"},
		{"goes back", "has event 1 after event 2"},
		{"ends", " of 4 ended"},
		{"turns away", "a stream was turned away"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			s := &square{fault: c.fault}
			server := httptest.NewServer(s)
			defer server.Close()
			host := strings.TrimPrefix(server.URL, "http://")
			crowd, err := NewCrowd(host)
			if err != nil {
				t.Fatal(err)
			}
			defer crowd.Close()
			err = crowd.Join(t.Context(), 4, func(int) Reader { return Reader{User: "u"} })
			asking := NewBare(host)
			defer asking.Close()
			var round Round
			if err == nil {
				round, err = crowd.Round(t.Context(), asking.Tell)
			}
			for err == nil && c.want != "" { // what is wrong may come behind what was awaited
				err = errors.Join(crowd.wait(t.Context(), func() bool { return len(crowd.heard) > 0 }), crowd.Err())
			}
			if c.want == "" && (err != nil || len(round.Each) != 4 || round.Last < round.First) {
				t.Errorf("got %+v %v", round, err)
			}
			if c.want != "" && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// square is where the crowd stands: each POST is event 2 for all of them, as well as it goes.
type square struct {
	fault string
	mu    sync.Mutex
	lines []chan string
}

func (s *square) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		s.tell()
		fmt.Fprint(w, `{"eventId":"bare-2"}`)
		return
	}
	if s.fault == "turns away" {
		fmt.Fprint(w, "retry: 2000\n\n")
		return
	}
	line := make(chan string, 2)
	s.mu.Lock()
	s.lines = append(s.lines, line)
	s.mu.Unlock()
	fmt.Fprint(w, "event: connect\nid: bare-0\ndata: {}\n\n")
	for out := http.NewResponseController(w); ; {
		_ = out.Flush()
		select {
		case text, more := <-line:
			if !more {
				return
			}
			fmt.Fprint(w, text)
		case <-r.Context().Done():
			return
		}
	}
}

func (s *square) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	frame := func(n int) string { return fmt.Sprintf("id: bare-%d\ndata: {}\n\n", n) }
	for i, line := range s.lines {
		switch {
		case i != 1:
			line <- frame(2)
		case s.fault == "ends":
			close(line)
		case s.fault == "tells another":
			line <- frame(3)
		case s.fault == "doubles":
			line <- frame(2) + frame(2)
		case s.fault == "goes back":
			line <- frame(2) + frame(1)
		default:
			line <- frame(2)
		}
	}
}

// TestCheck_OneStream finds what is wrong with a stream that is read alone.
func TestCheck_OneStream(t *testing.T) {
	var want []Event
	for n := range uint64(4) { // seat 1 and seat 2 are held, and seat 1 is given back and held again
		want = append(want, Event{Number: n + 1, Seat: []int{1, 2, 1, 1}[n], Held: n != 2})
	}
	step := func(n int) string {
		e := want[n-1]
		return fmt.Sprintf("id: e-%d\ndata: {\"scheduleSeatId\":%d,\"status\":%q}\n\n", n, e.Seat, map[bool]string{true: "HELD", false: "AVAILABLE"}[e.Held])
	}
	for _, c := range []struct {
		name, stream string
		every, seats string // the fault as each check sees it
	}{
		{"all", step(1) + step(2) + step(3) + step(4), "", ""},
		{"one lost", step(1) + step(3) + step(4), "event 3 comes where event 2 must", `seat 2 is told to be "", and is "HELD"`},
		{"one doubled", step(1) + step(1) + step(2) + step(3) + step(4), "event 1 comes where event 2 must", ""},
		{"the latest state", "data: {\"scheduleSeatId\":1,\"status\":\"HELD\"}\n\nid: e-4\ndata: {\"scheduleSeatId\":2,\"status\":\"HELD\"}\n\n",
			"event 4 comes where event 1 must", ""},
		{"another state", "data: {\"scheduleSeatId\":1,\"status\":\"AVAILABLE\"}\n\nid: e-4\ndata: {\"scheduleSeatId\":2,\"status\":\"HELD\"}\n\n",
			"event 4 comes where event 1 must", `seat 1 is told to be "AVAILABLE", and is "HELD"`},
		{"out of order", step(2) + step(1) + step(3) + step(4), "event 2 comes where event 1 must", "event 1 comes after event 2"},
	} {
		for check, fault := range map[*Check]string{NewCheck(want): c.every, NewSeatsCheck(want): c.seats} {
			var s splitter
			s.each([]byte(c.stream), check.Take)
			switch {
			case !check.Done():
				t.Errorf("%s: it wants more", c.name)
			case fault == "" && check.Err != nil, fault != "" && (!errors.Is(check.Err, ErrBroken) || !strings.Contains(check.Err.Error(), fault)):
				t.Errorf("%s: got %v, want %q", c.name, check.Err, fault)
			}
		}
	}
}
