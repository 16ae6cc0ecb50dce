// Comparing two stores by a dump of their rows.

package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// dump is one line per row: bucket, key and value. The outbox and most of the checkpoint are left out: they depend on how far
// this node has published, not on EVENTS.
func (s *Store) dump() (lines []string, err error) {
	err = s.view(func(tx *transaction) error {
		for _, name := range buckets {
			if !bytes.Equal(name, bucketOutbox) && !bytes.Equal(name, bucketMeta) {
				lines = appendBucket(lines, string(name), tx.Tx.Bucket(name))
			}
		}
		cp, err := readCheckpoint(tx)
		lines = append(lines, fmt.Sprintf("events %d now %s hash %s", cp.Events, cp.Now, cp.Hash))
		return err
	})
	return lines, err
}

func appendBucket(lines []string, name string, b *bolt.Bucket) []string {
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if v == nil {
			lines = appendBucket(lines, fmt.Sprintf("%s %s", name, k), b.Bucket(k))
		} else {
			lines = append(lines, fmt.Sprintf("%s %q %q", name, k, v))
		}
	}
	return lines
}

// Difference is the first row in which two stores differ, a line of each; "": they are equal.
func Difference(a, b *Store) (string, error) {
	ours, err := a.dump()
	theirs, otherErr := b.dump()
	if err := errors.Join(err, otherErr); err != nil || slices.Equal(ours, theirs) {
		return "", err
	}
	first := 0 // the last line, the checkpoint, is never missing
	for first < min(len(ours), len(theirs))-1 && ours[first] == theirs[first] {
		first++
	}
	return ours[first] + "\n" + theirs[first], nil
}

// EventsBehind is how many events this store lacks of what the other has; negative when it has more.
func (s *Store) EventsBehind(other *Store) (int64, error) {
	ours, err := s.Checkpoint()
	theirs, otherErr := other.Checkpoint()
	return int64(theirs.Events) - int64(ours.Events), errors.Join(err, otherErr)
}
