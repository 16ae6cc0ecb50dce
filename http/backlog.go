// The line of this node's commands whose outcome cannot be told yet, in the order in which they were accepted. It answers
// two questions without looking at each: whose outcome can be told by now, and how old the oldest undecided command is.
package http

import (
	"time"

	"onsale/projections"
)

// line keeps its commands in [first:], of which those before undecided are decided and not yet confirmed.
// Acknowledgements that overtake each other may put two neighbours the wrong way round; then one leaves a step later.
type line struct {
	commands         []accepted
	first, undecided int

	// A mark: when everything up to sequence mark was decided, events was the number of the last event. So once that
	// event is confirmed, all outcomes up to mark can be told.
	mark, events uint64
}

type accepted struct {
	entry    *entry // nil without key
	sequence uint64
	at       time.Time
}

func (l *line) length() int { return len(l.commands) - l.first }

func (l *line) join(e *entry, sequence uint64, now time.Time) {
	if !e.keyed {
		e = nil
	}
	l.commands = append(l.commands, accepted{e, sequence, now})
}

// settle takes out of the line whose outcome can be told, and returns the entries of those that had a key.
func (l *line) settle(status projections.Status) []*entry {
	var out []*entry
	for range 2 { // the old mark, and if it is reached, a new one
		if status.Confirmed < l.events {
			break
		}
		for l.first < len(l.commands) && l.commands[l.first].sequence <= l.mark {
			if e := l.commands[l.first].entry; e != nil {
				out = append(out, e)
			}
			l.commands[l.first] = accepted{}
			l.first++
		}
		l.mark, l.events = status.Decided, status.Events
	}
	l.undecided = max(l.undecided, l.first)
	if l.first == len(l.commands) || l.first > 1024 && l.first > len(l.commands)/2 {
		n := copy(l.commands, l.commands[l.first:])
		clear(l.commands[n:])
		l.commands, l.undecided, l.first = l.commands[:n], l.undecided-l.first, 0
	}
	return out
}

// oldest is the age of the oldest command that is not decided; 0 when there is none.
func (l *line) oldest(decided uint64, now time.Time) time.Duration {
	for l.undecided < len(l.commands) && l.commands[l.undecided].sequence <= decided {
		l.undecided++
	}
	if l.undecided == len(l.commands) {
		return 0
	}
	return now.Sub(l.commands[l.undecided].at)
}
