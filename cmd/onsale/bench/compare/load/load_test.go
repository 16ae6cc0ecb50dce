package load

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// sale is a server that issues coupons, wrongly where a test says so.
type sale struct {
	mu       sync.Mutex
	stock    int
	issued   map[string]int // coupons by user
	streams  map[string]chan string
	frames   int // of an outcome
	oversell bool
	forget   bool // answers 202 and issues nothing
	busy     int  // every so many commands are answered with 429 and 503 in turn; 0: none
	requests int
}

func (s *sale) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/subscribe/"):
		s.stream(w, r, strings.TrimPrefix(path, "/subscribe/"))
	case path == "/api/v1/admin/promotions":
		w.WriteHeader(http.StatusCreated)
	case path == "/api/v1/me/coupons":
		s.mu.Lock()
		defer s.mu.Unlock()
		fmt.Fprint(w, strings.Repeat(`{"couponId":"1"}`, s.issued[r.Header.Get("X-User-Id")]))
	case r.Method == http.MethodGet:
		s.mu.Lock()
		defer s.mu.Unlock()
		fmt.Fprintf(w, `{"issued":%d}`, len(s.issued))
	default:
		s.issue(w, r.Header.Get("X-User-Id"))
	}
}

func (s *sale) issue(w http.ResponseWriter, user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	switch {
	case s.busy > 0 && s.requests%s.busy == 0:
		w.WriteHeader([]int{http.StatusTooManyRequests, http.StatusServiceUnavailable}[s.requests/s.busy%2])
		return
	case len(s.issued) >= s.stock && !s.oversell:
		w.WriteHeader(http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	if s.forget {
		return
	}
	s.issued[user]++
	promotion, _, _ := strings.Cut(user, "-")
	if frames := s.streams[user]; frames != nil {
		frames <- strings.Repeat("event: issue-complete\ndata: {\"promotionId\":\""+promotion+"\"}\n\n", s.frames)
	}
}

func (s *sale) stream(w http.ResponseWriter, r *http.Request, user string) {
	frames := make(chan string, 4)
	s.mu.Lock()
	s.streams[user] = frames
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	frame := "event: connect\ndata: {}\n\n"
	for {
		fmt.Fprint(w, frame)
		w.(http.Flusher).Flush()
		select {
		case frame = <-frames:
		case <-r.Context().Done():
			return
		}
	}
}

// loadSale loads a sale with 300 commands.
func loadSale(t *testing.T, s *sale, p Plan) *Result {
	t.Helper()
	s.issued, s.streams = map[string]int{}, map[string]chan string{}
	if s.stock == 0 {
		s.stock = p.Stock
	}
	server := httptest.NewServer(s)
	defer server.Close()
	p.Target = strings.TrimPrefix(server.URL, "http://")
	p.Commands, p.Streams, p.Connections, p.MaxConnections, p.Limit = 300, 100, 8, 64, time.Minute
	if p.Drain == 0 {
		p.Drain = time.Minute
	}
	result, err := Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestRun_CountsOutcomes(t *testing.T) {
	for _, rate := range []float64{0, 2000} {
		r := loadSale(t, &sale{frames: 1}, Plan{Stock: 40, Rate: rate})
		if r.Accepted != 40 || r.Rejected != 260 || r.Refused+r.Unavailable+r.Failed+r.Unsent+r.Wrong() != 0 {
			t.Errorf("at rate %v: %+v", rate, r)
		}
		if r.Answer.N != 300 || r.Outcome.N != 100 || r.Outcome.P50 <= 0 || r.Outcome.P99 < r.Outcome.P50 || r.ReadBack == 0 {
			t.Errorf("at rate %v: %+v", rate, r)
		}
	}
}

func TestRun_SeparatesRefused(t *testing.T) {
	r := loadSale(t, &sale{frames: 1, busy: 3}, Plan{Stock: 300})
	if r.Accepted != 200 || r.Refused != 50 || r.Unavailable != 50 || r.Answer.N != 300 || r.Wrong() != 0 {
		t.Errorf("%+v", r)
	}
}

func TestRun_FindsWrongOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		sale  *sale
		plan  Plan
		wrong func(*Result) bool
	}{
		"accepted and not issued":    {&sale{forget: true}, Plan{Stock: 300, Drain: time.Second}, func(r *Result) bool { return r.Lost >= 300 }},
		"issued and not delivered":   {&sale{frames: 0}, Plan{Stock: 300, Drain: time.Second}, func(r *Result) bool { return r.Lost == 100 }},
		"delivered twice":            {&sale{frames: 2}, Plan{Stock: 300}, func(r *Result) bool { return r.Doubled == 100 }},
		"more issued than there are": {&sale{frames: 1, oversell: true}, Plan{Stock: 40}, func(r *Result) bool { return r.Oversold == 260 }},
	} {
		t.Run(name, func(t *testing.T) {
			if r := loadSale(t, c.sale, c.plan); !c.wrong(r) {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestFrameParser_TakesAnyPieces(t *testing.T) {
	const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"16\r\nevent: connect\ndata: {\r\n4;x=y\r\n}\n\nd\r\n10\r\nata: a\nevent: b\n\r\n1\r\n\n\r\n"
	const plain = "HTTP/1.1 200 OK\r\n\r\nevent: connect\r\ndata: {}\r\n\r\ndata:a\nevent: b\nid: 7\n\n"
	for _, text := range []string{chunked, plain} {
		for size := 1; size <= len(text); size++ {
			var p frameParser
			got := ""
			for rest := text; rest != ""; rest = rest[min(size, len(rest)):] {
				err := p.parse([]byte(rest[:min(size, len(rest))]), func(event, data []byte) { got += fmt.Sprintf("%s=%s ", event, data) })
				if err != nil {
					t.Fatal(err)
				}
			}
			if want := "connect={} b=a "; got != want {
				t.Fatalf("in pieces of %d: got %q, want %q", size, got, want)
			}
		}
	}
}

func TestParseResponse_WaitsForTheRest(t *testing.T) {
	for _, whole := range []string{
		"HTTP/1.1 202 Accepted\r\ncontent-length: 4\r\n\r\nbody",
		"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
	} {
		for n := range len(whole) {
			if _, _, err := parseResponse([]byte(whole[:n])); err != errIncomplete {
				t.Fatalf("%q: %v", whole[:n], err)
			}
		}
		if status, body, err := parseResponse([]byte(whole)); status != 202 || string(body) != "body" || err != nil {
			t.Errorf("%q: %d %q %v", whole, status, body, err)
		}
	}
	for _, broken := range []string{"HTTP/2 200\r\n\r\n", "HTTP/1.1 2x2 \r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"} {
		if _, _, err := parseResponse([]byte(broken)); err == nil || err == errIncomplete {
			t.Errorf("%q: %v", broken, err)
		}
	}
}
