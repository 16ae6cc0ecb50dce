// The two meta pages of a file. bbolt writes them by turns, one for each transaction, so one is that of the transaction before the last.

package store

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"os"
	"slices"
)

// metaPage is a valid one of the two: a transaction's.
type metaPage struct {
	offset      int64
	pageSize    uint64
	root        uint64 // page of the root bucket
	freelist    uint64 // page
	pages       uint64 // in use
	transaction uint64
}

// readMetas finds the valid meta pages, at least one, the newest first.
func readMetas(file *os.File) (metas []metaPage, err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	buffer := make([]byte, pageHeader+metaSize)
	for offset := int64(0); offset <= maxPageSize && offset+int64(len(buffer)) <= info.Size(); offset = max(1024, 2*offset) {
		if _, err := file.ReadAt(buffer, offset); err != nil {
			return nil, err
		}
		meta := buffer[pageHeader:]
		sum := fnv.New64a()
		sum.Write(meta[:metaSize-8])
		if native.Uint32(meta) != boltMagic || native.Uint32(meta[4:]) != boltVersion || native.Uint64(meta[metaSize-8:]) != sum.Sum64() {
			continue
		}
		size := uint64(native.Uint32(meta[8:]))
		if offset != 0 && uint64(offset) != size {
			continue // not page 1
		}
		metas = append(metas, metaPage{offset, size, native.Uint64(meta[16:]), native.Uint64(meta[32:]), native.Uint64(meta[40:]), native.Uint64(meta[48:])})
	}
	if len(metas) == 0 {
		return nil, fmt.Errorf("%w: both meta pages are invalid", ErrDamaged)
	}
	slices.SortFunc(metas, func(a, b metaPage) int { return cmp.Compare(b.transaction, a.transaction) })
	return metas, nil
}
