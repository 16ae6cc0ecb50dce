package http

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/http/client"
	"onsale/projections"
)

// discardWriter is a ResponseWriter that costs nothing.
type discardWriter struct{ header http.Header }

func (w *discardWriter) Header() http.Header         { return w.header }
func (w *discardWriter) WriteHeader(int)             {}
func (w *discardWriter) Write(b []byte) (int, error) { return len(b), nil }

func issueRequest(keyed bool) *http.Request {
	r := httptest.NewRequest("POST", "/api/v1/promotions/demo/coupons", nil)
	r.Header.Set("X-User-Id", "user-12345")
	if keyed {
		r.Header.Set("Idempotency-Key", "0f8fad5b-d9cb-469f-a165-70867728950e")
	}
	return r
}

// BenchmarkIssue_Handler is what this package costs, with a log that costs nothing.
func BenchmarkIssue_Handler(b *testing.B) {
	for name, keyed := range map[string]bool{"key": true, "no key": false} {
		b.Run(name, func(b *testing.B) {
			s := stubServer(func(domain.Command) {})
			s.Projector = &laggingProjector{}
			r := issueRequest(keyed)
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				if keyed {
					n++
					r.Header["Idempotency-Key"][0] = "0f8fad5b-d9cb-469f-" + strconv.Itoa(n)
				}
				s.ServeHTTP(&discardWriter{http.Header{}}, r)
			}
		})
	}
}

// BenchmarkIssue_SoldOut is what a request costs that comes too late: refused without a command where the promotion answers; beside it
// one that is appended to a log that costs nothing, and not decided. "check" is the check alone, which every request for a coupon pays.
func BenchmarkIssue_SoldOut(b *testing.B) {
	for _, c := range []struct {
		name  string
		stock int
		keyed bool
	}{{"record", 1, false}, {"record, key", 1, true}, {"answer", 0, false}, {"answer, key", 0, true}} {
		b.Run(c.name, func(b *testing.B) {
			f := newFixture(b)
			f.createAnswering(b, "demo", c.stock)
			s := stubServer(func(domain.Command) {})
			s.Projector = &laggingProjector{}
			if c.stock == 0 {
				s.Projector = f.projector
			}
			r, w := issueRequest(c.keyed), &statusWriter{}
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				if c.keyed {
					n++
					r.Header["Idempotency-Key"][0] = "0f8fad5b-d9cb-469f-" + strconv.Itoa(n)
				}
				w.header = http.Header{}
				s.ServeHTTP(w, r)
			}
			if want := map[int]int{0: http.StatusConflict, 1: http.StatusAccepted}[c.stock]; w.status != want {
				b.Fatalf("got %d, want %d", w.status, want)
			}
		})
	}
	for name, promotion := range map[string]string{"check, something left": "left", "check, sold out": "demo"} {
		b.Run(name, func(b *testing.B) {
			f := newFixture(b)
			f.createAnswering(b, "left", 1)
			f.createAnswering(b, "demo", 0)
			e, req := &inflightRequest{user: "user-12345"}, commandRequest{entity: promotion, body: coupons.Issue{}}
			b.ReportAllocs()
			for b.Loop() {
				_ = f.refuseSoldOut(e, req)
			}
		})
	}
}

// statusWriter keeps the status.
type statusWriter struct {
	discardWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) { w.status = status }

// BenchmarkIssue_Loopback is the same over loopback, with the client, next to an empty handler.
func BenchmarkIssue_Loopback(b *testing.B) {
	s := stubServer(func(domain.Command) {})
	s.Projector = &laggingProjector{}
	answer := []byte(`{"requestId":"aaaaaaaaaaaaaaaaaaaaaa","status":"ACCEPTED"}`)
	empty := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = jsonType
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(answer)
	})
	for _, c := range []struct {
		name    string
		handler http.Handler
	}{{"empty", empty}, {"issue", s}} {
		b.Run(c.name, func(b *testing.B) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			transport := &http.Transport{MaxIdleConnsPerHost: 64}
			defer transport.CloseIdleConnections()
			b.ReportAllocs()
			b.SetParallelism(16)
			before := cpuTime(b)
			defer func() { b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op") }()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r, _ := http.NewRequest("POST", server.URL+"/api/v1/promotions/demo/coupons", nil)
					r.Header.Set("X-User-Id", "user-12345")
					response, err := transport.RoundTrip(r)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, response.Body)
					response.Body.Close()
				}
			})
		})
	}
}

// cpuTime is the CPU time of this process, which other processes do not distort.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// laggingProjector is 1,000 commands behind.
type laggingProjector struct {
	stubProjector
	calls atomic.Uint64
}

func (p *laggingProjector) Status() projections.Status {
	n := p.calls.Add(1)
	return projections.Status{CaughtUp: true, DecidedSequence: (n - min(n, 1000)) * 1000, Events: n, Confirmed: n - min(n, 100), ConfirmedSequence: (n - min(n, 1100)) * 1000}
}

// BenchmarkSeatMap_Write writes the map of a stadium, half of it held.
func BenchmarkSeatMap_Write(b *testing.B) {
	const stadium = 50_000
	f := newFixture(b)
	seedSchedule(b, f, stadium)
	for first := 1; first < stadium; first += 200 {
		ids := make([]int, 100)
		for i := range ids {
			ids[i] = first + 2*i
		}
		if a := must(f.client(strconv.Itoa(first)).Hold(b.Context(), "s", ids, client.Options{}))(b); a.HTTPStatus != http.StatusCreated {
			b.Fatalf("got %+v", a)
		}
	}
	for name, accepted := range map[string]string{"gzip": "gzip, deflate, br", "plain": ""} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r := httptest.NewRequest("GET", "/api/v1/schedules/s/seats", nil)
			r.Header.Set("Accept-Encoding", accepted)
			for b.Loop() {
				f.ServeHTTP(&discardWriter{http.Header{}}, r)
			}
			b.ReportMetric(float64(f.getSeatMap(b, accepted).Body.Len()), "bytes")
		})
	}
}
