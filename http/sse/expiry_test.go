package sse

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"onsale/http/auth"
	"onsale/http/view/viewtest"
)

const expiredEnd = "event: auth-expired\ndata: {\"code\":\"unauthenticated\"}\n\nretry: 30000\n"

// A stream of what only its user may see warns a minute before the identity ends, and ends with it. Neither frame has an id: the
// client comes back with the one it has, and misses nothing.
func TestExpiry_WarnsAndEnds(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		began := time.Now()
		st := s.mustOpen(t, "/feed?expires=300", "")
		defer st.Close()
		st.expectConnect(t, "fresh", epoch+"-0")
		f.emit(issued("1"))
		if e := st.mustNext(t); e.ID != epoch+"-1" {
			t.Fatalf("got %+v", e)
		}
		heartbeats := 0
		e := st.mustNext(t)
		for ; e.Event == "heartbeat"; e = st.mustNext(t) {
			heartbeats++
		}
		if want := (viewtest.Event{Event: "auth-expiring", Data: `{"expiresAt":"2000-01-01T00:05:00.000Z"}`, ID: epoch + "-1"}); e != want || time.Since(began) != 4*time.Minute {
			t.Errorf("after %v got %+v, want %+v after 4 min", time.Since(began), e, want)
		}
		f.emit(issued("1")) // the stream goes on
		if e := st.mustNext(t); e.ID != epoch+"-2" {
			t.Errorf("got %+v", e)
		}
		rest, err := io.ReadAll(st.body)
		if text := string(rest); err != nil || !strings.HasSuffix(text, "\n\n"+expiredEnd) || strings.Count(text, "auth-") != 1 {
			t.Errorf("it ends with %q %v", text, err)
		}
		if took := time.Since(began); took < 5*time.Minute || took > 5*time.Minute+time.Second {
			t.Errorf("it ended after %v", took)
		}
		if heartbeats != 9 || f.hub.expired.Load() != 1 {
			t.Errorf("%d heartbeats before the warning, %d expired", heartbeats, f.hub.expired.Load())
		}
		again := s.mustOpen(t, "/feed?expires=300", st.LastID)
		defer again.Close()
		again.expectConnect(t, "complete", epoch+"-2")
	})
}

// An identity that lives for less than a minute is warned at once, behind the first frame. One that is over opens no stream.
func TestExpiry_WarnsAtOnce(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		st := s.mustOpen(t, "/feed?expires=2", "")
		st.expectConnect(t, "fresh", epoch+"-0")
		if e := st.mustNext(t); e.Event != "auth-expiring" || time.Now().Nanosecond() != 0 {
			t.Errorf("got %+v at %v", e, time.Now())
		}
		if rest, err := io.ReadAll(st.body); string(rest) != expiredEnd || err != nil {
			t.Errorf("it ends with %q %v", rest, err)
		}
		_ = st.Close()
		for _, path := range []string{"/feed?expires=0", "/feed?expires=-100000000000"} {
			st = s.mustOpen(t, path, epoch+"-0")
			if all, err := io.ReadAll(st.body); string(all) != expiredEnd || err != nil {
				t.Errorf("%s: got %q %v", path, all, err)
			}
			_ = st.Close()
		}
		synctest.Wait()
		if got := f.hub.stats(); got.feeds != 0 || got.fresh != 1 {
			t.Errorf("stats %+v", got)
		}
	})
}

// Every stream of what not everybody may see ends with the identity; the others need none.
func TestExpiry_EndsPrivateStreams(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		for path, private := range map[string]bool{"/users/1": true, "/orders/imp_1?user=1": true, "/feed": true, "/schedules/s": false, "/promotions/1": false} {
			separator := "?"
			if strings.Contains(path, "?") {
				separator = "&"
			}
			st := s.mustOpen(t, path+separator+"expires=20", "")
			all, err := io.ReadAll(st.body)
			if ends := strings.HasSuffix(string(all), "\n\n"+expiredEnd) && strings.Contains(string(all), "auth-expiring"); err != nil || ends != private {
				t.Errorf("%s ends with its identity: %v, %v", path, ends, err)
			}
			_ = st.Close()
		}
	})
}

// Whichever comes first ends a stream: its maximum age, or its identity far in the future.
func TestExpiry_LeavesMaxAge(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{UserMaxAge: 10 * time.Minute})
		s := f.serve()
		for _, path := range []string{"/feed?expires=86400", "/feed?expires=99999999999", "/feed"} {
			st := s.mustOpen(t, path, "")
			all, err := io.ReadAll(st.body)
			if text := string(all); err != nil || strings.Contains(text, "auth-") || strings.Contains(text, "retry: 30000") {
				t.Errorf("%s: got %q %v", path, text, err)
			}
			_ = st.Close()
		}
	})
}

// The warning and the end wait for a connection that is full: frames stay whole.
func TestExpiry_KeepsFramesWhole(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for _, ring := range []int{2, 1000} {
			f := newFixture(t, Config{Ring: ring, UserHeartbeat: 7 * time.Second})
			s := f.serve()
			st := s.mustOpen(t, "/feed?expires=100", epoch+"-0")
			f.emit(held("1", "s", make([]int, 100)...), held("1", "s", make([]int, 3000)...), issued("1"))
			var text []byte
			b := make([]byte, 30)
			for began := time.Now(); time.Since(began) < 80*time.Second; {
				time.Sleep(100 * time.Millisecond)
				n, err := st.body.Read(b)
				if text = append(text, b[:n]...); err != nil {
					t.Fatal(err)
				}
				if n < len(b) {
					break
				}
			}
			rest, err := io.ReadAll(st.body)
			text = append(text, rest...)
			all := viewtest.Parse(string(text))
			names := map[string]int{}
			for _, e := range all.Events {
				names[e.Event]++
			}
			if err != nil || !strings.HasSuffix(string(text), "\n\n"+expiredEnd) || names["auth-expiring"] != 1 || names["auth-expired"] != 1 || names[""] != 3 || all.LastID != epoch+"-3" {
				t.Errorf("ring of %d: a client reads %v up to %s, %v", ring, names, all.LastID, err)
			}
			_ = st.Close()
		}
	})
}

func TestExpired_AnswersOverHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		for _, closed := range []bool{false, true} {
			w := httptest.NewRecorder()
			f.hub.Expired(w, httptest.NewRequest(http.MethodGet, "/api/v1/me/events", nil))
			if w.Code != 200 || w.Body.String() != expiredEnd || w.Header().Get("Content-Type") != "text/event-stream" || w.Header().Get("Connection") != "close" {
				t.Errorf("closed=%v: got %d %v %q", closed, w.Code, w.Header(), w.Body)
			}
			f.hub.Halt("over")
		}
		w := httptest.NewRecorder()
		f.hub.Feed(w, httptest.NewRequest(http.MethodGet, "/feed", nil), auth.Identity{Expires: time.Now().Add(-time.Hour)}, Filter{}, false)
		if w.Body.String() != expiredEnd {
			t.Errorf("got %q", w.Body)
		}
	})
}

// When a key was withdrawn, streams with an identity close as they do at their greatest age, and resume; public ones go on.
func TestHub_Reidentifies(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serveBuffered()
		private, public := s.mustOpen(t, "/feed?expires=3600", ""), s.mustOpen(t, "/schedules/hall", "")
		defer public.Close()
		private.expectConnect(t, "fresh", epoch+"-0")
		public.expectConnect(t, "fresh", epoch+"-0")
		f.emit(issued("1"))
		if e := private.mustNext(t); e.ID != epoch+"-1" {
			t.Fatalf("got %+v", e)
		}
		f.hub.Reidentify()
		private.expectEnd(t)
		f.emit(issued("1"), held("hall", "2", 7))
		again := s.mustOpen(t, "/feed?expires=3600", private.LastID)
		defer again.Close()
		again.expectConnect(t, "complete", epoch+"-1")
		if e := again.mustNext(t); e.ID != epoch+"-2" {
			t.Errorf("got %+v", e)
		}
		if e := public.mustNext(t); e.ID != epoch+"-3" {
			t.Errorf("the public stream got %+v", e)
		}
	})
}
