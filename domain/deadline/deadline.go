// Package due keeps what log time will change by itself, in the one order in which everybody tells it: by the time at
// which it is due, then by the place in line of the command that set it.
package deadline

import (
	"cmp"
	"container/heap"
	"iter"

	"onsale/domain"
)

// Deadline is a moment at which What is over.
type Deadline[T any] struct {
	At       domain.Time
	Sequence uint64 // of the command that set it
	Value    T
}

// Compare is the order of telling.
func (d Deadline[T]) Compare(other Deadline[T]) int {
	return cmp.Or(cmp.Compare(d.At, other.At), cmp.Compare(d.Sequence, other.Sequence))
}

// Queue is all deadlines of a kind. What ended otherwise leaves its deadline behind: it no longer stands, and is passed
// over when it is due.
type Queue[T any] struct {
	all    deadlines[T]
	active func(Deadline[T]) bool
}

// NewQueue is empty. stands says whether a deadline still means something.
func NewQueue[T any](active func(Deadline[T]) bool) *Queue[T] { return &Queue[T]{active: active} }

// Add puts a deadline in its place.
func (l *Queue[T]) Add(d Deadline[T]) { heap.Push(&l.all, d) }

// First is the next one that stands; false when there is none. Those before it are forgotten.
func (l *Queue[T]) First() (Deadline[T], bool) {
	for len(l.all) > 0 {
		if l.active(l.all[0]) {
			return l.all[0], true
		}
		heap.Pop(&l.all)
	}
	return Deadline[T]{}, false
}

// Due are the standing ones at or before now, in no order, found by walking down the heap as far as it is due.
func (l *Queue[T]) Due(now domain.Time) iter.Seq[Deadline[T]] {
	return func(yield func(Deadline[T]) bool) {
		var walk func(i int) bool
		walk = func(i int) bool {
			if i >= len(l.all) || l.all[i].At > now {
				return true
			}
			return (!l.active(l.all[i]) || yield(l.all[i])) && walk(2*i+1) && walk(2*i+2)
		}
		walk(0)
	}
}

// deadlines is the heap.
type deadlines[T any] []Deadline[T]

func (d deadlines[T]) Len() int           { return len(d) }
func (d deadlines[T]) Less(i, j int) bool { return d[i].Compare(d[j]) < 0 }
func (d deadlines[T]) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *deadlines[T]) Push(x any)        { *d = append(*d, x.(Deadline[T])) }
func (d *deadlines[T]) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}
