package sse

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"onsale/domain"
	"onsale/http/view/viewtest"
)

func TestHandshake_Transcript(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		for i := range 100 {
			e := issued("1")
			e.Now = domain.At(time.Now().Add(time.Duration(i-99) * 500 * time.Millisecond))
			f.emit(e)
		}
		viewtest.Transcript(t, "handshake.txt", func(command string) string {
			command, more, _ := strings.Cut(command, " more after ")
			var path, header string
			var n int
			_, _ = fmt.Sscan(strings.Replace(command, "header=", "", 1), new(string), &path, &header, &n)
			if !strings.Contains(command, "header=") {
				header = ""
			}
			if n > 0 {
				after, err := time.ParseDuration(more)
				if err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(after, func() {
					for range n {
						e := issued("1")
						e.Now = 1 // long ago, so that no rewind finds it
						f.emit(e)
					}
				})
			}
			began := time.Now()
			st := s.mustOpen(t, path, header)
			var text strings.Builder
			b := make([]byte, 1)
			for !strings.HasSuffix(text.String(), "\n\n") {
				if _, err := st.body.Read(b); err != nil {
					t.Fatal(err)
				}
				text.Write(b)
			}
			_ = st.Close()
			took := time.Since(began)
			if n > 0 {
				time.Sleep(3*time.Second - took) // late events are delivered
			}
			synctest.Wait()
			_, _ = st.feed([]byte(text.String()))
			if st.Retry < 2*time.Second || st.Retry > 5*time.Second || len(st.Events) != 1 {
				t.Errorf("%s: retry %v", command, st.Retry)
			}
			out := regexp.MustCompile(`retry: \d+`).ReplaceAllString(text.String(), "retry: 2000 to 5000")
			if took > 0 {
				out = "after " + took.String() + "\n" + out
			}
			return out
		})
	})
}

func TestHandshake_SetsHeaders(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		st := s.mustOpen(t, "/users/1", "")
		for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"} {
			if got := strings.Join(st.header.Values(name), "|"); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
		_ = st.Close()
		head := httptest.NewRecorder()
		f.handler().ServeHTTP(head, httptest.NewRequest(http.MethodHead, "/users/1", nil))
		if head.Code != 405 || head.Header().Get("Allow") != "GET" {
			t.Errorf("HEAD: %d %v", head.Code, head.Header())
		}
	})
}

// If the store cannot find the start, the client gets a retry delay: it must neither give up nor miss anything.
func TestHandshake_StoreFailureRetriesLater(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Head: 5})
		f.hub.Source = failingSource{f}
		s := f.serve()
		st := s.mustOpen(t, "/users/1", "")
		rest, err := io.ReadAll(st.body)
		if err != nil || !regexp.MustCompile(`^retry: [2-5]\d{3}\n$`).Match(rest) {
			t.Errorf("got %q %v", rest, err)
		}
		_ = st.Close()
	})
}

type failingSource struct{ Source }

func (failingSource) EventNumberAt(domain.Time) (uint64, error) { return 0, errors.New("closed") }

func TestResuming_NeedsID(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/x", nil)
	if Resuming(r) {
		t.Error("a fresh request resumes")
	}
	r.Header.Set("Last-Event-ID", "x")
	if !Resuming(r) || !Resuming(httptest.NewRequest(http.MethodGet, "/x?lastEventId=x", nil)) {
		t.Error("a request with an id does not resume")
	}
}
