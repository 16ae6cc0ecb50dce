// What can be seen of the hub: figures for a scrape, and a list of who is there.
package stream

// Stats are the figures of the hub at one moment.
type Stats struct {
	Users, Schedules       int    // open streams
	Fresh, Complete, Reset uint64 // streams ever, by the verdict on where they begin
	Shed                   uint64 // turned away with a time to come back,
	ShedFull               uint64 // of these for the limit in all,
	ShedUser               uint64 // for that of their user,
	ShedAddress            uint64 // for that of their address
	Slow                   uint64 // ended because a write did not finish
	Demoted                uint64 // slow ones that fell out of the ring and were sent to the log
	CatchUps, Waiting      int    // readers of the log, and those in line to be one
	Replayed               uint64 // events that they read
	Encoded, Written       uint64 // frames made, frames sent
	Bytes                  uint64 // sent
	Tail, Head             uint64 // the ring holds these events and all between; empty: tail is head+1
}

// Stats is for a scrape now and then.
func (h *Hub) Stats() Stats {
	s := Stats{
		Fresh: h.fresh.Load(), Complete: h.complete.Load(), Reset: h.reset.Load(), Shed: h.shed.Load(), Slow: h.slow.Load(),
		ShedFull: h.refused.all.Load(), ShedUser: h.refused.user.Load(), ShedAddress: h.refused.address.Load(),
		Demoted: h.demoted.Load(), Replayed: h.replayed.Load(),
		Encoded: h.encoded.Load(), Written: h.written.Load(), Bytes: h.bytes.Load(),
	}
	s.CatchUps, s.Waiting = h.line.length()
	h.mu.RLock()
	defer h.mu.RUnlock()
	s.Tail, s.Head = h.ring.tail, h.ring.head
	s.Users, s.Schedules = h.open[OfUser], h.open[OfSchedule]
	return s
}
