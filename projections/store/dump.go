// Comparing two stores row by row.

package store

import (
	"bytes"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// walk visits all rows that are a function of EVENTS. The outbox and most of the checkpoint are left out: they depend on how far this
// node has published.
type walk struct {
	tx      *transaction
	buckets [][]byte // that are left
	stack   []walkedBucket
}

type walkedBucket struct {
	path   string
	bucket *bolt.Bucket
	cursor *bolt.Cursor
	begun  bool
}

// walkedRow is a row with the path of its bucket. The last one has the checkpoint as its path.
type walkedRow struct {
	path string
	k, v []byte
}

func (r walkedRow) equal(other walkedRow) bool {
	return r.path == other.path && bytes.Equal(r.k, other.k) && bytes.Equal(r.v, other.v)
}

func (r walkedRow) String() string {
	if r.k == nil {
		return r.path
	}
	return fmt.Sprintf("%s %q %q", r.path, r.k, r.v)
}

func (w *walk) enter(path string, b *bolt.Bucket) {
	w.stack = append(w.stack, walkedBucket{path: path, bucket: b, cursor: b.Cursor()})
}

// next returns the next row; false after the last.
func (w *walk) next() (walkedRow, bool) {
	for {
		if len(w.stack) == 0 {
			if len(w.buckets) == 0 {
				return walkedRow{}, false
			}
			name := w.buckets[0]
			w.buckets = w.buckets[1:]
			if !bytes.Equal(name, bucketOutbox) && !bytes.Equal(name, bucketMeta) {
				w.enter(string(name), w.tx.Tx.Bucket(name))
			}
			continue
		}
		top := &w.stack[len(w.stack)-1]
		move := top.cursor.Next
		if !top.begun {
			move, top.begun = top.cursor.First, true
		}
		switch k, v := move(); {
		case k == nil:
			w.stack = w.stack[:len(w.stack)-1]
		case v == nil:
			w.enter(fmt.Sprintf("%s %s", top.path, k), top.bucket.Bucket(k))
		default:
			return walkedRow{top.path, k, v}, true
		}
	}
}

// Equal says that two stores have the same rows, by their digests, without reading them: Open has compared the rows of a with its digest,
// and Rebuild has just written those of b.
func Equal(a, b *Store) (bool, error) {
	ours, err := a.Checkpoint()
	theirs, otherErr := b.Checkpoint()
	return ours.Events == theirs.Events && ours.Now == theirs.Now && ours.Hash == theirs.Hash && ours.digest == theirs.digest, errors.Join(err, otherErr)
}

// Difference is the first row in which two stores differ, a line of each; "": they are equal.
func Difference(a, b *Store) (difference string, err error) {
	err = a.view(func(ours *transaction) error {
		return b.view(func(theirs *transaction) (err error) {
			difference, err = firstDifference(ours, theirs)
			return err
		})
	})
	return difference, err
}

func firstDifference(a, b *transaction) (string, error) {
	ours, theirs := walk{tx: a, buckets: buckets}, walk{tx: b, buckets: buckets}
	for {
		one, more := ours.next()
		other, otherMore := theirs.next()
		if !more || !otherMore {
			var err, otherErr error
			if !more {
				one, err = checkpointRow(a)
			}
			if !otherMore {
				other, otherErr = checkpointRow(b)
			}
			if err := errors.Join(err, otherErr); err != nil {
				return "", err
			}
		}
		if !one.equal(other) {
			return one.String() + "\n" + other.String(), nil
		}
		if !more {
			return "", nil
		}
	}
}

func checkpointRow(tx *transaction) (walkedRow, error) {
	cp, err := readCheckpoint(tx)
	return walkedRow{path: fmt.Sprintf("events %d now %s hash %s", cp.Events, cp.Now, cp.Hash)}, err
}

// EventsBehind is how many events this store lacks of what the other has; negative when it has more.
func (s *Store) EventsBehind(other *Store) (int64, error) {
	ours, err := s.Checkpoint()
	theirs, otherErr := other.Checkpoint()
	return int64(theirs.Events) - int64(ours.Events), errors.Join(err, otherErr)
}
