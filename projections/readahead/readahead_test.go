package readahead

import (
	"errors"
	"iter"
	"testing"
	"time"
)

// count yields the numbers below n, and then err, if it is one; stopped is closed when it has ended.
func count(n int, err error, stopped chan struct{}) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		defer close(stopped)
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if err != nil {
			yield(0, err)
		}
	}
}

func TestSeq_YieldsAllInOrder(t *testing.T) {
	failure := errors.New("torn")
	for _, n := range []int{0, 1, batchSize - 1, batchSize, 20*batchSize + 3} {
		for _, want := range []error{nil, failure} {
			next, got := 0, error(nil)
			for value, err := range Seq(count(n, want, make(chan struct{}))) {
				if got != nil {
					t.Fatal("went on after an error")
				}
				if got = err; err != nil {
					continue
				}
				if value != next {
					t.Fatalf("got %d, want %d", value, next)
				}
				next++
			}
			if next != n || got != want {
				t.Errorf("%d values of %d, error %v, want %v", next, n, got, want)
			}
		}
	}
}

func TestSeq_StopsWithItsReader(t *testing.T) {
	for _, readers := range []int{1, batchSize + 1} {
		stopped := make(chan struct{})
		for value := range Seq(count(1_000_000_000, nil, stopped)) {
			if value == readers {
				break
			}
		}
		select {
		case <-stopped:
		case <-time.After(30 * time.Second):
			t.Fatal("the iterator goes on without a reader")
		}
	}
}
