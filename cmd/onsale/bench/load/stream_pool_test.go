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

// TestStreamPool_FindsFaults reads four streams of servers with one fault each.
func TestStreamPool_FindsFaults(t *testing.T) {
	for _, c := range []struct{ fault, want string }{
		{"none", ""},
		{"doubles", "has event 2 after event 2"},
		{"other event", "has event 3, and event 2 was published"},
		{"goes back", "has event 1 after event 2"},
		{"ends", " of 4 ended"},
		{"rejects", "a stream was rejected"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			s := &faultyStreams{fault: c.fault}
			server := httptest.NewServer(s)
			defer server.Close()
			host := strings.TrimPrefix(server.URL, "http://")
			pool, err := NewStreamPool(host)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			err = pool.Connect(t.Context(), 4, func(int) Reader { return Reader{User: "u"} })
			bareServer := NewBareServer(host)
			defer bareServer.Close()
			var round Round
			if err == nil {
				round, err = pool.Round(t.Context(), bareServer.Publish)
			}
			for err == nil && c.want != "" { // the fault may come after the awaited event
				err = errors.Join(pool.waitFor(t.Context(), func() bool { return len(pool.received) > 0 }), pool.Err())
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

// faultyStreams serves streams; each POST is event 2 for all of them, except for the fault.
type faultyStreams struct {
	fault   string
	mu      sync.Mutex
	streams []chan string
}

func (s *faultyStreams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		s.publish()
		fmt.Fprint(w, `{"eventId":"bare-2"}`)
		return
	}
	if s.fault == "rejects" {
		w.Header().Set("Connection", "close") // as the node does
		fmt.Fprint(w, "retry: 2000\n")
		return
	}
	stream := make(chan string, 2)
	s.mu.Lock()
	s.streams = append(s.streams, stream)
	s.mu.Unlock()
	fmt.Fprint(w, "event: connect\ndata: {}\nid: bare-0\n\n")
	for out := http.NewResponseController(w); ; {
		_ = out.Flush()
		select {
		case text, more := <-stream:
			if !more {
				return
			}
			fmt.Fprint(w, text)
		case <-r.Context().Done():
			return
		}
	}
}

func (s *faultyStreams) publish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	frame := func(n int) string { return fmt.Sprintf("data: {}\nid: bare-%d\n\n", n) }
	for i, stream := range s.streams {
		switch {
		case i != 1:
			stream <- frame(2)
		case s.fault == "ends":
			close(stream)
		case s.fault == "other event":
			stream <- frame(3)
		case s.fault == "doubles":
			stream <- frame(2) + frame(2)
		case s.fault == "goes back":
			stream <- frame(2) + frame(1)
		default:
			stream <- frame(2)
		}
	}
}

// TestStreamVerifier_FindsFaults feeds streams with one fault each to both kinds of verifier.
func TestStreamVerifier_FindsFaults(t *testing.T) {
	var want []Event
	for n := range uint64(4) { // seat 1 and seat 2 are held, and seat 1 is released and held again
		want = append(want, Event{Number: n + 1, Seat: []int{1, 2, 1, 1}[n], Held: n != 2})
	}
	step := func(n int) string {
		e := want[n-1]
		return fmt.Sprintf("data: {\"scheduleSeatId\":%d,\"status\":%q}\nid: e-%d\n\n", e.Seat, map[bool]string{true: "HELD", false: "AVAILABLE"}[e.Held], n)
	}
	for _, c := range []struct {
		name, stream string
		every, seats string // the error of each verifier; "" for none
	}{
		{"all", step(1) + step(2) + step(3) + step(4), "", ""},
		{"one lost", step(1) + step(3) + step(4), "event 3 comes where event 2 must", `seat 2 is shown as "", and is "HELD"`},
		{"one doubled", step(1) + step(1) + step(2) + step(3) + step(4), "event 1 comes where event 2 must", ""},
		{"the latest state", "data: {\"scheduleSeatId\":1,\"status\":\"HELD\"}\n\ndata: {\"scheduleSeatId\":2,\"status\":\"HELD\"}\nid: e-4\n\n",
			"event 4 comes where event 1 must", ""},
		{"another state", "data: {\"scheduleSeatId\":1,\"status\":\"AVAILABLE\"}\n\ndata: {\"scheduleSeatId\":2,\"status\":\"HELD\"}\nid: e-4\n\n",
			"event 4 comes where event 1 must", `seat 1 is shown as "AVAILABLE", and is "HELD"`},
		{"out of order", step(2) + step(1) + step(3) + step(4), "event 2 comes where event 1 must", "event 1 comes after event 2"},
	} {
		for verifier, fault := range map[*StreamVerifier]string{NewStreamVerifier(want): c.every, NewSeatVerifier(want): c.seats} {
			var s splitter
			s.each([]byte(c.stream), verifier.Add)
			switch {
			case !verifier.Done():
				t.Errorf("%s: it is not done", c.name)
			case fault == "" && verifier.Err != nil, fault != "" && (!errors.Is(verifier.Err, ErrVerification) || !strings.Contains(verifier.Err.Error(), fault)):
				t.Errorf("%s: got %v, want %q", c.name, verifier.Err, fault)
			}
		}
	}
}
