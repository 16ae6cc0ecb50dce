// Idempotency: the in-flight table holds every request with a key that this node accepted and whose outcome is not confirmed.
// A duplicate is compared with the table or the store before anything is appended. A request is entered here first and
// looked up in the store after that, so it is found in one of the two whenever its outcome arrives.

package http

import (
	"sync"
	"time"

	"onsale/domain"
	"onsale/projections"
)

// maxInflight bounds the memory of the table: commands that are being appended, or wait for their outcome.
const maxInflight = 1 << 17

type inflightTable struct {
	mu        sync.Mutex // guards all fields; never held during I/O
	pending   map[domain.RequestID]*inflightRequest
	backlog   unconfirmedQueue
	pressure  backpressure
	appending int
	last      uint64 // highest sequence that this node has appended
}

// inflightRequest is one request. sequence and err may be read once appended is closed.
type inflightRequest struct {
	request     domain.RequestID
	fingerprint domain.Fingerprint
	user        string
	position    uint64 // confirmed before the append
	keyed       bool   // with the client's key, so it may be repeated

	appended chan struct{} // nil without key: there are no duplicates
	sequence uint64
	err      error
}

// begin enters e, or returns the entry of the same request. full means that the table is full.
func (t *inflightTable) begin(e *inflightRequest, status projections.Status) (existing *inflightRequest, full bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.evict(status)
	if e.keyed {
		if existing := t.pending[e.request]; existing != nil {
			return existing, false
		}
	}
	if t.appending+t.backlog.length() >= maxInflight {
		return nil, true
	}
	t.appending++
	if e.keyed {
		t.pending[e.request] = e
	}
	return nil, false
}

// appended records the sequence of e, which stays until its outcome is confirmed.
func (t *inflightTable) appended(e *inflightRequest, sequence uint64, now time.Time) {
	t.mu.Lock()
	t.appending--
	t.backlog.push(e, sequence, now)
	t.last = max(t.last, sequence)
	t.mu.Unlock()
	e.sequence = sequence
	if e.keyed {
		close(e.appended)
	}
}

// abandon removes e, which was refused, was decided earlier, or may not be stored. The next attempt with its key appends
// again; if the first was stored after all, the rules detect the duplicate.
func (t *inflightTable) abandon(e *inflightRequest, err error) {
	t.mu.Lock()
	t.appending--
	t.forget(e)
	t.mu.Unlock()
	e.err = err
	if e.keyed {
		close(e.appended)
	}
}

// find is the entry of a request, or nil.
func (t *inflightTable) find(id domain.RequestID) *inflightRequest {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pending[id]
}

// hasAppended says that the log has the command at sequence, since this node appended it or one behind it.
func (t *inflightTable) hasAppended(sequence uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return sequence != 0 && sequence <= t.last
}

// evict removes the requests whose outcome is confirmed.
func (t *inflightTable) evict(status projections.Status) {
	for _, e := range t.backlog.popConfirmed(status) {
		t.forget(e)
	}
}

func (t *inflightTable) forget(e *inflightRequest) {
	if t.pending[e.request] == e {
		delete(t.pending, e.request)
	}
}

// unconfirmed returns the number of this node's commands whose outcome is not confirmed, and the age of the oldest.
func (t *inflightTable) unconfirmed(status projections.Status, now time.Time) (count int, oldest time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.evict(status)
	return t.backlog.length(), t.backlog.oldestAge(now)
}

// refuses says whether a command that comes now is too much.
func (t *inflightTable) refuses(status projections.Status, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.evict(status)
	return t.pressure.refuses(t.backlog.oldestAge(now), now)
}

// unconfirmedQueue holds this node's commands whose outcome is not confirmed, in the order of their acknowledgements. Its commands are
// in [first:]. Two acknowledgements that overtook each other are in the wrong order; then one command is removed a step later.
type unconfirmedQueue struct {
	commands []queuedCommand
	first    int
}

type queuedCommand struct {
	entry    *inflightRequest // nil without key
	sequence uint64
	at       time.Time
}

func (q *unconfirmedQueue) length() int { return len(q.commands) - q.first }

func (q *unconfirmedQueue) push(e *inflightRequest, sequence uint64, now time.Time) {
	if !e.keyed {
		e = nil
	}
	q.commands = append(q.commands, queuedCommand{e, sequence, now})
}

// popConfirmed removes the commands whose outcome is confirmed, and returns the entries of those with a key.
func (q *unconfirmedQueue) popConfirmed(status projections.Status) []*inflightRequest {
	var confirmed []*inflightRequest
	for ; q.first < len(q.commands) && q.commands[q.first].sequence <= status.ConfirmedSequence; q.first++ {
		if e := q.commands[q.first].entry; e != nil {
			confirmed = append(confirmed, e)
		}
		q.commands[q.first] = queuedCommand{}
	}
	if q.first == len(q.commands) || q.first > 1024 && q.first > len(q.commands)/2 {
		n := copy(q.commands, q.commands[q.first:])
		clear(q.commands[n:])
		q.commands, q.first = q.commands[:n], 0
	}
	return confirmed
}

// oldestAge is the age of the first command; 0 when there is none.
func (q *unconfirmedQueue) oldestAge(now time.Time) time.Duration {
	if q.length() == 0 {
		return 0
	}
	return now.Sub(q.commands[q.first].at)
}
