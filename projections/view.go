// What screens read: one moment of the store at a time.

package projections

import (
	"fmt"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
	"onsale/domain/coupons"
)

// View is one moment of the store. Do not keep it, and do no slow work while it is open.
type View struct {
	tx          *bolt.Tx
	checkpoint  checkpoint
	eventNumber uint64
	user        string
	lastOfUser  uint64 // number of the user's last confirmed event
}

// Read shows one moment of the store to user; "" is nobody. Lists of what is the user's hold what is confirmed.
func (p *Projector) Read(user string, read func(*View) error) error {
	if err := p.haltedError(); err != nil {
		return err
	}
	// Both are asked before the moment is taken, so that the moment has everything up to them.
	confirmed, last := p.Confirmed(), p.LastOfUser(user)
	return p.store.view(func(tx *bolt.Tx) error {
		cp, err := readCheckpoint(tx)
		if err != nil {
			return err
		}
		return read(&View{tx, cp, confirmed, user, last})
	})
}

// EventNumber is the number of an event that is confirmed; the view shows it and everything before it.
func (v *View) EventNumber() uint64 { return v.eventNumber }

// Now is the log's time at the last event in the view.
func (v *View) Now() domain.Time { return v.checkpoint.now }

// What is one user's: a walk along their rows of the journal, newest first.

// Page is a part of the user's list, newest first. Next is where the following page begins; 0: this was the last. It means
// something to the same list of the same user only.
type Page[T any] struct {
	Items []T
	Next  uint64
}

// maxRowsScanned bounds the rows of one page: somebody with a very long past gets short pages, never a slow one.
const maxRowsScanned = 10_000

// A place in a list is the number of an event, and how many of its items earlier pages have shown: an offer that was
// accepted is one event and up to so many coupons as a user can have.
const offsetBits = 10

const _ = uint(1<<offsetBits - coupons.MaxPerUserLimit)

// userPage walks the user's rows of the journal back from a place, 0 being the newest, and picks what the page is of.
func userPage[T any](v *View, from uint64, limit int, pick func(journalRow) ([]T, error)) (Page[T], error) {
	var page Page[T]
	n, offset := v.lastOfUser, 0
	if from != 0 {
		n, offset = from>>offsetBits, int(from&(1<<offsetBits-1))
		if r, ok, err := readJournalRow(v.tx, n); err != nil || !ok || n > v.lastOfUser || r.User != v.user {
			return page, err // a place that is none of this user's
		}
	}
	for range maxRowsScanned {
		if n == 0 || len(page.Items) == limit {
			break
		}
		r, ok, err := readJournalRow(v.tx, n)
		if err != nil || !ok {
			return page, err
		}
		items, err := pick(r)
		if err != nil {
			return page, fmt.Errorf("%w: row %d of the journal: %w", errDamaged, n, err)
		}
		items = items[min(offset, len(items)):]
		if remaining := limit - len(page.Items); len(items) > remaining {
			page.Items = append(page.Items, items[:remaining]...)
			page.Next = n<<offsetBits | uint64(offset+remaining)
			return page, nil
		}
		page.Items = append(page.Items, items...)
		n, offset = r.prevOfUser, 0
	}
	page.Next = n << offsetBits
	return page, nil
}
