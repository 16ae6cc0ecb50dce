// Limits. A stream too many is told when to come back, in the one way that its client survives.
package stream

import (
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

// turnedAway counts the streams that a limit did not let in.
type turnedAway struct {
	all, user, address atomic.Uint64
	logged             atomic.Int64  // when that was last said in the log, in seconds since 1970,
	before             atomic.Uint64 // and how many there were then
}

func (r *turnedAway) count() uint64 { return r.all.Load() + r.user.Load() + r.address.Load() }

// room says whether one more stream may be opened, under the hub's lock.
func (h *Hub) room(key Key, from netip.Addr) bool {
	switch {
	case h.MaxStreams > 0 && len(h.conns) >= h.MaxStreams:
		h.refused.all.Add(1)
	case (key.Kind == OfUser || key.Kind == OfOrder) && h.MaxPerUser > 0 && h.ring.guests(key) >= h.MaxPerUser:
		h.refused.user.Add(1)
	case h.MaxPerAddress > 0 && from.IsValid() && h.addresses[from] >= h.MaxPerAddress:
		h.refused.address.Add(1)
	default:
		return true
	}
	return false
}

// complain says at most once a minute that limits turn streams away. A line for each would fill the disk in a rush.
func (h *Hub) complain() {
	r, now := &h.refused, time.Now().Unix()
	last, count := r.logged.Load(), r.count()
	if count == r.before.Load() || now < last+60 || !r.logged.CompareAndSwap(last, now) {
		return
	}
	h.Log.Warn("too many streams; some were turned away",
		"maxConnections", r.all.Load(), "maxPerUser", r.user.Load(), "maxPerAddress", r.address.Load())
	r.before.Store(count)
}

// count keeps how many streams an address has. Where there is no limit there is nothing to keep.
func (h *Hub) count(from netip.Addr, by int) {
	if h.MaxPerAddress <= 0 || !from.IsValid() {
		return
	}
	h.addresses[from] += by
	if h.addresses[from] == 0 {
		delete(h.addresses, from)
	}
}

// addressOf is the other end of the request's connection. A header could say anything.
func addressOf(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap()
}
