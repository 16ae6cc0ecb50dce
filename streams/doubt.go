// What one server says is doubted where several answer: a leader that was stopped or cut off answers, until it learns of its
// successor, from a state that lacks what the cluster has acknowledged since. A replica that is behind does so for longer.

package streams

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// patience is how long the servers of a cluster must deny a message before a reader believes it. An election takes 4 to 9 s, and
// a stopped leader that returns may be asked before it has heard of one.
const patience = 30 * time.Second

// minDenials is how many answers that takes at least: a log that did not answer for half a minute has denied nothing.
const minDenials = 5

// doubt is what the latest answers in a row have denied.
type doubt struct {
	since   time.Time
	denials int
}

func (d *doubt) is() bool { return d.denials > 0 }

// doubts takes an answer by which a message is missing, and says whether it is to be believed. An embedded server knows its own log.
func (r *reader) doubts(err error) (believed bool) {
	if r.log.Embedded() {
		return true
	}
	if r.doubt.denials++; r.doubt.denials == 1 {
		r.doubt.since = time.Now()
	}
	r.log.problems.set(r, fmt.Sprintf("%s cannot be read from %d on, asking again: %v", r.stream, r.next, err))
	return r.doubt.denials >= minDenials && time.Since(r.doubt.since) >= r.log.patience
}

// trust ends the doubt: the message is there.
func (r *reader) trust() {
	if r.doubt.is() {
		r.doubt = doubt{}
		r.log.problems.set(r, "")
	}
}

// problems are why the log cannot be relied on now, each under the key of who noticed.
type problems struct {
	mu sync.Mutex
	m  map[any]string
}

// set replaces the problem of key; "" removes it. It returns the one before.
func (p *problems) set(key any, problem string) (before string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before = p.m[key]
	switch {
	case problem == "":
		delete(p.m, key)
	case p.m == nil:
		p.m = map[any]string{key: problem}
	default:
		p.m[key] = problem
	}
	return before
}

// Problems are the reasons for which this node cannot rely on the log now; none while all is well. Readers that look for a message
// that a server denies, a refused login, and a server whose limits are too small are among them.
func (l *Log) Problems() []string {
	l.problems.mu.Lock()
	defer l.problems.mu.Unlock()
	reasons := slices.Sorted(maps.Values(l.problems.m))
	if denied := l.denial(); denied != nil {
		reasons = append(reasons, denied.String())
	}
	return slices.Compact(reasons)
}
