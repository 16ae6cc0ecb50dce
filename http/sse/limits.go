// Limits. A stream too many is told when to come back, in the one way that its client survives.

package sse

import (
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

// rejections counts the streams that a limit did not let in.
type rejections struct {
	all, user, address atomic.Uint64
	logged             atomic.Int64  // when that was last said in the log, in seconds since 1970,
	before             atomic.Uint64 // and how many there were then
}

func (r *rejections) total() uint64 { return r.all.Load() + r.user.Load() + r.address.Load() }

// checkLimits says whether one more stream may be opened, under the hub's lock.
func (h *Hub) checkLimits(topic Topic, addr netip.Addr) bool {
	switch {
	case h.MaxStreams > 0 && len(h.subscriptions) >= h.MaxStreams:
		h.rejections.all.Add(1)
	case (topic.Kind == TopicUser || topic.Kind == TopicOrder) && h.MaxPerUser > 0 && h.ring.subscribers(topic) >= h.MaxPerUser:
		h.rejections.user.Add(1)
	case h.MaxPerAddress > 0 && addr.IsValid() && h.addresses[addr] >= h.MaxPerAddress:
		h.rejections.address.Add(1)
	default:
		return true
	}
	return false
}

// logRejections says at most once a minute that limits turn streams away. A line for each would fill the disk in a rush.
func (h *Hub) logRejections() {
	r, now := &h.rejections, time.Now().Unix()
	last, count := r.logged.Load(), r.total()
	if count == r.before.Load() || now < last+60 || !r.logged.CompareAndSwap(last, now) {
		return
	}
	h.Log.Warn("too many streams; some were turned away",
		"maxConnections", r.all.Load(), "maxPerUser", r.user.Load(), "maxPerAddress", r.address.Load())
	r.before.Store(count)
}

// countAddress keeps how many streams an address has. Where there is no limit there is nothing to keep.
func (h *Hub) countAddress(addr netip.Addr, delta int) {
	if h.MaxPerAddress <= 0 || !addr.IsValid() {
		return
	}
	h.addresses[addr] += delta
	if h.addresses[addr] == 0 {
		delete(h.addresses, addr)
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
