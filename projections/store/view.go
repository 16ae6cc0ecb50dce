// Views: what queries read, in one transaction.

package store

import (
	"fmt"

	"onsale/domain"
	"onsale/domain/coupons"
)

// View is one read transaction. Do not keep it, and do no slow work while it is open.
type View struct {
	store       *Store
	tx          *transaction
	now         domain.Time
	eventNumber uint64
	user        string
	lastOfUser  uint64 // number of the user's last confirmed event
}

// View reads for user; "" is anonymous. confirmed is the number of the last confirmed event, lastOfUser that of the user's last
// confirmed event: both were read before this call, so that the view shows everything up to them.
func (s *Store) View(user string, confirmed, lastOfUser uint64, read func(*View) error) error {
	return s.view(func(tx *transaction) error {
		cp, err := readCheckpoint(tx)
		if err != nil {
			return err
		}
		return read(&View{s, tx, cp.Now, confirmed, user, lastOfUser})
	})
}

// EventNumber is the number of a confirmed event; the view shows it and everything before it.
func (v *View) EventNumber() uint64 { return v.eventNumber }

// Now is the log's time at the last event in the view.
func (v *View) Now() domain.Time { return v.now }

// Page is a part of a user's list, newest first. Next is where the following page starts; 0: this was the last. It is valid
// for the same list of the same user only.
type Page[T any] struct {
	Items []T
	Next  uint64
}

// maxRowsScanned bounds the rows of one page: a user with very many events gets short pages, never a slow one.
const maxRowsScanned = 10_000

// A position in a list is the number of an event and how many of its items earlier pages have shown: an accepted offer is one
// event and as many coupons as a user can have.
const offsetBits = 10

const _ = uint(1<<offsetBits - coupons.MaxPerUserLimit)

// userPage follows the user's rows of the journal back from a position, 0 being the newest, and picks the page's items from them.
func userPage[T any](v *View, from uint64, limit int, pick func(journalRow) ([]T, error)) (Page[T], error) {
	var page Page[T]
	n, offset := v.lastOfUser, 0
	if from != 0 {
		n, offset = from>>offsetBits, int(from&(1<<offsetBits-1))
		if r, ok, err := readRow(v.tx, n); err != nil || !ok || n > v.lastOfUser || r.User != v.user {
			return page, err // not a position of this user
		}
	}
	for range maxRowsScanned {
		if n == 0 || len(page.Items) == limit {
			break
		}
		r, ok, err := readRow(v.tx, n)
		if err != nil || !ok {
			return page, err
		}
		items, err := pick(r)
		if err != nil {
			return page, fmt.Errorf("%w: row %d of the journal: %w", ErrDamaged, n, err)
		}
		items = items[min(offset, len(items)):]
		if remaining := limit - len(page.Items); len(items) > remaining {
			page.Items = append(page.Items, items[:remaining]...)
			page.Next = n<<offsetBits | uint64(offset+remaining)
			return page, nil
		}
		page.Items = append(page.Items, items...)
		n, offset = r.PrevOfUser, 0
	}
	page.Next = n << offsetBits
	return page, nil
}

// rowsAfter reads at most limit rows whose key comes after the given one.
func rowsAfter[T any](b table, after string, limit int, read func(k, v []byte) (T, error)) (rows []T, err error) {
	c := b.cursor()
	k, v := c.Seek([]byte(after))
	if string(k) == after {
		k, v = c.Next()
	}
	for ; k != nil && limit > 0; k, v = c.Next() {
		row, err := read(k, v)
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
		limit--
	}
	return rows, nil
}
