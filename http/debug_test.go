package http

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestDebugStreams_ListsFarthestBehindFirst(t *testing.T) {
	s := stubServer(nil)
	get := func(query string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/debug/streams"+query, nil))
		return w
	}
	if w := get(""); w.Code != 404 || !strings.Contains(w.Body.String(), notFound) {
		t.Errorf("without a list: %d %s", w.Code, w.Body)
	}
	s.DebugStreams = func() []StreamInfo {
		return []StreamInfo{
			{"user", "kim", 17, 0, 90 * time.Second, "live"},
			{"schedule", "s", 5, 12, 1500 * time.Millisecond, "catching up"},
		}
	}
	var got streamList
	w := get("")
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || got.Total != 2 || len(got.Items) != 2 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if want := (streamView{"schedule", "s", testEpoch + "-5", 12, 1.5, "catching up"}); got.Items[0] != want {
		t.Errorf("got %+v, want %+v", got.Items[0], want)
	}
	if w := get("?format=text"); !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") ||
		!strings.HasSuffix(w.Body.String(), "user      kim  k3v9x2ab-17  0    1m30s  live\n2 of 2 streams\n") {
		t.Errorf("got %s", w.Body)
	}
	if w := get("?limit=1&format=json"); !strings.HasPrefix(w.Body.String(), `{"total":2,"items":[{"kind":"schedule"`) || strings.Contains(w.Body.String(), "kim") {
		t.Errorf("got %s", w.Body)
	}
	for _, query := range []string{"?limit=0", "?format=xml"} {
		if w := get(query); w.Code != 400 || !strings.Contains(w.Body.String(), invalidParameter) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	s.DebugStreams = func() []StreamInfo { return nil }
	if w := get(""); w.Body.String() != `{"total":0,"items":[]}` {
		t.Errorf("got %s", w.Body)
	}
}
