// Torn transactions. bbolt syncs twice for each: the pages, and then the meta page that names them. Both are on the way of every
// outcome, so here one sync serves both, and a power loss can leave the meta page on the disk without all of the pages. Open finds that
// out: it reads every page, and the rows have to add up to the digest in their checkpoint, or, in the outbox, to its chain of hashes. Then
// the transaction before is whole: it was synced before this one began, and bbolt writes to none of its pages until the one that
// replaces them is committed.

package store

import (
	"errors"
	"os"
)

// RevertTorn returns a file that Open found damaged to the transaction before its last, and reports whether that is whole. Otherwise
// nothing is changed. It is for a file that was in use when the machine stopped; no outcome of a transaction was published before its sync.
func RevertTorn(path string) (whole bool, err error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false, openError(path, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	metas, err := readMetas(file)
	if err != nil || len(metas) < 2 || metas[1].transaction+1 != metas[0].transaction {
		return false, ignoreDamage(err)
	}
	if err := metas[1].verify(file); err != nil {
		return false, ignoreDamage(err)
	}
	if _, err := file.WriteAt(make([]byte, metaSize), metas[0].offset+pageHeader); err != nil {
		return false, openError(path, err)
	}
	return true, file.Sync()
}

func ignoreDamage(err error) error {
	if errors.Is(err, ErrDamaged) || errors.Is(err, ErrLayout) {
		return nil
	}
	return err
}
