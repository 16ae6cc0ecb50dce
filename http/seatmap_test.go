package http

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http/httptest"
	"testing"
)

// A large map is compressed for those who take it so; everybody gets the same map.
func TestSeatMap_CompressesLarge(t *testing.T) {
	f := newFixture(t)
	seedSchedule(t, f, 20_000)
	plain := f.getSeatMap(t, "")
	for accepted, want := range map[string]bool{
		"gzip": true, "deflate, GZIP;q=0.5, br": true, "br , gzip ; q=1.0": true,
		"": false, "br": false, "gzip;q=0": false, "gzip; q=0.000": false, "gzip;q=x": false, "xgzip": false, "*": false,
	} {
		answer := f.getSeatMap(t, accepted)
		if got := answer.Header().Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("%q: compressed is %v", accepted, got)
		}
		if answer.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: got %v", accepted, answer.Header())
		}
		body := answer.Body.Bytes()
		if want {
			body = must(io.ReadAll(must(gzip.NewReader(answer.Body))(t)))(t)
		}
		if !bytes.Equal(body, plain.Body.Bytes()) {
			t.Errorf("%q: another map of %d bytes", accepted, len(body))
		}
	}
}

// What fits into the buffers of a socket is not worth compressing.
func TestSeatMap_LeavesSmallPlain(t *testing.T) {
	f := newFixture(t)
	seedSchedule(t, f, 100)
	if answer := f.getSeatMap(t, "gzip"); answer.Header().Get("Content-Encoding") != "" {
		t.Errorf("got %v", answer.Header())
	}
}

func (f *fixture) getSeatMap(t testing.TB, accepted string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/api/v1/schedules/s/seats", nil)
	r.Header.Set("Accept-Encoding", accepted)
	answer := httptest.NewRecorder()
	f.ServeHTTP(answer, r)
	if answer.Code != 200 {
		t.Fatalf("got %d %s", answer.Code, answer.Body)
	}
	return answer
}
