// Package ratelimit bounds how many requests a key (a user, an address) may make in a second. Its memory is fixed, however many
// keys there are.
package ratelimit

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// Limiter gives each key a bucket of tokens, of which a request takes one. The buckets are in a table of fixed size: a new key
// takes the place of the one that is full soonest. A full bucket equals a new one, so nothing is lost as long as fewer keys are
// busy at a time than the table has places; beyond that some may take more than their share, and none less.
//
// A bucket is the time at which it is full again (the generic cell rate algorithm), and its key is a hash with a random seed:
// 16 bytes, where rate.Limiter of golang.org/x/time has 80 and an allocation.
type Limiter struct {
	interval time.Duration // in which a token comes back
	burst    time.Duration // in which an empty bucket is full again
	start    time.Time
	seed     maphash.Seed
	sets     []set
}

type set struct {
	mu      sync.Mutex
	buckets [8]bucket
}

type bucket struct {
	key  uint64
	full time.Duration // when, since Limiter.start
}

// Places is how many keys a Limiter knows at a time. They cost 1.1 MB.
const Places = 65536

// New makes a Limiter of so many requests a second, and a burst after a pause; both are at least 1.
func New(perSecond, burst int) *Limiter {
	interval := time.Second / time.Duration(perSecond)
	return &Limiter{
		interval: interval, burst: interval * time.Duration(burst), start: time.Now(), seed: maphash.MakeSeed(),
		sets: make([]set, Places/len(set{}.buckets)),
	}
}

// Take takes a token of key, or says after which time there will be one; 0: it was taken.
func (l *Limiter) Take(key string, now time.Time) (wait time.Duration) {
	return l.take(maphash.String(l.seed, key), now)
}

// TakeAddress is Take for an address. Addresses of IPv6 share the bucket of their /64, which is what one customer of a provider
// has at least.
func (l *Limiter) TakeAddress(address netip.Addr, now time.Time) (wait time.Duration) {
	key := address.Unmap().As16()
	network := key[:8]
	if address.Unmap().Is4() {
		network = key[:]
	}
	return l.take(maphash.Bytes(l.seed, network), now)
}

func (l *Limiter) take(key uint64, now time.Time) (wait time.Duration) {
	at := now.Sub(l.start)
	s := &l.sets[key%uint64(len(l.sets))]
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.find(key)
	full := max(b.full, at) + l.interval
	if wait := full - l.burst - at; wait > 0 {
		return wait
	}
	b.full = full
	return 0
}

// find returns the bucket of key, under the set's lock.
func (s *set) find(key uint64) *bucket {
	soonest := &s.buckets[0]
	for i := range s.buckets {
		b := &s.buckets[i]
		if b.key == key {
			return b
		}
		if b.full < soonest.full {
			soonest = b
		}
	}
	*soonest = bucket{key: key}
	return soonest
}
