// Rows: the only place that writes and reads the values of bbolt's buckets. Every value ends with a checksum of its bucket's path,
// its key and itself, which is verified whenever the row is read.

package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"runtime"
	"runtime/debug"
	"strings"

	bolt "go.etcd.io/bbolt"

	"onsale/domain/compact"
)

const checksumSize = 4

// damage is what a read of a damaged row panics with; update and view make it ErrDamaged.
type damage string

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// rowSum hashes a row: the upper half is its checksum, and the mixed whole is its share of the digest.
type rowSum struct{ castagnoli, ieee uint32 }

func (s rowSum) add(p []byte) rowSum {
	return rowSum{crc32.Update(s.castagnoli, castagnoli, p), crc32.Update(s.ieee, crc32.IEEETable, p)}
}

// sumOfPath begins the sum of the rows of a bucket; within is "" but for buckets in a bucket.
func sumOfPath(name, within []byte) rowSum {
	return rowSum{}.add(name).add([]byte{0}).add(within).add([]byte{0})
}

func (s rowSum) row(k, v []byte) rowSum { return s.add(k).add(v) }

// share is the row's share of the digest: CRCs of similar rows are similar sums, so they are mixed.
func (s rowSum) share() uint64 {
	return compact.Mix(uint64(s.castagnoli)<<32 | uint64(s.ieee))
}

// splitRow separates a stored value and its checksum; false: the row is damaged.
func (s rowSum) splitRow(k, stored []byte) (v []byte, ok bool) {
	if len(stored) < checksumSize {
		return nil, false
	}
	v = stored[: len(stored)-checksumSize : len(stored)-checksumSize]
	sum := crc32.Update(crc32.Update(s.castagnoli, castagnoli, k), castagnoli, v)
	return v, sum == binary.BigEndian.Uint32(stored[len(v):])
}

// verifiedSum is splitRow with the sum of the row.
func (s rowSum) verifiedSum(k, stored []byte) (v []byte, sum rowSum, ok bool) {
	if len(stored) < checksumSize {
		return nil, s, false
	}
	v = stored[: len(stored)-checksumSize : len(stored)-checksumSize]
	sum = s.row(k, v)
	return v, sum, sum.castagnoli == binary.BigEndian.Uint32(stored[len(v):])
}

// transaction is a transaction of bbolt whose buckets are tables.
type transaction struct {
	*bolt.Tx
	digest uint64 // by how much its writes change the digest
}

// table is a bucket. One that does not exist is empty.
type table struct {
	bucket *bolt.Bucket
	name   []byte
	sum    rowSum  // of its path
	digest *uint64 // nil: its rows are not in the digest
}

func (tx *transaction) table(name []byte) table {
	t := table{tx.Bucket(name), name, sumOfPath(name, nil), &tx.digest}
	if !inDigest(name) {
		t.digest = nil
	}
	return t
}

// inDigest says whether the rows of a bucket are in the digest. The checkpoint has the digest; the outbox is a chain of hashes that
// ends with the checkpoint's.
func inDigest(name []byte) bool {
	return string(name) != string(bucketMeta) && string(name) != string(bucketOutbox)
}

// within is the table id in a table of tables.
func (t table) within(id []byte) table {
	if t.bucket == nil {
		return t
	}
	return table{t.bucket.Bucket(id), t.name, sumOfPath(t.name, id), t.digest}
}

// create is the table id in a table of tables, which is created if need be.
func (t table) create(id []byte) (table, error) {
	b, err := t.bucket.CreateBucketIfNotExists(id)
	return table{b, t.name, sumOfPath(t.name, id), t.digest}, err
}

// appendOnly is a table whose keys only grow and whose rows stay as they are: its pages are filled.
func (t table) appendOnly() table {
	t.bucket.FillPercent = 1
	return t
}

// rising is a table whose keys only grow, and whose rows may grow later: its pages have some room left.
func (t table) rising() table {
	t.bucket.FillPercent = 0.9
	return t
}

// verified is the value of a row without its checksum.
func (t table) verified(k, stored []byte) []byte {
	if v, ok := t.sum.splitRow(k, stored); ok {
		return v
	}
	panic(damage(fmt.Sprintf("row %q of %s has a wrong checksum", k, t.name)))
}

// get is nil when there is no row.
func (t table) get(k []byte) []byte {
	if t.bucket == nil {
		return nil
	}
	stored := t.bucket.Get(k)
	if stored == nil {
		return nil
	}
	return t.verified(k, stored)
}

// put writes a row, new or not.
func (t table) put(k, v []byte) error {
	if t.digest == nil {
		return t.putNew(k, v)
	}
	return t.replace(k, t.get(k), v)
}

// replace writes a row whose value was old; nil: there was none.
func (t table) replace(k, old, v []byte) error {
	if old != nil && t.digest != nil {
		*t.digest -= t.sum.row(k, old).share()
	}
	return t.putNew(k, v)
}

// putNew writes a row whose key is new.
func (t table) putNew(k, v []byte) error {
	sum := t.sum.row(k, v)
	if t.digest != nil {
		*t.digest += sum.share()
	}
	return t.bucket.Put(k, binary.BigEndian.AppendUint32(v, sum.castagnoli))
}

func (t table) delete(k []byte) error {
	if t.digest != nil {
		old := t.get(k)
		if old == nil {
			return nil
		}
		*t.digest -= t.sum.row(k, old).share()
	}
	return t.bucket.Delete(k)
}

// each visits all rows.
func (t table) each(visit func(k, v []byte) error) error {
	c := t.cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if err := visit(k, v); err != nil {
			return err
		}
	}
	return nil
}

// eachWithin visits the tables in a table of tables.
func (t table) eachWithin(visit func(id []byte, within table) error) error {
	if t.bucket == nil {
		return nil
	}
	return t.bucket.ForEachBucket(func(id []byte) error { return visit(id, t.within(id)) })
}

// count is the number of rows.
func (t table) count() int {
	if t.bucket == nil {
		return 0
	}
	return t.bucket.Stats().KeyN
}

// cursor visits rows in the order of their keys. Those of a table that does not exist are none.
type cursor struct {
	table
	rows *bolt.Cursor
}

func (t table) cursor() cursor {
	if t.bucket == nil {
		return cursor{table: t}
	}
	return cursor{t, t.bucket.Cursor()}
}

func (c cursor) row(move func(*bolt.Cursor) (k, v []byte)) (k, v []byte) {
	if c.rows == nil {
		return nil, nil
	}
	if k, v = move(c.rows); k == nil {
		return nil, nil
	}
	return k, c.verified(k, v)
}

func (c cursor) First() (k, v []byte) { return c.row((*bolt.Cursor).First) }
func (c cursor) Last() (k, v []byte)  { return c.row((*bolt.Cursor).Last) }
func (c cursor) Next() (k, v []byte)  { return c.row((*bolt.Cursor).Next) }
func (c cursor) Seek(from []byte) (k, v []byte) {
	return c.row(func(rows *bolt.Cursor) (k, v []byte) { return rows.Seek(from) })
}

// guard runs work on the mapped file. A damaged row, a page that bbolt cannot read and a fault in the mapping, as of a file that was
// truncated, become ErrDamaged; another panic is a fault of the program, ErrPanicked.
func guard(work func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch panicked := recover().(type) {
		case nil:
		case damage:
			err = fmt.Errorf("%w: %s", ErrDamaged, string(panicked))
		default:
			err = fmt.Errorf("%w: %v", ErrPanicked, panicked)
			if isFault(panicked) || panickedInBolt() {
				err = fmt.Errorf("%w: %v", ErrDamaged, panicked)
			}
		}
	}()
	return work()
}

// isFault says that a panic is a fault in the mapping. The nil pointer of a program has an address in the first page.
func isFault(panicked any) bool {
	fault, ok := panicked.(interface{ Addr() uintptr })
	return ok && fault.Addr() >= 4096
}

// panickedInBolt says, in a deferred function, that bbolt or the encoding of its pages caused the panic.
func panickedInBolt() bool {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	panicking := false
	for {
		frame, more := frames.Next()
		switch inRuntime := strings.HasPrefix(frame.Function, "runtime."); {
		case inRuntime:
			panicking = true
		case panicking:
			return strings.HasPrefix(frame.Function, "go.etcd.io/bbolt")
		}
		if !more {
			return false
		}
	}
}
