// Package waiting keeps a line of people who wait for something to come back. The first whose wish can be met gets it: one who
// wants two does not keep a single one from those behind.
package waitlist

import (
	"maps"
	"slices"
)

// Entry is one place in a line.
type Entry struct {
	Sequence uint64 `json:"sequence"` // of the command that joined: the order of the line
	User     string `json:"user"`
	Quantity int    `json:"quantity"`
}

// List is one waiting list. The zero value is empty. A user stands in it once.
type List struct {
	entries    map[uint64]Entry
	byUser     map[string]uint64
	order      []uint64         // all sequences, rising
	byQuantity map[int][]uint64 // those who want so many, rising
}

// Add puts e into its place, which is mostly the last.
func (l *List) Add(e Entry) {
	if l.entries == nil {
		*l = List{entries: map[uint64]Entry{}, byUser: map[string]uint64{}, byQuantity: map[int][]uint64{}}
	}
	l.entries[e.Sequence], l.byUser[e.User] = e, e.Sequence
	l.order = insert(l.order, e.Sequence)
	l.byQuantity[e.Quantity] = insert(l.byQuantity[e.Quantity], e.Sequence)
}

// Remove takes the place away, if there is such.
func (l *List) Remove(sequence uint64) {
	e, ok := l.entries[sequence]
	if !ok {
		return
	}
	delete(l.entries, sequence)
	delete(l.byUser, e.User)
	l.order = remove(l.order, sequence)
	if rest := remove(l.byQuantity[e.Quantity], sequence); len(rest) > 0 {
		l.byQuantity[e.Quantity] = rest
	} else {
		delete(l.byQuantity, e.Quantity)
	}
}

// Entry is the place of this sequence.
func (l *List) Entry(sequence uint64) (Entry, bool) {
	e, ok := l.entries[sequence]
	return e, ok
}

// ByUser is the user's place.
func (l *List) ByUser(user string) (Entry, bool) {
	sequence, found := l.byUser[user]
	if !found {
		return Entry{}, false
	}
	return l.entries[sequence], true
}

// Len is how many wait.
func (l *List) Len() int { return len(l.order) }

// Position is how many wait up to and with this sequence; for the next to come it is Len.
func (l *List) Position(sequence uint64) int {
	i, found := slices.BinarySearch(l.order, sequence)
	if found {
		i++
	}
	return i
}

// All are all places in their order.
func (l *List) All() []Entry {
	all := make([]Entry, len(l.order))
	for i, sequence := range l.order {
		all[i] = l.entries[sequence]
	}
	return all
}

// FirstFit is the first whose wish fits; false when none does. fits is asked once for each quantity that somebody wants.
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

// remove costs nothing for the first, who leaves most often.
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

// JoinResult is what the response to a join shows.
type JoinResult struct {
	WaitingID string `json:"waitingId"`
	Position  int    `json:"position"`
}
