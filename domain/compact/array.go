package compact

import "iter"

const chunkSize = 8192 // entries: chunks of any size fill whole pages of the allocator

// Array is a list that grows without copying what it has. T has no pointers. The zero value is empty.
type Array[T any] struct {
	chunks [][]T // all but the last are full
}

// Len returns the number of entries.
func (a *Array[T]) Len() int {
	last := len(a.chunks) - 1
	if last < 0 {
		return 0
	}
	return last*chunkSize + len(a.chunks[last])
}

// Append adds an entry.
func (a *Array[T]) Append(entry T) {
	last := len(a.chunks) - 1
	if last < 0 || len(a.chunks[last]) == chunkSize {
		a.chunks = append(a.chunks, nil)
		last++
		if last > 0 { // only the first one grows, since many arrays stay small
			a.chunks[last] = make([]T, 0, chunkSize)
		}
	}
	a.chunks[last] = append(a.chunks[last], entry)
}

// At points to entry i, from 0 on, until the next Append.
func (a *Array[T]) At(i int) *T { return &a.chunks[i/chunkSize][i%chunkSize] }

// All yields the entries in order.
func (a *Array[T]) All() iter.Seq2[int, *T] {
	return func(yield func(int, *T) bool) {
		for i := range a.Len() {
			if !yield(i, a.At(i)) {
				return
			}
		}
	}
}
