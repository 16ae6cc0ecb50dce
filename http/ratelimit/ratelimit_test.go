package ratelimit

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// At random times, many keys get the same answers as from a rate.Limiter each.
func TestLimiter_AgreesWithReference(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	const rounds = 50
	complete := 0
	for range rounds {
		if agreesForAWhile(t, rng) {
			complete++
		}
	}
	if complete < rounds/2 {
		t.Errorf("%d of %d rounds were complete", complete, rounds)
	}
}

// agreesForAWhile compares until the two part, because rate.Limiter counts tokens in floating point: at the very time of a token
// one may take it, and the other not.
func agreesForAWhile(t *testing.T, rng *rand.Rand) (complete bool) {
	const tolerance = 10 * time.Microsecond
	perSecond, burst := 1<<rng.IntN(10), 1+rng.IntN(50) // whose intervals are whole nanoseconds
	l, now := New(perSecond, burst), time.Now()
	reference := map[string]*rate.Limiter{}
	for range 2_000 {
		key := strconv.Itoa(rng.IntN(5))
		if reference[key] == nil {
			reference[key] = rate.NewLimiter(rate.Limit(perSecond), burst)
		}
		now = now.Add(time.Duration(rng.ExpFloat64() * float64(time.Second) / float64(perSecond) / 4))
		if rng.IntN(500) == 0 {
			now = now.Add(time.Minute)
		}
		wait := l.Take(key, now)
		r := reference[key].ReserveN(now, 1)
		want := r.DelayFrom(now)
		if want > 0 {
			r.CancelAt(now)
		}
		if difference := (wait - want).Abs(); difference > tolerance {
			t.Fatalf("%d a second, burst %d: got a wait of %v, want %v", perSecond, burst, wait, want)
		} else if (wait > 0) != (want > 0) {
			return false
		}
	}
	return true
}

// Keys that rest are forgotten first: however many others come, a busy one stays limited.
func TestLimiter_RemembersBusyKey(t *testing.T) {
	l, now := New(10, 20), time.Now()
	for i := range 20 {
		if wait := l.Take("busy", now); wait != 0 {
			t.Fatalf("request %d: got a wait of %v", i, wait)
		}
	}
	for i := range 4 * Places {
		if wait := l.Take("other "+strconv.Itoa(i), now); wait != 0 {
			t.Fatalf("a new key: got a wait of %v", wait)
		}
	}
	if wait := l.Take("busy", now); wait != 100*time.Millisecond {
		t.Errorf("got a wait of %v, want 100ms", wait)
	}
	if wait := l.Take("busy", now.Add(100*time.Millisecond)); wait != 0 {
		t.Errorf("after that: got a wait of %v", wait)
	}
}

func TestLimiter_CountsNetworks(t *testing.T) {
	for _, test := range []struct {
		one, other string
		same       bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		{"::ffff:192.0.2.1", "::1", false},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::1%eth1", true},
	} {
		l, now := New(1, 1), time.Now()
		l.TakeAddress(netip.MustParseAddr(test.one), now)
		if wait := l.TakeAddress(netip.MustParseAddr(test.other), now); (wait > 0) != test.same {
			t.Errorf("%s and %s: got a wait of %v, want one: %v", test.one, test.other, wait, test.same)
		}
	}
}

// BenchmarkLimiter measures a request of one of 20 users, of one of a million, and of an address.
func BenchmarkLimiter(b *testing.B) {
	users := make([]string, 1_000_000)
	for i := range users {
		users[i] = fmt.Sprintf("user-%d", i)
	}
	for _, n := range []int{20, len(users)} {
		b.Run(fmt.Sprintf("users=%d", n), func(b *testing.B) {
			l := New(20, 40)
			for i := 0; b.Loop(); i++ {
				l.Take(users[i%n], time.Now())
			}
		})
	}
	b.Run("address", func(b *testing.B) {
		l, address := New(500, 1_000), netip.MustParseAddr("2001:db8::1")
		for b.Loop() {
			l.TakeAddress(address, time.Now())
		}
	})
}
