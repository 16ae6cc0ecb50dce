// Package store is the read store: one bbolt file that is a function of EVENTS. Each transaction writes the rows that its
// events changed, the events' bytes into an outbox, and the checkpoint. The state machine is loaded from here at start, and
// queries, exports and reconnecting streams read here.
package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"onsale/domain"
)

// Keys rise wherever commands write at a high rate: journal and outbox by event number, coupons by their number within the
// promotion, allocations and reservations by the sequence of their command. A random key costs eight times as much.
var (
	bucketMeta         = []byte("meta")         // see checkpoint.go
	bucketJournal      = []byte("journal")      // event number → event; kept permanently
	bucketOutbox       = []byte("outbox")       // event number → record, until EVENTS is certainly on disk
	bucketPromotions   = []byte("promotions")   // id → JSON
	bucketCoupons      = []byte("coupons")      // promotion → number → event number, status, user
	bucketSchedules    = []byte("schedules")    // id → JSON
	bucketSeats        = []byte("seats")        // schedule → seat → state; a free seat has no row
	bucketAllocations  = []byte("allocations")  // sequence → JSON: holds and seats on offer; an expired one stays, marked
	bucketReservations = []byte("reservations") // sequence → JSON; a cancelled one stays, marked
	bucketWaitlists    = []byte("waitlists")    // waiting list → sequence → JSON: entries without an offer
	bucketOffers       = []byte("offers")       // sequence → JSON: entries with an offer; expired offers of coupons
	bucketUnread       = []byte("unread")       // user, event number of the alarm
	bucketProducts     = []byte("products")     // id → JSON
	bucketOrders       = []byte("orders")       // imp_uid → JSON
	bucketPreparations = []byte("preparations") // merchant_uid → JSON

	buckets = [][]byte{bucketMeta, bucketJournal, bucketOutbox, bucketPromotions, bucketCoupons, bucketSchedules,
		bucketSeats, bucketAllocations, bucketReservations, bucketWaitlists, bucketOffers, bucketUnread, bucketProducts, bucketOrders,
		bucketPreparations}
)

// layoutVersion is the version of the file's layout. A file with another one is rebuilt from EVENTS, never converted.
const layoutVersion = 5

var (
	// ErrDamaged: the file is no store, has another layout, or lacks something. It has to be rebuilt.
	ErrDamaged = errors.New("the read store is damaged")
	// ErrEpoch: the file belongs to a log with another epoch.
	ErrEpoch = errors.New("the read store belongs to another log")
	// ErrEvents: EVENTS, from which the store is rebuilt, has a gap or was altered.
	ErrEvents = errors.New("EVENTS is damaged")
)

// EventLog is EVENTS as the store reads it. Package streams implements it.
type EventLog interface {
	// Events follows EVENTS from a number on until ctx ends; filter is a subject with wildcards, "" for all.
	Events(ctx context.Context, from uint64, filter string) iter.Seq2[domain.Record, error]
	DecodeEvent(domain.Record) (domain.Event, error)
	// DecodeBody decodes the body of an event of type name.
	DecodeBody(name string, data []byte) (domain.Body, error)
	// AdminCommand is the type of the command that events of type name answer, where only admins send that command; of a command's
	// type it is that type. false for all others.
	AdminCommand(name string) (command string, ok bool)
}

// Store is an open file.
type Store struct {
	db  *bolt.DB
	log EventLog
}

// Open opens the file at path for the log with this epoch and loads its state; a file that does not exist is created. The errors
// are ErrDamaged, ErrEpoch and the operating system's.
func Open(path, epoch string, log EventLog) (*Store, State, error) {
	state, err := readFile(path)
	if err != nil {
		return nil, state, err
	}
	s, err := openVerified(path, epoch, log)
	return s, state, err
}

// openVerified opens a file after readFile, or a new one.
func openVerified(path, epoch string, log EventLog) (s *Store, err error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:         2 * time.Second, // another process has it
		FreelistType:    bolt.FreelistMapType,
		NoFreelistSync:  true,    // with it, open readers make every commit slower
		InitialMmapSize: 1 << 30, // address space, not memory: a reader would block the writer when the map must grow
	})
	if err != nil {
		return nil, openError(path, err)
	}
	s = &Store{db, log}
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

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// update is db.Update with bbolt's panics on a damaged page turned into ErrDamaged.
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
		*err = fmt.Errorf("%w: %v", ErrDamaged, panicked)
	}
}

func key(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func number(key []byte) uint64 { return binary.BigEndian.Uint64(key) }

// appendOnly is a bucket whose keys only grow: its pages can be filled, since nothing is inserted between.
func appendOnly(tx *bolt.Tx, name []byte) *bolt.Bucket {
	b := tx.Bucket(name)
	b.FillPercent = 0.9
	return b
}

func openError(path string, err error) error {
	if errors.Is(err, bolterrors.ErrTimeout) {
		return fmt.Errorf("read store %s is locked by another process", path)
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
}

// readFile reads a whole file before it is opened for writing: it loads the state, and checks the buckets that loading does not
// read. bbolt reads all pages in a goroutine of its own when it opens a file for writing, and a damaged page panics there, where
// it cannot be recovered.
func readFile(path string) (State, error) {
	state := newState()
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return state, nil
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: 2 * time.Second})
	if err != nil {
		return state, openError(path, err)
	}
	defer db.Close()
	err = (&Store{db: db}).view(func(tx *bolt.Tx) error {
		if err := state.load(tx); err != nil {
			return err
		}
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			if slices.ContainsFunc(bucketsLoaded, func(loaded []byte) bool { return bytes.Equal(loaded, name) }) {
				return nil
			}
			return checkKeyOrder(b)
		})
	})
	return state, err
}

// checkKeyOrder reads every key of a bucket and of those within. They must rise.
func checkKeyOrder(b *bolt.Bucket) error {
	var prev []byte
	return b.ForEach(func(k, v []byte) error {
		if prev != nil && bytes.Compare(prev, k) >= 0 {
			return fmt.Errorf("%w: its keys are out of order", ErrDamaged)
		}
		if prev = k; v == nil {
			return checkKeyOrder(b.Bucket(k))
		}
		return nil
	})
}
