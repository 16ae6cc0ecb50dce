// Saying everything that a store holds, in one order, so that two can be compared line by line.

package projections

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// Dump writes one line for each row: bucket, key and value. The outbox and the checkpoint are left out: they say how far
// this store's own work has come, not what is so.
func (s *Store) Dump(w io.Writer) error {
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
		fmt.Fprintf(out, "events %d now %s hash %s\n", cp.events, cp.now, cp.hash)
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

// Difference is the first line in which two stores differ; "" when they are equal.
func Difference(a, b *Store) (string, error) {
	var dumps [2]bytes.Buffer
	for i, s := range []*Store{a, b} {
		if err := s.Dump(&dumps[i]); err != nil {
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
	var checkpoints [2]checkpoint
	for i, store := range []*Store{s, other} {
		err := store.view(func(tx *bolt.Tx) (err error) {
			checkpoints[i], err = readCheckpoint(tx)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return int64(checkpoints[1].events) - int64(checkpoints[0].events), nil
}
