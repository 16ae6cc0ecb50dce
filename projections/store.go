// The file: its buckets, how it is opened, and how the shop that decides is loaded from it.

package projections

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"onsale/domain"
	"onsale/domain/machine"
)

// Keys rise wherever commands write in a rush: journal and outbox by event number, coupons by their number in the sale,
// holdings and reservations by the sequence of their command. A random key costs eight times as much as a rising one.
var (
	bucketMeta         = []byte("meta")         // see meta.go
	bucketJournal      = []byte("journal")      // event number → what it said, for ever
	bucketOutbox       = []byte("outbox")       // event number → its bytes, until EVENTS is surely on disk
	bucketPromotions   = []byte("promotions")   // id → JSON
	bucketCoupons      = []byte("coupons")      // promotion → number → event number, status, user
	bucketSchedules    = []byte("schedules")    // id → JSON
	bucketSeats        = []byte("seats")        // schedule → seat → state; a free seat has no row
	bucketAllocations  = []byte("holdings")     // sequence → JSON: holds and seats on offer; one that ran out stays, marked
	bucketReservations = []byte("reservations") // sequence → JSON; a cancelled one stays, marked
	bucketWaitlists    = []byte("lines")        // waiting list → sequence → JSON: who waits and has no offer
	bucketOffers       = []byte("offers")       // sequence → JSON: who has an offer, or let one of coupons run out
	bucketUnread       = []byte("unread")       // user, event number of the alarm
	bucketProducts     = []byte("products")     // id → JSON
	bucketOrders       = []byte("orders")       // imp_uid → JSON
	bucketPreparations = []byte("preparations") // merchant_uid → JSON

	buckets = [][]byte{bucketMeta, bucketJournal, bucketOutbox, bucketPromotions, bucketCoupons, bucketSchedules,
		bucketSeats, bucketAllocations, bucketReservations, bucketWaitlists, bucketOffers, bucketUnread, bucketProducts, bucketOrders,
		bucketPreparations}
)

// layoutVersion is the version of the file's layout. Another one is rebuilt from the log, never converted.
const layoutVersion = 4

// errDamaged is a file that is no store, or not one of ours as it should be.
var errDamaged = errors.New("the read store is damaged")

// Store is the file.
type Store struct {
	db   *bolt.DB
	path string
}

// OpenStore opens or makes the file at path for the log with this epoch. errors.Is errDamaged: it has to be rebuilt.
func OpenStore(path, epoch string) (*Store, error) {
	if err := verifyFile(path, func(*bolt.Tx) error { return nil }); err != nil {
		return nil, err
	}
	return openStore(path, epoch)
}

// openStore opens a file that was looked at.
func openStore(path, epoch string) (s *Store, err error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:         2 * time.Second, // another process has it
		FreelistType:    bolt.FreelistMapType,
		NoFreelistSync:  true,    // with it, open readers make every commit slower
		InitialMmapSize: 1 << 30, // address space, not memory: a reader would block the writer when the map must grow
	})
	if err != nil {
		return nil, openError(path, err)
	}
	s = &Store{db, path}
	err = s.update(func(tx *bolt.Tx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return checkEpoch(tx, epoch)
	})
	if err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

// Close gives the file back.
func (s *Store) Close() error { return s.db.Close() }

// update is db.Update that takes bbolt's panics over a damaged page for what they are.
func (s *Store) update(write func(*bolt.Tx) error) (err error) {
	defer recoverDamage(&err)
	return s.db.Update(write)
}

func (s *Store) view(read func(*bolt.Tx) error) (err error) {
	defer recoverDamage(&err)
	return s.db.View(read)
}

func recoverDamage(err *error) {
	if panicked := recover(); panicked != nil {
		*err = fmt.Errorf("%w: %v", errDamaged, panicked)
	}
}

// loadedState is the shop as a store has it, the last event of each user and each entity, and how many there are of each type.
type loadedState struct {
	machine    *machine.Machine
	lastEvents lastEvents
	counters   counters
}

func newLoadedState() loadedState { return loadedState{machine.New(), newLastEvents(), newCounters()} }

// load reads all of the past. The buckets that it reads to the last row are bucketsLoaded.
func (p *loadedState) load(tx *bolt.Tx) error {
	if tx.Bucket(bucketMeta) == nil {
		return fmt.Errorf("%w: it has no checkpoint", errDamaged)
	}
	if err := checkLayout(tx); err != nil {
		return err
	}
	cp, err := readCheckpoint(tx)
	if err != nil {
		return err
	}
	*p = newLoadedState()
	p.machine.Restore(cp.now, cp.events)
	for _, load := range []func(*bolt.Tx) error{p.loadJournal, p.loadPromotions, p.loadSchedules, p.loadWaiting, p.loadOrders} {
		if err := load(tx); err != nil {
			return err
		}
	}
	return nil
}

var bucketsLoaded = [][]byte{bucketJournal, bucketPromotions, bucketCoupons, bucketSchedules, bucketSeats, bucketAllocations,
	bucketReservations, bucketWaitlists, bucketOffers, bucketProducts, bucketOrders, bucketPreparations}

func key(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func number(key []byte) uint64 { return binary.BigEndian.Uint64(key) }

// appendOnly is a bucket whose keys only grow: its pages can be filled, since nothing will be put between.
func appendOnly(tx *bolt.Tx, name []byte) *bolt.Bucket {
	b := tx.Bucket(name)
	b.FillPercent = 0.9
	return b
}

// lastEvents are the numbers of the last event of each user and of each entity ("coupons.demo").
type lastEvents struct{ user, entity map[string]uint64 }

func newLastEvents() lastEvents { return lastEvents{map[string]uint64{}, map[string]uint64{}} }

func entityKey(e domain.Event) string {
	name, _ := e.Body.Type()
	return domain.Kind(name) + "." + e.Entity
}

// Looking at a file before it is trusted.

func openError(path string, err error) error {
	if errors.Is(err, bolterrors.ErrTimeout) {
		return fmt.Errorf("read store %s is held by another process", path)
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", errDamaged, path, err)
}

// verifyFile reads a whole file before it is opened for writing: read, and then what read leaves out. Opening walks all pages in a
// goroutine of bbolt's own, and a damaged page is a panic there, which nobody can catch; a page met here is only an error.
func verifyFile(path string, read func(*bolt.Tx) error, skip ...[]byte) error {
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: 2 * time.Second})
	if err != nil {
		return openError(path, err)
	}
	defer db.Close()
	return (&Store{db, path}).view(func(tx *bolt.Tx) error {
		if err := read(tx); err != nil {
			return err
		}
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			if slices.ContainsFunc(skip, func(read []byte) bool { return bytes.Equal(read, name) }) {
				return nil
			}
			return checkKeyOrder(b)
		})
	})
}

// checkKeyOrder meets every key of a bucket and of those within. They must rise.
func checkKeyOrder(b *bolt.Bucket) error {
	var prev []byte
	return b.ForEach(func(k, v []byte) error {
		if prev != nil && bytes.Compare(prev, k) >= 0 {
			return fmt.Errorf("%w: its keys are out of order", errDamaged)
		}
		if prev = k; v == nil {
			return checkKeyOrder(b.Bucket(k))
		}
		return nil
	})
}
