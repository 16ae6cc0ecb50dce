// Looking at a file before it is trusted.
package projections

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

func openFailure(path string, err error) error {
	if errors.Is(err, bolterrors.ErrTimeout) {
		return fmt.Errorf("read store %s is held by another process", path)
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", errDamaged, path, err)
}

// probe reads a whole file before it is opened for writing: read, and then what read leaves out. Opening walks all pages in a
// goroutine of bbolt's own, and a damaged page is a panic there, which nobody can catch; a page met here is only an error.
func probe(path string, read func(*bolt.Tx) error, but ...[]byte) error {
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: 2 * time.Second})
	if err != nil {
		return openFailure(path, err)
	}
	defer db.Close()
	return (&Store{db, path}).view(func(tx *bolt.Tx) error {
		if err := read(tx); err != nil {
			return err
		}
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			if slices.ContainsFunc(but, func(read []byte) bool { return bytes.Equal(read, name) }) {
				return nil
			}
			return walk(b)
		})
	})
}

// walk meets every key of a bucket and of those within. They must rise.
func walk(b *bolt.Bucket) error {
	var before []byte
	return b.ForEach(func(k, v []byte) error {
		if before != nil && bytes.Compare(before, k) >= 0 {
			return fmt.Errorf("%w: its keys are out of order", errDamaged)
		}
		if before = k; v == nil {
			return walk(b.Bucket(k))
		}
		return nil
	})
}
