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

// maxInside bounds the memory of the door: commands being appended, or waiting for their outcome.
const maxInside = 1 << 17

// door is ready when pending is made.
type door struct {
	mu        sync.Mutex // guards all fields; held for a few steps, never during I/O
	pending   map[domain.RequestID]*entry
	line      line
	appending int
}

// entry is one request that went in. sequence and err may be read once appended is closed.
type entry struct {
	request     domain.RequestID
	fingerprint domain.Fingerprint
	user        string
	position    uint64 // confirmed before the append
	keyed       bool   // asked with a key of the client's, so it may be repeated

	appended chan struct{} // nil without key: nobody can join
	sequence uint64
	err      error
}

// enter notes e, or returns the entry of the same request that is inside already.
func (d *door) enter(e *entry, status projections.Status) (inside *entry, full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settle(status)
	if e.keyed {
		if inside := d.pending[e.request]; inside != nil {
			return inside, false
		}
	}
	if d.appending+d.line.length() >= maxInside {
		return nil, true
	}
	d.appending++
	if e.keyed {
		d.pending[e.request] = e
	}
	return nil, false
}

// accepted notes where e stands in line; it stays until its outcome can be told.
func (d *door) accepted(e *entry, sequence uint64, now time.Time) {
	d.mu.Lock()
	d.appending--
	d.line.join(e, sequence, now)
	d.mu.Unlock()
	e.sequence = sequence
	if e.keyed {
		close(e.appended)
	}
}

// left notes that e is not in line as far as anybody knows: it was refused, decided long ago, or lost from sight. The next
// attempt with its key begins anew; should the first have been stored after all, the rules know the repetition.
func (d *door) left(e *entry, err error) {
	d.mu.Lock()
	d.appending--
	d.forget(e)
	d.mu.Unlock()
	e.err = err
	if e.keyed {
		close(e.appended)
	}
}

// find is the entry of a request that is inside, or nil.
func (d *door) find(id domain.RequestID) *entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pending[id]
}

// settle lets out whose outcome can be told.
func (d *door) settle(status projections.Status) {
	for _, e := range d.line.settle(status) {
		d.forget(e)
	}
}

func (d *door) forget(e *entry) {
	if d.pending[e.request] == e {
		delete(d.pending, e.request)
	}
}

// oldest is how long the oldest undecided command of this node has been waiting.
func (d *door) oldest(status projections.Status, now time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settle(status)
	return d.line.oldest(status.Decided, now)
}
