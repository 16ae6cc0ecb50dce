// The rate at which this node decides, and the estimate of when a queued command will be decided.

package projections

import (
	"time"

	"onsale/domain"
)

// rateWindow is a ring of the last seconds.
type rateWindow [16]second

const rateWindowSeconds = 10 // that are summed; fewer than the ring has, so that none of them is overwritten

// second is what was decided within one second.
type second struct {
	at                 int64 // Unix time
	commands, messages int
	busy               time.Duration // in transactions
}

func (w *rateWindow) note(now time.Time, delta second) {
	s := &w[now.Unix()%int64(len(w))]
	if s.at != now.Unix() {
		*s = second{at: now.Unix()}
	}
	s.commands, s.messages, s.busy = s.commands+delta.commands, s.messages+delta.messages, s.busy+delta.busy
}

// sum adds up the last seconds, the present one included.
func (w *rateWindow) sum(now time.Time) (sum second) {
	for _, s := range w {
		if age := now.Unix() - s.at; age >= 0 && age < rateWindowSeconds {
			sum.commands, sum.messages, sum.busy = sum.commands+s.commands, sum.messages+s.messages, sum.busy+s.busy
		}
	}
	return sum
}

// QueueEstimate is when this node will decide a queued command.
type QueueEstimate struct {
	Position int           // commands up to and including it; 0: it is decided
	Exact    bool          // otherwise Position is an estimate
	Wait     time.Duration // estimated from the rate of the last seconds; 0: unknown
}

// QueueEstimate estimates for the command at sequence; false when that is impossible, as for a command appended after the
// watchdog last read the state of COMMANDS, some two seconds ago. Sequences have gaps between messages, and how many commands a
// message has is known when it is read. So the position is exact within the next message; beyond it each message is
// assumed to have as many commands as those of the last seconds had. Wait assumes the rate of the last seconds while busy.
func (p *Projector) QueueEstimate(sequence uint64) (QueueEstimate, bool) {
	p.mu.RLock()
	decided, recent := p.committed.Sequence, p.rate.sum(time.Now())
	p.mu.RUnlock()
	if sequence <= decided {
		return QueueEstimate{Exact: true}, true
	}
	const perMessage = domain.SequencesPerMessage
	estimate := QueueEstimate{Position: int(sequence%perMessage) + 1, Exact: true}
	message, last := sequence/perMessage, decided/perMessage
	switch between := message - last - 1; {
	case message > p.commandsEnd.Load(): // there may be no such command
		return QueueEstimate{}, false
	case message == last: // a message that was decided in part before the store was rebuilt
		estimate.Position = int(sequence - decided)
	case between > 0 && recent.messages == 0:
		return QueueEstimate{}, false
	case between > 0:
		estimate.Position += int(float64(between) * float64(recent.commands) / float64(recent.messages))
		estimate.Exact = false
	}
	if recent.commands > 0 {
		estimate.Wait = time.Duration(float64(estimate.Position) * float64(recent.busy) / float64(recent.commands))
	}
	return estimate, true
}
