package http

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func TestSeatMap_CompressesLarge(t *testing.T) {
	f := newFixture(t)
	seedSchedule(t, f, 20_000)
	plain := f.getSeatMap(t, "")
	for accepted, want := range map[string]bool{
		"gzip": true, "deflate, GZIP;q=0.5, br": true, "br , gzip ; q=1.0": true,
		"": false, "br": false, "gzip;q=0": false, "gzip; q=0.000": false, "gzip;q=x": false, "xgzip": false, "*": false,
	} {
		response := f.getSeatMap(t, accepted)
		if got := response.Header().Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("%q: compressed is %v", accepted, got)
		}
		if got := response.Header().Values("Vary"); !slices.Equal(got, []string{"Origin", "Accept-Encoding"}) {
			t.Errorf("%q: got %v", accepted, response.Header())
		}
		body := response.Body.Bytes()
		if want {
			body = must(io.ReadAll(must(gzip.NewReader(response.Body))(t)))(t)
		}
		if !bytes.Equal(body, plain.Body.Bytes()) {
			t.Errorf("%q: a different map of %d bytes", accepted, len(body))
		}
	}
}

func TestSeatMap_LeavesSmallPlain(t *testing.T) {
	f := newFixture(t)
	seedSchedule(t, f, 100)
	if response := f.getSeatMap(t, "gzip"); response.Header().Get("Content-Encoding") != "" {
		t.Errorf("got %v", response.Header())
	}
}

func (f *fixture) getSeatMap(t testing.TB, accepted string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/api/v1/schedules/s/seats", nil)
	r.Header.Set("Accept-Encoding", accepted)
	response := httptest.NewRecorder()
	f.ServeHTTP(response, r)
	if response.Code != 200 {
		t.Fatalf("got %d %s", response.Code, response.Body)
	}
	return response
}

// A large seat map arrives whole, and its write deadline does not stay on the connection.
func TestSeatMap_ArrivesWhole(t *testing.T) {
	f := newFixture(t)
	seedSchedule(t, f, 20_000)
	for range 3 {
		var seats []struct {
			ScheduleSeatID int `json:"scheduleSeatId"`
		}
		if err := f.client("").Get(t.Context(), "/api/v1/schedules/s/seats", &seats); err != nil || len(seats) != 20_000 || seats[19_999].ScheduleSeatID != 20_000 {
			t.Fatal(len(seats), err)
		}
	}
}

// The tag of a map never promises what the map does not show, nor does a 304 a later position than that of the map that the client has.
// Event 1 creates the schedule, and each other event holds one seat.
func TestSeatMap_TagIsNeverAheadOfMap(t *testing.T) {
	f := newFixture(t)
	seedSchedule(t, f, 200)
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		for seat := 1; seat <= 200; seat++ {
			r := httptest.NewRequest("POST", "/api/v1/schedules/s/seats/hold", strings.NewReader(fmt.Sprintf(`{"scheduleSeatIds":[%d]}`, seat)))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-User-Id", fmt.Sprintf("u%d", seat))
			response := httptest.NewRecorder()
			if f.ServeHTTP(response, r); response.Code != 201 {
				t.Errorf("got %d %s", response.Code, response.Body)
			}
		}
	})
	defer wg.Wait()
	held, tag, unchanged := 0, "", 0
	for last := false; !last; {
		select {
		case <-done:
			last = true
		default:
		}
		r := httptest.NewRequest("GET", "/api/v1/schedules/s/seats", nil)
		if tag != "" {
			r.Header.Set("If-None-Match", tag)
		}
		response := httptest.NewRecorder()
		f.ServeHTTP(response, r)
		promised := response.Header().Get("Last-Event-ID")
		switch response.Code {
		case 200:
			if held, tag = bytes.Count(response.Body.Bytes(), []byte(`"HELD"`)), response.Header().Get("ETag"); tag != "" {
				promised = strings.Trim(tag, `W/"`)
			}
		case 304:
			unchanged++
		default:
			t.Fatalf("got %d %s", response.Code, response.Body)
		}
		if n := must(strconv.Atoi(strings.TrimPrefix(promised, testEpoch+"-")))(t); held < n-1 {
			t.Fatalf("%d: %d seats are held, and %s is promised", response.Code, held, promised)
		}
	}
	if held != 200 {
		t.Errorf("at the end %d seats are held", held)
	}
	t.Logf("%d times unchanged", unchanged)
}
