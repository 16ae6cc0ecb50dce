// The door remembers who went in and has not come out: every request with a key that was accepted here and whose outcome
// cannot be told yet. A repetition is compared with what the door or the store remembers before anything is appended.
// A request is noted here first and looked up in the store after that: so it is found in one of the two, whenever its
// outcome arrives.

package http

import (
	"sync"
	"time"

	"onsale/domain"
	"onsale/projections"
)

// maxInflight bounds the memory of the door: commands being appended, or waiting for their outcome.
const maxInflight = 1 << 17

// inflightTable is ready when pending is made.
type inflightTable struct {
	mu        sync.Mutex // guards all fields; held for a few steps, never during I/O
	pending   map[domain.RequestID]*inflightRequest
	backlog   unconfirmedQueue
	appending int
}

// inflightRequest is one request that went in. sequence and err may be read once appended is closed.
type inflightRequest struct {
	request     domain.RequestID
	fingerprint domain.Fingerprint
	user        string
	position    uint64 // confirmed before the append
	keyed       bool   // asked with a key of the client's, so it may be repeated

	appended chan struct{} // nil without key: nobody can join
	sequence uint64
	err      error
}

// begin notes e, or returns the entry of the same request that is inside already.
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

// appended notes where e stands in line; it stays until its outcome can be told.
func (t *inflightTable) appended(e *inflightRequest, sequence uint64, now time.Time) {
	t.mu.Lock()
	t.appending--
	t.backlog.push(e, sequence, now)
	t.mu.Unlock()
	e.sequence = sequence
	if e.keyed {
		close(e.appended)
	}
}

// abandon notes that e is not in line as far as anybody knows: it was refused, decided long ago, or lost from sight. The next
// attempt with its key begins anew; should the first have been stored after all, the rules know the repetition.
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

// find is the entry of a request that is inside, or nil.
func (t *inflightTable) find(id domain.RequestID) *inflightRequest {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pending[id]
}

// evict lets out whose outcome can be told.
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

// oldestAge is how long the oldest undecided command of this node has been waiting.
func (t *inflightTable) oldestAge(status projections.Status, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.evict(status)
	return t.backlog.oldestAge(status.DecidedSequence, now)
}

// The line of this node's commands whose outcome cannot be told yet, in the order in which they were accepted. It answers
// two questions without looking at each: whose outcome can be told by now, and how old the oldest undecided command is.

// unconfirmedQueue keeps its commands in [first:], of which those before undecided are decided and not yet confirmed.
// Acknowledgements that overtake each other may put two neighbours the wrong way round; then one leaves a step later.
type unconfirmedQueue struct {
	commands         []queuedCommand
	first, undecided int

	// A mark: when everything up to sequence mark was decided, events was the number of the last event. So once that
	// event is confirmed, all outcomes up to mark can be told.
	markSequence, markEvent uint64
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

// popConfirmed takes out of the line whose outcome can be told, and returns the entries of those that had a key.
func (q *unconfirmedQueue) popConfirmed(status projections.Status) []*inflightRequest {
	var confirmed []*inflightRequest
	for range 2 { // the old mark, and if it is reached, a new one
		if status.Confirmed < q.markEvent {
			break
		}
		for q.first < len(q.commands) && q.commands[q.first].sequence <= q.markSequence {
			if e := q.commands[q.first].entry; e != nil {
				confirmed = append(confirmed, e)
			}
			q.commands[q.first] = queuedCommand{}
			q.first++
		}
		q.markSequence, q.markEvent = status.DecidedSequence, status.Events
	}
	q.undecided = max(q.undecided, q.first)
	if q.first == len(q.commands) || q.first > 1024 && q.first > len(q.commands)/2 {
		n := copy(q.commands, q.commands[q.first:])
		clear(q.commands[n:])
		q.commands, q.undecided, q.first = q.commands[:n], q.undecided-q.first, 0
	}
	return confirmed
}

// oldestAge is the age of the oldest command that is not decided; 0 when there is none.
func (q *unconfirmedQueue) oldestAge(decided uint64, now time.Time) time.Duration {
	for q.undecided < len(q.commands) && q.commands[q.undecided].sequence <= decided {
		q.undecided++
	}
	if q.undecided == len(q.commands) {
		return 0
	}
	return now.Sub(q.commands[q.undecided].at)
}
