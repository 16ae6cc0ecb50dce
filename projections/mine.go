// What is one user's: a walk along their rows of the journal, newest first.
package projections

import (
	"fmt"

	"onsale/domain/coupons"
)

// Page is a part of the user's list, newest first. Next is where the following page begins; 0: this was the last. It means
// something to the same list of the same user only.
type Page[T any] struct {
	Items []T
	Next  uint64
}

// walked bounds the rows of one page: somebody with a very long past gets short pages, never a slow one.
const walked = 10_000

// A place in a list is the number of an event, and how many of its items earlier pages have shown: an offer that was
// accepted is one event and up to so many coupons as a user can have.
const shownBits = 10

const _ = uint(1<<shownBits - coupons.MaxPerUserLimit)

// mine walks the user's rows of the journal back from a place, 0 being the newest, and picks what the page is of.
func mine[T any](v *View, from uint64, limit int, pick func(row) ([]T, error)) (Page[T], error) {
	var page Page[T]
	n, shown := v.last, 0
	if from != 0 {
		n, shown = from>>shownBits, int(from&(1<<shownBits-1))
		if r, ok, err := journalRow(v.tx, n); err != nil || !ok || n > v.last || r.User != v.user {
			return page, err // a place that is none of this user's
		}
	}
	for range walked {
		if n == 0 || len(page.Items) == limit {
			break
		}
		r, ok, err := journalRow(v.tx, n)
		if err != nil || !ok {
			return page, err
		}
		items, err := pick(r)
		if err != nil {
			return page, fmt.Errorf("%w: row %d of the journal: %w", errDamaged, n, err)
		}
		items = items[min(shown, len(items)):]
		if room := limit - len(page.Items); len(items) > room {
			page.Items = append(page.Items, items[:room]...)
			page.Next = n<<shownBits | uint64(shown+room)
			return page, nil
		}
		page.Items = append(page.Items, items...)
		n, shown = r.beforeOfUser, 0
	}
	page.Next = n << shownBits
	return page, nil
}
