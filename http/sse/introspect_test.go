package sse

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// streamInfos is the list, sorted and without ages.
func (f *fixture) streamInfos() []StreamInfo {
	list := f.hub.List()
	slices.SortFunc(list, func(a, b StreamInfo) int {
		return cmp.Or(cmp.Compare(a.Topic.Kind, b.Topic.Kind), cmp.Compare(a.Topic.ID, b.Topic.ID))
	})
	for i := range list {
		list[i].Age = 0
	}
	return list
}

// A live stream has no lag, whatever happens to others. The lag of one whose client does not read grows with each event of its
// topic. Metrics show the same.
func TestList_ShowsLagOfStalled(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{WriteTimeout: time.Hour})
		s := f.serve()
		quiet, stalled := s.mustOpen(t, "/users/quiet", ""), s.mustOpen(t, "/schedules/s", "")
		defer quiet.Close()
		defer stalled.Close()
		quiet.expectConnect(t, "fresh", epoch+"-0")
		stalled.expectConnect(t, "fresh", epoch+"-0")
		time.Sleep(7 * time.Second)
		for _, s := range f.hub.List() {
			if s.Lag != 0 || s.State != "live" || s.Age != 7*time.Second {
				t.Errorf("got %+v", s)
			}
		}
		const sent = 1 // the rest of the first frame is kept
		for lag := uint64(1); lag < 100; lag++ {
			f.emit(held("1", "s", 1, 2, 3, 4, 5, 6))
			synctest.Wait()
			got := f.streamInfos()
			want := []StreamInfo{{Topic: Topic{TopicUser, "quiet"}, State: "live"}, {Topic: Topic{TopicSchedule, "s"}, Lag: lag, State: "full"}}
			if got[1].Cursor > sent || got[1].Lag > lag || got[1].Lag < lag-sent {
				t.Errorf("got %+v", got[1])
			}
			want[1].Cursor, want[1].Lag = got[1].Cursor, got[1].Lag
			if !slices.Equal(got, want) {
				t.Fatalf("got %+v, want %+v", got, want)
			}
			if l := f.hub.lags(); l != (lags{behind: 1, p99: got[1].Lag, max: got[1].Lag}) {
				t.Fatalf("got %+v of %+v", l, got)
			}
		}
	})
}

// A stream that reads the journal, one that waits to, and one with an id that is not delivered yet.
func TestList_ShowsCatchUpStates(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 10, MaxCatchUps: 1})
		f.nextFault = func() fault { return readHangs }
		s := f.serve()
		for range 20 {
			f.emit(issued("1"), issued("2"))
		}
		for range 20 {
			f.emit(issued("other"))
		}
		for _, path := range []string{"/users/1", "/users/2"} {
			st := s.mustOpen(t, path, epoch+"-3")
			defer st.Close()
			st.expectConnect(t, "complete", epoch+"-3")
			synctest.Wait()
		}
		opened := make(chan *stream)
		go func() { opened <- s.mustOpen(t, "/users/early", epoch+"-61") }()
		synctest.Wait()
		got, want := f.streamInfos(), []StreamInfo{
			{Topic{TopicUser, "1"}, 3, 36, 0, "catching up"}, // 39 is its last event event
			{Topic{TopicUser, "2"}, 3, 37, 0, "waiting for the log"},
			{Topic{TopicUser, "early"}, 0, 0, 0, "opening"},
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if l := f.hub.lags(); l != (lags{behind: 2, p99: 37, max: 37}) {
			t.Errorf("got %+v", l)
		}
		f.emit(issued("other"))
		early := <-opened
		defer early.Close()
		early.expectConnect(t, "complete", epoch+"-61")
		synctest.Wait()
		if got, want := f.streamInfos()[2], (StreamInfo{Topic{TopicUser, "early"}, 61, 0, 0, "live"}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// BenchmarkHub_Lags measures a scrape of fifty thousand streams, all live or all full.
func BenchmarkHub_Lags(b *testing.B) {
	for _, state := range []string{"live", "full"} {
		b.Run(state, func(b *testing.B) {
			h := New(Config{Epoch: epoch, EventLoop: true, newPoller: newMemoryPoller, MaxStreams: -1, Source: emptySource{}})
			defer h.Close()
			engine := h.startEngine()
			for i := range 50_000 {
				s := &subscription{hub: h}
				engine.Assign(&s.Conn, s)
				h.register(s, Topic{TopicUser, fmt.Sprint(i)})
				_, server := newMemoryConn(map[string]int{"live": 1000, "full": 0}[state])
				if err := s.Open(server, nil); err != nil {
					b.Fatal(err)
				}
				s.start([]byte(":\n\n"))
			}
			b.ReportAllocs()
			for b.Loop() {
				h.lags()
			}
		})
	}
}

// What the hub collects is what it describes, and every metric has the name and labels that operators know.
func TestMetrics_MatchDescriptions(t *testing.T) {
	f := newFixture(t, Config{})
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(f.hub)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, family := range families {
		for _, m := range family.Metric {
			name := family.GetName()
			for _, label := range m.Label {
				name += fmt.Sprintf("{%s=%q}", label.GetName(), label.GetValue())
			}
			got = append(got, name)
		}
	}
	want := []string{
		"onsale_frames_encoded_total", "onsale_frames_written_total", "onsale_ring_head", "onsale_ring_tail",
		"onsale_streams_behind", `onsale_streams_catching_up{state="active"}`, `onsale_streams_catching_up{state="waiting"}`,
		"onsale_streams_conflated_frames_total", "onsale_streams_conflations_total", "onsale_streams_demoted_total",
		"onsale_streams_drain_seconds", `onsale_streams_dropped_total{reason="draining"}`, `onsale_streams_dropped_total{reason="halted"}`,
		`onsale_streams_dropped_total{reason="isolated"}`, `onsale_streams_dropped_total{reason="limit"}`, `onsale_streams_dropped_total{reason="slow"}`,
		"onsale_streams_expired_total", "onsale_streams_lag_events_max", "onsale_streams_lag_events_p99",
		`onsale_streams_open{kind="feed"}`, `onsale_streams_open{kind="order"}`, `onsale_streams_open{kind="promotion"}`, `onsale_streams_open{kind="schedule"}`,
		`onsale_streams_open{kind="user"}`, `onsale_streams_opened_total{start="complete"}`, `onsale_streams_opened_total{start="fresh"}`,
		`onsale_streams_opened_total{start="reset"}`, `onsale_streams_rejected_by_limit_total{limit="address"}`,
		`onsale_streams_rejected_by_limit_total{limit="all"}`, `onsale_streams_rejected_by_limit_total{limit="user"}`,
		"onsale_streams_rejected_total", "onsale_streams_replayed_events_total", "onsale_streams_written_bytes_total",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
