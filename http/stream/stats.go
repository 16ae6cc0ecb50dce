// What can be counted of the hub, for a scrape now and then.
package stream

import "time"

// Stats are the figures of the hub at one moment.
type Stats struct {
	Users, Schedules       int           // open streams
	Orders, Promotions     int           // and those of orders, and of promotions
	Fresh, Complete, Reset uint64        // streams ever, by the verdict on where they begin
	Shed                   uint64        // turned away with a time to come back,
	ShedFull               uint64        // of these for the limit in all,
	ShedUser               uint64        // for that of their user,
	ShedAddress            uint64        // for that of their address
	Slow                   uint64        // ended because a write did not finish
	Draining, Halted       uint64        // ended or turned away because the node ended, or had stopped telling
	Drain                  time.Duration // what the last drain took, or the present one so far; 0: there was none
	Demoted                uint64        // slow ones that fell out of the ring and were sent to the log
	CatchUps, Waiting      int           // readers of the log, and those in line to be one
	Replayed               uint64        // events that they read
	Bursts, Spared         uint64        // bursts told; the steps that they stood for, less their frames
	Encoded, Written       uint64        // frames made, frames sent
	Bytes                  uint64        // sent
	Tail, Head             uint64        // the ring holds these events and all between; empty: tail is head+1
}

// Stats is for a scrape now and then.
func (h *Hub) Stats() Stats {
	s := Stats{
		Fresh: h.fresh.Load(), Complete: h.complete.Load(), Reset: h.reset.Load(), Shed: h.shed.Load(), Slow: h.slow.Load(),
		ShedFull: h.refused.all.Load(), ShedUser: h.refused.user.Load(), ShedAddress: h.refused.address.Load(),
		Draining: h.dropped.draining.Load(), Halted: h.dropped.halted.Load(),
		Demoted: h.demoted.Load(), Replayed: h.replayed.Load(), Bursts: h.bursts.Load(), Spared: h.spared.Load(),
		Encoded: h.encoded.Load(), Written: h.written.Load(), Bytes: h.bytes.Load(),
	}
	s.CatchUps, s.Waiting = h.line.length()
	h.mu.RLock()
	defer h.mu.RUnlock()
	s.Tail, s.Head = h.ring.tail, h.ring.head
	if d := h.drain; !d.began.IsZero() {
		if d.ended.IsZero() {
			d.ended = time.Now()
		}
		s.Drain = d.ended.Sub(d.began)
	}
	s.Users, s.Schedules, s.Orders, s.Promotions = h.open[OfUser], h.open[OfSchedule], h.open[OfOrder], h.open[OfPromotion]
	return s
}
