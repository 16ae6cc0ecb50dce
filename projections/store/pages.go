// Verifying a file: every page that can be reached, every row and the digest, read from the file and not through the mapping.
// bbolt trusts its pages: a truncated file faults, a wrong page number leads to another bucket's rows or into an endless loop, and a
// wrong key hides rows. The format is that of bbolt's version 2.

package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

const (
	boltMagic, boltVersion = 0xED0CDAED, 2
	pageHeader             = 16 // id 8, flags 2, count 2, overflow 4
	branchFlag, leafFlag   = 1, 2
	freelistFlag           = 16
	noFreelist             = math.MaxUint64
	elementSize            = 16       // of a leaf: flags, position, key size, value size; of a branch: position, key size, page
	bucketHeader           = 16       // root page, 0: the page follows; sequence
	metaSize               = 64       // magic, version, page size, flags, root bucket, free list, pages, transaction, checksum
	maxPageSize            = 16 << 20 // bbolt's
)

var native = binary.NativeEndian

// pageReader walks the pages of a file.
type pageReader struct {
	file    *os.File
	size    uint64 // of a page
	pages   uint64 // in use
	visited []atomic.Bool
	free    [][]byte // buffers of single pages
	serial  bool     // others read the pages beside it

	digest     uint64
	outbox     numberRange
	hasEpoch   bool
	written    uint64 // the transaction, as its row says
	checkpoint Checkpoint
	badRow     error // the first row with a wrong checksum
}

// verifyPages reads the whole file, as of its last transaction. The errors are ErrDamaged, ErrLayout and the operating system's.
func verifyPages(file *os.File) error {
	metas, err := readMetas(file)
	if err != nil {
		return err
	}
	return metas[0].verify(file)
}

// verify reads all that the transaction has.
func (m metaPage) verify(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if m.pages > uint64(info.Size())/m.pageSize {
		return fmt.Errorf("%w: it has %d bytes, and pages up to %d", ErrDamaged, info.Size(), m.pages*m.pageSize)
	}
	r := pageReader{file: file, size: m.pageSize, pages: m.pages, visited: make([]atomic.Bool, m.pages)}
	if err := r.bucket(nil, m.root, nil); err != nil {
		return err
	}
	if m.freelist != noFreelist {
		if err := r.freelist(m.freelist); err != nil {
			return err
		}
	}
	if r.badRow != nil {
		return r.badRow
	}
	if !r.hasEpoch {
		return fmt.Errorf("%w: it has no epoch", ErrDamaged)
	}
	if r.written != m.transaction {
		return fmt.Errorf("%w: its pages are of transaction %d, not %d", ErrDamaged, r.written, m.transaction)
	}
	if r.digest != r.checkpoint.digest {
		return fmt.Errorf("%w: its rows are not those of its checkpoint: one is missing, or of another time", ErrDamaged)
	}
	if o := r.outbox; o.count > 0 && (o.last != r.checkpoint.Events || o.count != o.last-o.first+1) {
		return fmt.Errorf("%w: its outbox has %d rows from %d to %d, and the last event is %d", ErrDamaged, o.count, o.first, o.last, r.checkpoint.Events)
	}
	return nil
}

// numberRange is which numbers there are, if none is missing.
type numberRange struct{ first, last, count uint64 }

func (r *numberRange) add(other numberRange) {
	switch {
	case other.count == 0:
	case r.count == 0:
		*r = other
	default:
		*r = numberRange{min(r.first, other.first), max(r.last, other.last), r.count + other.count}
	}
}

// freelist verifies the list of free pages, which a store has that was closed: all pages that no bucket has, in their order. bbolt will
// write to them.
func (r *pageReader) freelist(id uint64) error {
	page, err := r.read(id)
	if err != nil {
		return err
	}
	list, count := page[pageHeader:], uint64(native.Uint16(page[10:]))
	if count == math.MaxUint16 { // the first number is how many follow
		count, list = native.Uint64(list), list[8:]
	}
	if native.Uint16(page[8:]) != freelistFlag || count > uint64(len(list))/8 {
		return fmt.Errorf("%w: page %d is no list of free pages", ErrDamaged, id)
	}
	for n := uint64(2); n < r.pages; n++ {
		if r.visited[n].Load() {
			continue
		}
		if count == 0 || native.Uint64(list) != n {
			return fmt.Errorf("%w: its list of free pages lacks page %d", ErrDamaged, n)
		}
		count, list = count-1, list[8:]
	}
	if count > 0 {
		return fmt.Errorf("%w: its list of free pages has pages that are in use", ErrDamaged)
	}
	return nil
}

// bucket verifies the bucket with this path, whose root page is root; 0: it is inline.
func (r *pageReader) bucket(path [][]byte, root uint64, inline []byte) error {
	if root == 0 {
		if len(inline) < pageHeader || native.Uint16(inline[8:]) != leafFlag {
			return fmt.Errorf("%w: bucket %q has no page", ErrDamaged, path)
		}
		return r.leaf(path, inline, nil, nil)
	}
	return r.page(path, root, nil, nil)
}

// page verifies page id and those below. Its keys are not before first, and before end; nil: any.
func (r *pageReader) page(path [][]byte, id uint64, first, end []byte) error {
	page, err := r.read(id)
	if err != nil {
		return err
	}
	defer func() {
		if uint64(len(page)) == r.size {
			r.free = append(r.free, page)
		}
	}()
	switch native.Uint16(page[8:]) {
	case leafFlag:
		return r.leaf(path, page, first, end)
	case branchFlag:
		return r.branch(path, page, first, end)
	}
	return fmt.Errorf("%w: page %d is neither leaf nor branch", ErrDamaged, id)
}

func (r *pageReader) read(id uint64) ([]byte, error) {
	if id < 2 || id >= r.pages {
		return nil, fmt.Errorf("%w: page %d is not one of its %d", ErrDamaged, id, r.pages)
	}
	page := r.buffer()
	if _, err := r.file.ReadAt(page, int64(id*r.size)); err != nil {
		return nil, readError(err)
	}
	end := id + 1 + uint64(native.Uint32(page[12:]))
	if native.Uint64(page) != id || end > r.pages {
		return nil, fmt.Errorf("%w: page %d has the head of another", ErrDamaged, id)
	}
	for n := id; n < end; n++ {
		if r.visited[n].Swap(true) {
			return nil, fmt.Errorf("%w: page %d belongs to two", ErrDamaged, id)
		}
	}
	if end-id == 1 {
		return page, nil
	}
	whole := make([]byte, (end-id)*r.size)
	copy(whole, page)
	r.free = append(r.free, page)
	_, err := r.file.ReadAt(whole[r.size:], int64((id+1)*r.size))
	return whole, readError(err)
}

// buffer has room for one page.
func (r *pageReader) buffer() []byte {
	last := len(r.free) - 1
	if last < 0 {
		return make([]byte, r.size)
	}
	page := r.free[last]
	r.free = r.free[:last]
	return page
}

// readError: the file is shorter than it was a moment ago.
func readError(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// elements visits the elements of a page with their keys, which must rise from first on and end before end.
func elements(page, first, end []byte, visit func(i int, element, key, behind []byte) error) error {
	count := int(native.Uint16(page[10:]))
	if pageHeader+count*elementSize > len(page) {
		return fmt.Errorf("%w: a page with %d elements", ErrDamaged, count)
	}
	leaf := native.Uint16(page[8:]) == leafFlag
	previous := first
	for i := range count {
		element := page[pageHeader+i*elementSize:]
		head := element
		if leaf {
			head = element[4:] // flags come first
		}
		position, size := uint64(native.Uint32(head)), uint64(native.Uint32(head[4:]))
		if position+size > uint64(len(element)) {
			return fmt.Errorf("%w: a key lies outside its page", ErrDamaged)
		}
		key := element[position : position+size]
		rising := bytes.Compare(previous, key)
		if rising > 0 || i > 0 && rising == 0 || end != nil && bytes.Compare(key, end) >= 0 {
			return fmt.Errorf("%w: its keys are out of order", ErrDamaged)
		}
		if err := visit(i, element, key, element[position+size:]); err != nil {
			return err
		}
		previous = key
	}
	return nil
}

func (r *pageReader) branch(path [][]byte, page, first, end []byte) error {
	type child struct {
		id  uint64
		key []byte
	}
	var children []child
	err := elements(page, first, end, func(_ int, element, key, _ []byte) error {
		children = append(children, child{native.Uint64(element[8:]), key})
		return nil
	})
	if err == nil && len(children) == 0 {
		err = fmt.Errorf("%w: a branch page without elements", ErrDamaged)
	}
	if err != nil {
		return err
	}
	verify := func(r *pageReader, i int) error {
		below := end
		if i+1 < len(children) {
			below = children[i+1].key
		}
		return r.page(path, children[i].id, children[i].key, below)
	}
	if !r.serial && len(children) >= 4 {
		return r.inParallel(len(children), verify)
	}
	for i := range children {
		if err := verify(r, i); err != nil {
			return err
		}
	}
	return nil
}

// inParallel verifies parts of a bucket by as many goroutines as there are processors.
func (r *pageReader) inParallel(parts int, verify func(r *pageReader, part int) error) error {
	readers := make([]pageReader, min(parts, runtime.GOMAXPROCS(0)))
	var group errgroup.Group
	var next atomic.Int64
	for i := range readers {
		reader := &readers[i]
		*reader = pageReader{file: r.file, size: r.size, pages: r.pages, visited: r.visited, serial: true}
		group.Go(func() error {
			for part := next.Add(1) - 1; part < int64(parts); part = next.Add(1) - 1 {
				if err := verify(reader, int(part)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	for i := range readers {
		r.digest += readers[i].digest
		r.outbox.add(readers[i].outbox)
		if r.badRow == nil {
			r.badRow = readers[i].badRow
		}
	}
	return err
}

func (r *pageReader) leaf(path [][]byte, page, first, end []byte) error {
	var sum rowSum
	switch len(path) {
	case 1:
		sum = sumOfPath(path[0], nil)
	case 2:
		sum = sumOfPath(path[0], path[1])
	}
	return elements(page, first, end, func(_ int, element, key, behind []byte) error {
		size := uint64(native.Uint32(element[12:]))
		if size > uint64(len(behind)) {
			return fmt.Errorf("%w: a value lies outside its page", ErrDamaged)
		}
		value := behind[:size]
		switch flags := native.Uint32(element); {
		case flags == 1 && size >= bucketHeader && len(path) < 2:
			return r.bucket(append(slices.Clone(path), key), native.Uint64(value), value[bucketHeader:])
		case flags == 0 && len(path) > 0:
			return r.row(path[0], sum, key, value)
		}
		return fmt.Errorf("%w: %q is neither row nor bucket", ErrDamaged, key)
	})
}

func (r *pageReader) row(bucket []byte, sum rowSum, key, stored []byte) error {
	isMeta := bytes.Equal(bucket, bucketMeta)
	if isMeta && bytes.Equal(key, keyEpoch) {
		r.hasEpoch = true
		if err := checkLayout(stored); err != nil {
			return err
		}
	}
	v, rowSum, ok := sum.verifiedSum(key, stored)
	if !ok {
		if r.badRow == nil { // the layout may be another, and not have checksums
			r.badRow = fmt.Errorf("%w: row %q of %s has a wrong checksum", ErrDamaged, key, bucket)
		}
		return nil
	}
	if bytes.Equal(bucket, bucketOutbox) && len(key) == 8 {
		r.outbox.add(numberRange{number(key), number(key), 1})
	}
	if inDigest(bucket) {
		r.digest += rowSum.share()
	}
	switch {
	case isMeta && bytes.Equal(key, keyCheckpoint):
		var err error
		r.checkpoint, err = decodeCheckpoint(v)
		return err
	case isMeta && bytes.Equal(key, keyTransaction) && len(v) == 8:
		r.written = number(v)
	}
	return nil
}
