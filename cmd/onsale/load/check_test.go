package load

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"onsale/domain"
)

// TestCheck_FindsFaults loads services that break their word in one way each.
func TestCheck_FindsFaults(t *testing.T) {
	for _, c := range []struct {
		fault string
		want  Findings
	}{
		{"none", Findings{Won: 100}},
		{"loses", Findings{Won: 99, Lost: 1}},
		{"gives twice", Findings{Won: 100, Doubled: 1}},
		{"gives out of order", Findings{Won: 100, Disordered: 1}},
		{"leaves a number out", Findings{Won: 100, Disordered: 1}},
		{"counts wrong", Findings{Won: 100, Lost: 1}},
		{"refuses at the door", Findings{Won: 99}},
	} {
		t.Run(c.fault, func(t *testing.T) {
			server := httptest.NewServer(&liar{fault: c.fault})
			defer server.Close()
			run, err := Prepare(t.Context(), Plan{Target: server.URL, What: Coupons, Connections: 1, Commands: 100, Users: 100, Stock: 100})
			if err != nil {
				t.Fatal(err)
			}
			defer run.Close()
			result, err := run.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got, err := run.Check(context.Background(), result.Unanswered)
			if err != nil {
				t.Fatal(err)
			}
			if got.Lost != c.want.Lost || got.Doubled != c.want.Doubled || got.Disordered != c.want.Disordered || got.Won != c.want.Won {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if result.Sent != 100 || result.Accepted+result.Refused["backlog_full"] != 100 {
				t.Errorf("got %+v", result)
			}
		})
	}
}

// liar answers like the service, except for one command.
type liar struct {
	fault    string
	accepted atomic.Int64
}

const wronged = 50 // its sequence

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/api/v1/admin/"):
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"status":"SUCCEEDED"}`)
	case r.Method == http.MethodPost:
		n := l.accepted.Add(1)
		if l.fault == "refuses at the door" && n == 100 {
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, `{"status":429,"code":"backlog_full"}`)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, `{"requestId":%q,"status":"ACCEPTED","sequence":%d,"links":{}}`,
			domain.NewRequestID(r.Header.Get("X-User-Id"), r.Header.Get("Idempotency-Key")), n)
	case strings.HasPrefix(r.URL.Path, "/api/v1/promotions/"):
		issued := int(l.accepted.Load())
		if l.fault == "counts wrong" || l.fault == "loses" || l.fault == "refuses at the door" {
			issued--
		}
		fmt.Fprintf(w, `{"issued":%d}`, issued)
	default:
		l.request(w, r)
	}
}

func (l *liar) request(w http.ResponseWriter, r *http.Request) {
	var sequence int
	fmt.Sscan(r.FormValue("sequence"), &sequence)
	number := sequence
	switch {
	case l.fault == "loses" && sequence == wronged:
		fmt.Fprintf(w, `{"status":"PENDING","sequence":%d}`, sequence)
		return
	case l.fault == "loses" && sequence > wronged:
		number--
	case l.fault == "gives twice" && sequence == 100:
		number = wronged
	case l.fault == "gives out of order" && sequence == 99, l.fault == "leaves a number out" && sequence == 100:
		number++
	case l.fault == "gives out of order" && sequence == 100:
		number--
	}
	fmt.Fprintf(w, `{"requestId":%q,"status":"SUCCEEDED","sequence":%d,"result":{"number":%d}}`,
		strings.TrimPrefix(r.URL.Path, "/api/v1/requests/"), sequence, number)
}

// Each number is another name, or users would stand in line twice.
func TestScattered(t *testing.T) {
	seen := map[uint32]bool{}
	for n := range uint32(1 << 20) {
		if m := scattered(n); seen[m] {
			t.Fatalf("%d comes twice", m)
		} else {
			seen[m] = true
		}
	}
}
