// How fast this node has decided lately, and what that means to those who wait for their turn.

package projections

import (
	"time"

	"onsale/domain"
)

// rateWindow is the last seconds, each in its place.
type rateWindow [16]second

const rateWindowSeconds = 10 // seconds; fewer than pace has, so that none of them is written over

// second is what was decided in one.
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

// sum is what was decided in the last seconds, this one included as far as it is over.
func (w *rateWindow) sum(now time.Time) (sum second) {
	for _, s := range w {
		if age := now.Unix() - s.at; age >= 0 && age < rateWindowSeconds {
			sum.commands, sum.messages, sum.busy = sum.commands+s.commands, sum.messages+s.messages, sum.busy+s.busy
		}
	}
	return sum
}

// QueueEstimate is when a command that is in line will be decided by this node.
type QueueEstimate struct {
	Position int           // how many commands are decided until it is, itself included; 0: it is decided
	Exact    bool          // else it is an estimate
	Wait     time.Duration // at the speed of the last seconds; an estimate, 0: unknown
}

// QueueEstimate is that of the command at sequence; false when nothing can be said, as of one that was accepted since the last look
// at COMMANDS, some two seconds ago. Places in line have gaps between messages, and what stands in a message is known
// when it is read. So the position is exact in the next message that will be decided; behind that each message is taken to
// have as many commands as those of the last seconds had, and when there were none nothing is known. The wait takes the
// node to be as fast as it was then while it was at work.
func (p *Projector) QueueEstimate(sequence uint64) (QueueEstimate, bool) {
	p.mu.RLock()
	decided, recent := p.committed.Sequence, p.rate.sum(time.Now())
	p.mu.RUnlock()
	if sequence <= decided {
		return QueueEstimate{Exact: true}, true
	}
	const perMessage = domain.SequencesPerMessage
	t := QueueEstimate{Position: int(sequence%perMessage) + 1, Exact: true}
	message, last := sequence/perMessage, decided/perMessage
	switch between := message - last - 1; {
	case message > p.commandsEnd.Load(): // perhaps a place that nobody has
		return QueueEstimate{}, false
	case message == last: // of a message that was decided in part, before the store was made anew
		t.Position = int(sequence - decided)
	case between > 0 && recent.messages == 0:
		return QueueEstimate{}, false
	case between > 0:
		t.Position += int(float64(between) * float64(recent.commands) / float64(recent.messages))
		t.Exact = false
	}
	if recent.commands > 0 {
		t.Wait = time.Duration(float64(t.Position) * float64(recent.busy) / float64(recent.commands))
	}
	return t, true
}
