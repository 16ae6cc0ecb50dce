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

// TestVerify_FindsFaults loads servers with one fault each.
func TestVerify_FindsFaults(t *testing.T) {
	for _, c := range []struct {
		fault string
		want  Findings
	}{
		{"none", Findings{Succeeded: 100}},
		{"loses", Findings{Succeeded: 99, Lost: 1}},
		{"gives twice", Findings{Succeeded: 100, Duplicated: 1}},
		{"gives out of order", Findings{Succeeded: 100, OutOfOrder: 1}},
		{"leaves a number out", Findings{Succeeded: 100, OutOfOrder: 1}},
		{"counts wrong", Findings{Succeeded: 100, Lost: 1}},
		{"refuses one", Findings{Succeeded: 99}},
	} {
		t.Run(c.fault, func(t *testing.T) {
			server := httptest.NewServer(&faultyServer{fault: c.fault})
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
			got, err := run.Verify(context.Background(), result.Unanswered)
			if err != nil {
				t.Fatal(err)
			}
			if got.Lost != c.want.Lost || got.Duplicated != c.want.Duplicated || got.OutOfOrder != c.want.OutOfOrder || got.Succeeded != c.want.Succeeded {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if result.Sent != 100 || result.Accepted+result.Refused["backlog_full"] != 100 {
				t.Errorf("got %+v", result)
			}
		})
	}
}

// faultyServer answers like a node, except for one command.
type faultyServer struct {
	fault    string
	accepted atomic.Int64
}

const faultSequence = 50 // its sequence

func (l *faultyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/api/v1/admin/"):
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"status":"SUCCEEDED"}`)
	case r.Method == http.MethodPost:
		n := l.accepted.Add(1)
		if l.fault == "refuses one" && n == 100 {
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, `{"status":429,"code":"backlog_full"}`)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, `{"requestId":%q,"status":"ACCEPTED","sequence":%d,"links":{}}`,
			domain.NewRequestID(r.Header.Get("X-User-Id"), r.Header.Get("Idempotency-Key")), n)
	case strings.HasPrefix(r.URL.Path, "/api/v1/promotions/"):
		issued := int(l.accepted.Load())
		if l.fault == "counts wrong" || l.fault == "loses" || l.fault == "refuses one" {
			issued--
		}
		fmt.Fprintf(w, `{"issued":%d}`, issued)
	default:
		l.serveRequest(w, r)
	}
}

func (l *faultyServer) serveRequest(w http.ResponseWriter, r *http.Request) {
	var sequence int
	fmt.Sscan(r.FormValue("sequence"), &sequence)
	number := sequence
	switch {
	case l.fault == "loses" && sequence == faultSequence:
		fmt.Fprintf(w, `{"status":"PENDING","sequence":%d}`, sequence)
		return
	case l.fault == "loses" && sequence > faultSequence:
		number--
	case l.fault == "gives twice" && sequence == 100:
		number = faultSequence
	case l.fault == "gives out of order" && sequence == 99, l.fault == "leaves a number out" && sequence == 100:
		number++
	case l.fault == "gives out of order" && sequence == 100:
		number--
	}
	fmt.Fprintf(w, `{"requestId":%q,"status":"SUCCEEDED","sequence":%d,"result":{"number":%d}}`,
		strings.TrimPrefix(r.URL.Path, "/api/v1/requests/"), sequence, number)
}

// Two users must not share a name.
func TestShuffle_IsInjective(t *testing.T) {
	seen := map[uint32]bool{}
	for n := range uint32(1 << 20) {
		if m := shuffle(n); seen[m] {
			t.Fatalf("%d comes twice", m)
		} else {
			seen[m] = true
		}
	}
}
