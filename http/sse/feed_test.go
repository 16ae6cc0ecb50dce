package sse

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onsale/domain"
	"onsale/http/view"
	"onsale/http/view/viewtest"
)

// Everybody's events are in the feed, rejections and those of the system too; those that the filter excludes move the id.
func TestFeed_ShowsEveryEvent(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		all, some := s.mustOpen(t, "/feed", ""), s.mustOpen(t, "/feed?type=seats.rejected,coupons.*&entity=1,s", "")
		defer all.Close()
		defer some.Close()
		all.expectConnect(t, "fresh", epoch+"-0")
		some.expectConnect(t, "fresh", epoch+"-0")
		f.emit(held("1", "s", 5, 3), rejectedHold("2", "s"), rejectedHold("2", "t"), issued("3"),
			domain.Event{Entity: domain.SystemEntity, Body: domain.DeadLetter{Reason: domain.DeadLetterMalformed}})
		for n, want := range []string{"seats.held s 1", "seats.rejected s 2", "seats.rejected t 2", "coupons.issued 1 3", "system.dead-letter  "} {
			var got struct{ EventID, Type, Entity, UserID string }
			e := all.mustNext(t)
			if err := json.Unmarshal([]byte(e.Data), &got); err != nil {
				t.Fatal(err)
			}
			if id := fmt.Sprintf("%s-%d", epoch, n+1); e.Event != "" || e.ID != id || got.EventID != id || strings.Join([]string{got.Type, got.Entity, got.UserID}, " ") != want {
				t.Errorf("got %+v, want %s", e, want)
			}
		}
		for _, want := range []string{"2", "4"} {
			if e := some.mustNext(t); e.ID != epoch+"-"+want {
				t.Errorf("got %+v, want event %s", e, want)
			}
		}
		if e := some.mustNext(t); e != (viewtest.Event{Event: "heartbeat", ID: epoch + "-5"}) {
			t.Errorf("got %+v", e)
		}
	})
}

// A client whose position is of another log learns where the whole log is.
func TestFeed_ResetNamesTheLog(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		f.emit(issued("1"))
		st := s.mustOpen(t, "/feed", "zzzzzzzz-7")
		defer st.Close()
		if e := st.mustNext(t); !strings.Contains(e.Data, `"status":"reset"`) || !strings.Contains(e.Data, `"snapshot":"/api/v1/admin/events?lastEventId=`+epoch+`-0"`) {
			t.Errorf("got %+v", e)
		}
	})
}

// Feeds with the same filter are one topic, and no topic is left behind.
func TestFeed_ForgetsFilters(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{MaxPerUser: 2})
		s := f.serve()
		var open []*stream
		for _, path := range []string{"/feed", "/feed?type=*", "/feed?entity=1", "/feed?entity=2"} {
			open = append(open, s.mustOpen(t, path, ""))
		}
		synctest.Wait()
		if got := len(f.hub.ring.feeds); got != 3 {
			t.Errorf("%d topics, want 3", got)
		}
		full := s.mustOpen(t, "/feed", "")
		if text, err := io.ReadAll(full.body); err != nil || !strings.HasPrefix(string(text), "retry: ") {
			t.Errorf("a third one with the same filter got %q %v", text, err)
		}
		for _, info := range f.hub.List() {
			if info.Topic.Kind.String() != "feed" || !slices.Contains([]string{"* *", "* 1", "* 2"}, info.Topic.ID) {
				t.Errorf("listed as %+v", info)
			}
		}
		for _, st := range append(open, full) {
			_ = st.Close()
		}
		synctest.Wait()
		f.emit(issued("1"), issued("1"))
		time.Sleep(time.Minute)
		if len(f.hub.ring.feeds) != 0 || f.hub.stats().feeds != 0 {
			t.Errorf("%d topics and %d streams are left", len(f.hub.ring.feeds), f.hub.stats().feeds)
		}
	})
}

// A reader that stands still keeps nobody waiting, and gets every event from the journal when it goes on, in bounded memory.
func TestFeed_SlowReaderReadsTheJournal(t *testing.T) {
	onRealSockets(t, func(t *testing.T) {
		const events = 1000
		f := newFixture(t, Config{Ring: 10})
		s := f.serveTCP(t)
		st := dial(t, s, "/feed", epoch+"-0")
		defer st.Close()
		st.expectConnect(t, "complete", epoch+"-0")
		for range events {
			f.emit(held("1", "s", make([]int, 500)...))
		}
		for n := range events {
			if e := st.mustNext(t); e.ID != fmt.Sprintf("%s-%d", epoch, n+1) {
				t.Fatalf("got %s, want %d", e.ID, n+1)
			}
		}
		if f.readings == 0 {
			t.Error("it never fell out of the ring")
		}
	})
}

// A reader that missed only what its filter excludes reads the journal once, and its id follows.
func TestFeed_CatchesUpWithoutFrames(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 2})
		s := f.serve()
		f.decide(slices.Repeat([]domain.Event{issued("1")}, 500)...)
		f.append(500)
		f.deliver(500)
		st := s.mustOpen(t, "/feed?type=seats.*", epoch+"-1")
		defer st.Close()
		st.expectConnect(t, "complete", epoch+"-1")
		began := time.Now()
		if e := st.mustNext(t); e != (viewtest.Event{Event: "heartbeat", ID: epoch + "-500"}) || time.Since(began) != 25*time.Second || f.readings != 1 {
			t.Errorf("got %+v after %v and %d readings", e, time.Since(began), f.readings)
		}
	})
}

// lines asks for lines after a position.
func (f *fixture) lines(t testing.TB, ctx context.Context, query url.Values, id string) (lines []string, header http.Header) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/feed/lines?"+query.Encode(), nil)
	if id != "" {
		r.Header.Set("Last-Event-ID", id)
	}
	f.handler().ServeHTTP(w, r)
	text := w.Body.String()
	if w.Code != 200 || text != "" && !strings.HasSuffix(text, "\n") {
		t.Fatalf("got %d %q", w.Code, text)
	}
	return slices.Collect(strings.Lines(text)), w.Header()
}

func TestFeedLines_AnswersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 2})
		lines := func(wait string, id string, want ...string) string {
			t.Helper()
			got, header := f.lines(t, t.Context(), url.Values{"wait": {wait}, "type": {"coupons.*"}}, id)
			for i, line := range got {
				var e struct{ EventID string }
				if err := json.Unmarshal([]byte(line), &e); err != nil {
					t.Error(err)
				}
				got[i] = strings.TrimPrefix(e.EventID, epoch+"-")
			}
			if !slices.Equal(got, want) {
				t.Errorf("after %q got %q, want %q", id, got, want)
			}
			if header.Get("Content-Type") != "application/x-ndjson" {
				t.Errorf("header %v", header)
			}
			return header.Get(StartHeader) + " " + strings.TrimPrefix(header.Get("Last-Event-ID"), epoch+"-")
		}
		expect := func(got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		expect(lines("", ""), "fresh 0")
		f.emit(issued("1"), held("1", "s", 1), issued("2"), issued("3"), held("1", "s", 2))
		expect(lines("", "", "1", "3", "4"), "fresh 5")
		expect(lines("", epoch+"-1", "3", "4"), "complete 5")
		expect(lines("", epoch+"-3.7", "3", "4"), "complete 5") // of another stream: nothing may be missed
		expect(lines("", epoch+"-4"), "complete 5")
		expect(lines("", "zzzzzzzz-4"), "reset 5")
		expect(lines("", "garbage"), "reset 5")

		began := time.Now()
		expect(lines("10s", epoch+"-5"), "complete 5")
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it waited %v", took)
		}
		time.AfterFunc(3*time.Second, func() { f.emit(held("1", "s", 1)) }) // excluded: it goes on waiting
		time.AfterFunc(7*time.Second, func() { f.emit(issued("1")) })
		began = time.Now()
		expect(lines("10s", epoch+"-5", "7"), "complete 7")
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("it waited %v", took)
		}
		began = time.Now()
		expect(lines("10s", epoch+"-99"), "reset 7") // ahead of this node for 2 s
		time.AfterFunc(time.Second, func() { f.hub.Halt("over") })
		expect(lines("30s", epoch+"-7"), "complete 7")
		if took := time.Since(began); took != 13*time.Second {
			t.Errorf("a wait outlived the hub: %v", took)
		}
	})
}

// An event of another user's request is one CloudEvent, by whatever way it is asked for.
func TestFeedLines_AreCloudEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		f.emit(issued("1"), held("2", "s", 1))
		got, header := f.lines(t, t.Context(), url.Values{"format": {"cloudevents"}}, epoch+"-1")
		if header.Get("Content-Type") != "application/cloudevents+json" || len(got) != 1 ||
			!strings.HasPrefix(got[0], `{"specversion":"1.0","id":"`+epoch+`-2","source":"urn:onsale:`+epoch+`","type":"onsale.seats.held","subject":"s"`) {
			t.Errorf("got %v %q", header, got)
		}
	})
}

// Whatever happens to the node, a client that asks again and again gets every event once and in order.
func TestFeedLines_DeliverEveryEventOnce(t *testing.T) {
	for range min(*propertyRuns, 15) {
		s := rand.Uint64N(1 << 40)
		if *seed != 0 {
			s = *seed
		}
		t.Run(fmt.Sprint("seed=", s), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testEveryLineOnce(t, rand.New(rand.NewPCG(s, 1))) })
		})
	}
}

func testEveryLineOnce(t *testing.T, r *rand.Rand) {
	f := newFixture(t, Config{Ring: pick(r, 1, 2, 8, 64, 1024)})
	var clients sync.WaitGroup
	finished := make(chan struct{})
	for range 4 {
		r := rand.New(rand.NewPCG(r.Uint64(), 2))
		filter, audience := randomFilter(r), feedAudience(r.IntN(2) == 0)
		query := url.Values{"type": {filter.Types}, "entity": {filter.Entities}}
		if audience.Content == view.FeedCloudEvents {
			query.Set("format", "cloudevents")
		}
		clients.Go(func() {
			var got []string
			id, done := epoch+"-0", false
			for !done {
				select {
				case <-finished:
					done = true // after one request more
				default:
				}
				query.Set("wait", pick(r, "", "100ms", "30s"))
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(40))*time.Second+time.Millisecond)
				lines, header := f.lines(t, ctx, query, id)
				cancel()
				got = append(got, lines...)
				if id = header.Get("Last-Event-ID"); header.Get(StartHeader) != "complete" {
					t.Errorf("%v", header)
				}
			}
			var want []string
			frames, _ := f.frames(nil, filter.topic(), filter, audience, 0)
			for _, e := range frames {
				want = append(want, e.Data+"\n")
			}
			if !slices.Equal(got, want) {
				t.Errorf("%+v: got %d lines, want %d:\n%q\n%q", filter, len(got), len(want), got, want)
			}
		})
	}
	runNode(f, r)
	close(finished)
	clients.Wait()
}

// A response ends where its header says, whatever happens while it is written: the next request goes on there.
func TestFeedLines_EndAtTheirHead(t *testing.T) {
	for _, ring := range []int{1, 1000} {
		f := newFixture(t, Config{Ring: ring})
		f.emit(slices.Repeat([]domain.Event{held("1", "s", make([]int, 500)...)}, 100)...) // several batches
		w := &busyWriter{ResponseRecorder: httptest.NewRecorder(), during: func() { f.emit(issued("1")) }}
		r := httptest.NewRequest(http.MethodGet, "/feed/lines?lastEventId="+epoch+"-0", nil)
		if err := f.hub.FeedLines(w, r, Filter{}, false, 0); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(w.Body.String(), "\n"); got != 100 || w.Header().Get("Last-Event-ID") != epoch+"-100" || w.writes < 3 {
			t.Errorf("got %d lines in %d writes, header %v", got, w.writes, w.Header())
		}
	}
}

type busyWriter struct {
	*httptest.ResponseRecorder
	during func()
	writes int
}

func (w *busyWriter) Write(b []byte) (int, error) {
	w.writes++
	w.during()
	return w.ResponseRecorder.Write(b)
}

// A response that cannot be completed is cut, so that a part is not taken for the whole; before its first byte it is an error.
func TestFeedLines_FailureIsSeen(t *testing.T) {
	f := newFixture(t, Config{Ring: 1})
	f.emit(slices.Repeat([]domain.Event{held("1", "s", make([]int, 500)...)}, 100)...)
	reads := 0
	f.nextFault = func() fault {
		if reads++; reads > 80 {
			return readFails
		}
		return noFault
	}
	s := f.serveTCP(t)
	get := func() (*http.Response, error) {
		r, err := s.Client().Get(s.URL + "/feed/lines?lastEventId=" + epoch + "-0")
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(r.Body)
		_ = r.Body.Close()
		return r, err
	}
	if r, err := get(); err == nil || r.StatusCode != 200 {
		t.Errorf("got %v %v, want a response that is cut", r.Status, err)
	}
	if r, err := get(); err != nil || r.StatusCode != 500 {
		t.Errorf("got %v %v, want an error", r.Status, err)
	}
}

// What a client asks for cannot keep a request busy for long: the search for the first event that passes ends, and the next request
// goes on from there.
func TestFeedLines_BoundTheSearch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 1})
		f.decide(slices.Repeat([]domain.Event{issued("1")}, 100)...)
		f.append(100)
		f.deliver(100)
		f.nextFault = func() fault { time.Sleep(time.Second); return noFault }
		began := time.Now()
		got, header := f.lines(t, t.Context(), url.Values{"type": {"seats.*"}}, epoch+"-0")
		_, at, _ := view.ParsePosition(header.Get("Last-Event-ID"))
		if took := time.Since(began); len(got) != 0 || at.Number < 8 || at.Number > 12 || took > scanTimeout+2*time.Second {
			t.Errorf("after %v got %q up to %v", took, got, at)
		}
	})
}

// What a thousand events cost as lines, from the ring and from a journal in memory.
func BenchmarkFeedLines(b *testing.B) {
	for name, ring := range map[string]int{"ring": 2000, "journal": 1} {
		b.Run(name, func(b *testing.B) {
			f := newFixture(b, Config{Ring: ring})
			f.emit(slices.Repeat([]domain.Event{issued("1")}, 1000)...)
			r := httptest.NewRequest(http.MethodGet, "/feed/lines?lastEventId="+epoch+"-0", nil)
			b.ReportAllocs()
			for b.Loop() {
				if err := f.hub.FeedLines(httptest.NewRecorder(), r, Filter{}, false, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
