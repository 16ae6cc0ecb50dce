// Package waitlist keeps users who wait for units or seats, and says who may answer an offer. The first in the list whose
// quantity fits gets the next offer: a user who wants two does not block a single one for the users behind. Nor does a user who
// could not accept: such an entry is passed over, and keeps its place.
package waitlist

import (
	"maps"
	"slices"

	"onsale/domain"
)

// Entry is a user in a waiting list.
type Entry struct {
	Sequence uint64 `json:"sequence"` // of the command that joined; the list is in this order
	User     string `json:"user"`
	Quantity int    `json:"quantity"`
}

// Offer is an entry for which units or seats are kept until ExpiresAt. Where that is 0, nothing is offered yet.
type Offer struct {
	Entry
	ExpiresAt domain.Time `json:"expiresAt"`
}

// Check says with which code, "" for none, user's command on the entry of o is rejected at now.
type Check func(o Offer, user string, now domain.Time) (code string, details domain.Details)

// CheckLeave rejects an entry that does not exist (the zero Offer) or is another user's, and an expired offer.
func CheckLeave(o Offer, user string, now domain.Time) (code string, details domain.Details) {
	switch {
	case o.Sequence == 0:
		return domain.WaitingNotFound, details
	case o.User != user:
		return domain.NotOwner, details
	case o.ExpiresAt != 0 && o.ExpiresAt <= now:
		return domain.OfferExpired, domain.Details{ExpiredAt: o.ExpiresAt}
	}
	return "", details
}

// CheckAnswer rejects what CheckLeave rejects, and an entry without an offer, which cannot be accepted or declined.
func CheckAnswer(o Offer, user string, now domain.Time) (code string, details domain.Details) {
	if code, details = CheckLeave(o, user, now); code == "" && o.ExpiresAt == 0 {
		code = domain.NoOffer
	}
	return code, details
}

// JoinResult is what the response to a join shows.
type JoinResult struct {
	WaitingID string `json:"waitingId"`
	Position  int    `json:"position"`
}

// List is the entries without an offer. The zero value is empty. A user has at most one entry.
type List struct {
	entries    map[uint64]Entry
	byUser     map[string]uint64
	order      []uint64         // all sequences, rising
	byQuantity map[int][]uint64 // sequences, rising, without those passed over
	passedOver map[uint64]bool
}

// Add inserts e by its sequence, mostly at the end.
func (l *List) Add(e Entry) {
	if l.entries == nil {
		*l = List{entries: map[uint64]Entry{}, byUser: map[string]uint64{}, byQuantity: map[int][]uint64{}, passedOver: map[uint64]bool{}}
	}
	l.entries[e.Sequence], l.byUser[e.User] = e, e.Sequence
	l.order = insert(l.order, e.Sequence)
	l.byQuantity[e.Quantity] = insert(l.byQuantity[e.Quantity], e.Sequence)
}

// Remove removes an entry if it exists.
func (l *List) Remove(sequence uint64) {
	e, ok := l.entries[sequence]
	if !ok {
		return
	}
	delete(l.entries, sequence)
	delete(l.byUser, e.User)
	delete(l.passedOver, sequence)
	l.order = remove(l.order, sequence)
	l.removeQuantity(e)
}

func (l *List) removeQuantity(e Entry) {
	if rest := remove(l.byQuantity[e.Quantity], e.Sequence); len(rest) > 0 {
		l.byQuantity[e.Quantity] = rest
	} else {
		delete(l.byQuantity, e.Quantity)
	}
}

// PassOver says whether FirstFit passes over an entry, which keeps its place.
func (l *List) PassOver(sequence uint64, pass bool) {
	e, ok := l.entries[sequence]
	switch {
	case !ok || pass == l.passedOver[sequence]:
	case pass:
		l.passedOver[sequence] = true
		l.removeQuantity(e)
	default:
		delete(l.passedOver, sequence)
		l.byQuantity[e.Quantity] = insert(l.byQuantity[e.Quantity], sequence)
	}
}

// PassedOver says whether an entry is passed over.
func (l *List) PassedOver(sequence uint64) bool { return l.passedOver[sequence] }

// Entry returns the entry with this sequence.
func (l *List) Entry(sequence uint64) (Entry, bool) {
	e, ok := l.entries[sequence]
	return e, ok
}

// ByUser returns the user's entry.
func (l *List) ByUser(user string) (Entry, bool) {
	sequence, found := l.byUser[user]
	if !found {
		return Entry{}, false
	}
	return l.entries[sequence], true
}

// Len returns the number of entries.
func (l *List) Len() int { return len(l.order) }

// All returns the entries in their order.
func (l *List) All() []Entry {
	all := make([]Entry, len(l.order))
	for i, sequence := range l.order {
		all[i] = l.entries[sequence]
	}
	return all
}

// FirstFit returns the first entry whose quantity fits and that is not passed over; false when there is none. It calls fits once for each quantity.
func (l *List) FirstFit(fits func(quantity int) bool) (Entry, bool) {
	first, found := uint64(0), false
	for _, quantity := range slices.Sorted(maps.Keys(l.byQuantity)) {
		if head := l.byQuantity[quantity][0]; (!found || head < first) && fits(quantity) {
			first, found = head, true
		}
	}
	return l.entries[first], found
}

func insert(list []uint64, n uint64) []uint64 {
	i, _ := slices.BinarySearch(list, n)
	return slices.Insert(list, i, n)
}

// remove is free for the first entry, which leaves most often.
func remove(list []uint64, n uint64) []uint64 {
	i, found := slices.BinarySearch(list, n)
	switch {
	case !found:
		return list
	case i == 0:
		return list[1:]
	}
	return slices.Delete(list, i, i+1)
}
