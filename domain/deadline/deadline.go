// Package deadline keeps what log time will change without a command, in the one order in which every node emits it: by time,
// then by the sequence of the command that set it.
package deadline

import (
	"cmp"
	"container/heap"
	"iter"

	"onsale/domain"
)

// Deadline is a time at which something happens to Value.
type Deadline[T any] struct {
	At       domain.Time
	Sequence uint64 // of the command that set it
	Value    T
}

// Compare orders deadlines as their events are emitted.
func (d Deadline[T]) Compare(other Deadline[T]) int {
	return cmp.Or(cmp.Compare(d.At, other.At), cmp.Compare(d.Sequence, other.Sequence))
}

// Queue is all deadlines of a kind. What ended in another way leaves a stale deadline behind, which is dropped when it comes to
// the front.
type Queue[T any] struct {
	all    deadlines[T]
	active func(Deadline[T]) bool
}

// NewQueue returns an empty queue. active says whether a deadline still applies.
func NewQueue[T any](active func(Deadline[T]) bool) *Queue[T] { return &Queue[T]{active: active} }

// Add adds a deadline.
func (q *Queue[T]) Add(d Deadline[T]) { heap.Push(&q.all, d) }

// First returns the next active deadline; false when there is none. It drops the stale ones before it.
func (q *Queue[T]) First() (Deadline[T], bool) {
	for len(q.all) > 0 {
		if q.active(q.all[0]) {
			return q.all[0], true
		}
		heap.Pop(&q.all)
	}
	return Deadline[T]{}, false
}

// Due yields the active deadlines at or before now, in no order: it walks the heap only as far as that.
func (q *Queue[T]) Due(now domain.Time) iter.Seq[Deadline[T]] {
	return func(yield func(Deadline[T]) bool) {
		var walk func(i int) bool
		walk = func(i int) bool {
			if i >= len(q.all) || q.all[i].At > now {
				return true
			}
			return (!q.active(q.all[i]) || yield(q.all[i])) && walk(2*i+1) && walk(2*i+2)
		}
		walk(0)
	}
}

// deadlines is the heap of a queue.
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
