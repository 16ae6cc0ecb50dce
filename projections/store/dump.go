// Comparing two stores by a dump of their rows.

package store

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// dump writes one line per row: bucket, key and value. The outbox and most of the checkpoint are left out: they depend on how far
// this node has published, not on EVENTS.
func (s *Store) dump(w io.Writer) error {
	out := bufio.NewWriter(w)
	err := s.view(func(tx *bolt.Tx) error {
		for _, name := range buckets {
			if string(name) == string(bucketOutbox) || string(name) == string(bucketMeta) {
				continue
			}
			if err := dumpBucket(out, string(name), tx.Bucket(name)); err != nil {
				return err
			}
		}
		cp, err := readCheckpoint(tx)
		fmt.Fprintf(out, "events %d now %s hash %s\n", cp.Events, cp.Now, cp.Hash)
		return err
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

func dumpBucket(w io.Writer, name string, b *bolt.Bucket) error {
	return b.ForEach(func(k, v []byte) error {
		if v == nil {
			inner := b.Bucket(k)
			return dumpBucket(w, fmt.Sprintf("%s %s", name, k), inner)
		}
		_, err := fmt.Fprintf(w, "%s %q %q\n", name, k, v)
		return err
	})
}

// Difference is the first row in which two stores differ; "": they are equal.
func Difference(a, b *Store) (string, error) {
	var dumps [2]bytes.Buffer
	for i, s := range []*Store{a, b} {
		if err := s.dump(&dumps[i]); err != nil {
			return "", err
		}
	}
	if bytes.Equal(dumps[0].Bytes(), dumps[1].Bytes()) {
		return "", nil
	}
	one, other := strings.Split(dumps[0].String(), "\n"), strings.Split(dumps[1].String(), "\n")
	for i := range max(len(one), len(other)) {
		var x, y string
		if i < len(one) {
			x = one[i]
		}
		if i < len(other) {
			y = other[i]
		}
		if x != y {
			return fmt.Sprintf("%s\n%s", x, y), nil
		}
	}
	return "", nil
}

// EventsBehind is how many events this store lacks of what the other has; negative when it has more.
func (s *Store) EventsBehind(other *Store) (int64, error) {
	ours, err := s.Checkpoint()
	theirs, otherErr := other.Checkpoint()
	return int64(theirs.Events) - int64(ours.Events), errors.Join(err, otherErr)
}
