// State is what the projector keeps in memory and loads from the file at start.

package store

import (
	"errors"

	"onsale/domain"
	"onsale/domain/machine"
)

// State is the state machine as a store has it, with the last event of each user and entity, and the events counted by type.
type State struct {
	Machine    *machine.Machine
	LastEvents *LastEvents
	Counters   Counters
}

func newState() State { return State{machine.New(), new(LastEvents), newCounters()} }

// Load reads the state again from the rows, after a transaction that failed.
func (s *Store) Load() (State, error) {
	state := newState()
	err := s.view(func(tx *transaction) error { return state.load(tx, nil) })
	return state, err
}

// load takes the history from the saved state, or, where that is nil, from every row of the journal and of coupons. The other rows are
// read in any case.
func (s *State) load(tx *transaction, saved *savedState) error {
	cp, err := readCheckpoint(tx)
	if err != nil {
		return err
	}
	*s = newState()
	s.Machine.Restore(cp.Now, cp.Events)
	history := func(tx *transaction) error { return errors.Join(s.loadJournal(tx), s.loadCoupons(tx)) }
	if saved != nil {
		history = func(*transaction) error { return saved.load(s) }
	}
	for _, load := range []func(*transaction) error{s.loadPromotions, history, s.loadSchedules, s.loadWaiting, s.loadOrders} {
		if err := load(tx); err != nil {
			return err
		}
	}
	return nil
}

func typeOf(e domain.Event) string {
	name, _ := e.Body.Type()
	return name
}

// Counters count events since the log began: once while the journal is loaded, and then with each commit.
type Counters struct {
	byLabel  map[eventLabel]*uint64
	Outcomes uint64 // events that answer a request
}

// eventLabel is the type of an event and, of a rejection, its code.
type eventLabel struct{ name, code string }

func newCounters() Counters { return Counters{byLabel: map[eventLabel]*uint64{}} }

// Add counts e.
func (c *Counters) Add(e domain.Event) {
	label := eventLabel{name: typeOf(e)}
	if rejection, rejected := e.Body.(domain.Rejection); rejected {
		label.code = rejection.Code
	}
	count := c.byLabel[label]
	if count == nil {
		count = new(uint64)
		c.byLabel[label] = count
	}
	*count++
	if !e.Request.IsZero() {
		c.Outcomes++
	}
}

// addRow counts a row of the journal. It copies bbolt's bytes for the first row of a label only.
func (c *Counters) addRow(r rowHeader) {
	code := r.rejectionCode()
	if count := c.byLabel[eventLabel{string(r.name), string(code)}]; count != nil {
		*count++
	} else {
		c.byLabel[eventLabel{string(r.name), string(code)}] = new(uint64(1))
	}
	if r.hasRequest {
		c.Outcomes++
	}
}

// ByType are the events by type, and the rejections among them by type and code instead.
func (c *Counters) ByType() (events map[string]uint64, rejections map[string]map[string]uint64) {
	events, rejections = map[string]uint64{}, map[string]map[string]uint64{}
	for label, count := range c.byLabel {
		switch {
		case label.code == "":
			events[label.name] = *count
		case rejections[label.name] == nil:
			rejections[label.name] = map[string]uint64{label.code: *count}
		default:
			rejections[label.name][label.code] = *count
		}
	}
	return events, rejections
}
