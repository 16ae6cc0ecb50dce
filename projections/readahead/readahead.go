// Package readahead runs an iterator in a goroutine of its own, some batches ahead of its reader: long logs are read and decoded on one
// processor while another one works on what was read before.
package readahead

import "iter"

const (
	batchSize = 256 // a hand-over between goroutines costs as much as decoding a few entries
	batches   = 8   // that wait for the reader
)

type entry[T any] struct {
	value T
	err   error
}

// Seq yields what seq yields, up to the first error. seq must end by itself: values are handed over in batches, the last of which comes
// with the end. If the reader stops early, seq is stopped at the end of its batch; until then it may go on in its goroutine.
func Seq[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		read, stop := make(chan []entry[T], batches), make(chan struct{})
		defer close(stop)
		go func() {
			defer close(read)
			batch := make([]entry[T], 0, batchSize)
			send := func() bool {
				select {
				case read <- batch:
					batch = make([]entry[T], 0, batchSize)
					return true
				case <-stop:
					return false
				}
			}
			for value, err := range seq {
				batch = append(batch, entry[T]{value, err})
				if (err != nil || len(batch) == batchSize) && !send() || err != nil {
					return
				}
			}
			send()
		}()
		for batch := range read {
			for _, e := range batch {
				if !yield(e.value, e.err) {
					return
				}
			}
		}
	}
}
