package machine_test

import (
	"maps"
	"testing"

	"onsale/domain"
	"onsale/domain/machine"
)

// TestRequests_MatchMap adds and repeats random requests, with a map as the twin. Ids differ in one character only, or in all.
func TestRequests_MatchMap(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	rng := newRand(t)
	m, twin := machine.New(), map[domain.RequestID]machine.RequestRecord{}
	id := domain.NewRequestID("kim", "k")
	for n := uint64(1); n < 50_000; n += 1 + rng.Uint64N(3) {
		switch rng.IntN(3) {
		case 0:
			id[rng.IntN(len(id))] = alphabet[rng.IntN(len(alphabet))]
		case 1:
			for i := range id {
				id[i] = alphabet[rng.IntN(len(alphabet))]
			}
		}
		want, known := twin[id]
		if got, found := m.Request(id); found != known || got != want {
			t.Fatalf("request %s: got %v, %t, want %v, %t", id, got, found, want, known)
		}
		r := machine.RequestRecord{EventNumber: n, Fingerprint: domain.Fingerprint(rng.Uint64())}
		m.RestoreRequest(id, r)
		if !known {
			twin[id] = r
		}
	}
	if got := maps.Collect(m.Requests()); !maps.Equal(got, twin) {
		t.Errorf("got %d requests, want %d", len(got), len(twin))
	}
	last := uint64(0)
	for _, r := range m.Requests() {
		if r.EventNumber <= last {
			t.Fatalf("event %d comes after %d", r.EventNumber, last)
		}
		last = r.EventNumber
	}
	if _, found := m.Request(domain.RequestID{}); found {
		t.Error("found a request without an id")
	}
}

// FuzzRequest finds an id that was added, and no other.
func FuzzRequest(f *testing.F) {
	f.Add("AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", uint64(1))
	f.Add("______________________", "-_____________________", uint64(1<<63))
	f.Fuzz(func(t *testing.T, one, other string, fingerprint uint64) {
		id, err := domain.ParseRequestID(one)
		otherID, otherErr := domain.ParseRequestID(other)
		if err != nil || otherErr != nil {
			return
		}
		m, want := machine.New(), machine.RequestRecord{EventNumber: 7, Fingerprint: domain.Fingerprint(fingerprint)}
		m.RestoreRequest(id, want)
		for got, r := range m.Requests() {
			if got != id || r != want {
				t.Errorf("got %s %v, want %s %v", got, r, id, want)
			}
		}
		if _, found := m.Request(otherID); found != (id == otherID) {
			t.Errorf("%s: found is %t after %s", otherID, found, id)
		}
	})
}
