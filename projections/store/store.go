// Package store is the read store: one bbolt file that is a function of EVENTS. Each transaction writes the rows that its
// events changed, the events' bytes into an outbox, and the checkpoint. The state machine is loaded from here at start, and
// queries, exports and reconnecting streams read here.
package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"sync/atomic"
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
	bucketCoupons      = []byte("coupons")      // promotion → number → status, event number, payment
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
const layoutVersion = 8

var (
	// ErrDamaged: the file is no store, or its pages, rows or their sum are not what was written. It has to be rebuilt.
	ErrDamaged = errors.New("the read store is damaged")
	// ErrLayout: another version of the program wrote the file. It has to be rebuilt.
	ErrLayout = errors.New("the read store has another layout")
	// ErrUnavailable: the operating system refuses the file, or another process has locked it. It may be whole.
	ErrUnavailable = errors.New("the read store cannot be opened")
	// ErrPanicked: reading or writing panicked, and not because of the file.
	ErrPanicked = errors.New("the read store panicked")
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
	db       *bolt.DB
	log      EventLog
	unsynced bool                  // transactions are not synced: of a rebuild
	damaged  atomic.Pointer[error] // found while the store was in use
	onDamage func(error)
}

// Open opens the file at path for the log with this epoch and loads its state; a file that does not exist is created. The errors
// are ErrDamaged, ErrLayout, ErrEpoch and ErrUnavailable.
func Open(path, epoch string, log EventLog) (*Store, State, error) {
	return StartReading(path).Open(epoch, log)
}

// OpenRows is Open without the state, which takes memory and time, for who compares rows only.
func OpenRows(path, epoch string, log EventLog) (*Store, error) {
	if err := readFile(path, func(*transaction) error { return nil }); err != nil {
		return nil, err
	}
	return openVerified(path, epoch, log)
}

// Reading is the first part of Open, which needs no log: the whole file is verified and its state loaded, beside what else a start does.
type Reading struct {
	path  string
	done  chan struct{} // closed when state and err are set
	state State
	err   error
}

// StartReading starts to read the file at path. Nobody may write it until Open.
func StartReading(path string) *Reading {
	r := &Reading{path: path, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.state = newState()
		r.err = readFile(path, func(tx *transaction) error {
			cp, err := readCheckpoint(tx)
			if err != nil {
				return err
			}
			return r.state.load(tx, openSaved(path, cp))
		})
	}()
	return r
}

// Open waits for the end of the reading and opens the file, as Open does.
func (r *Reading) Open(epoch string, log EventLog) (*Store, State, error) {
	r.Wait()
	state := r.state
	r.state = State{} // it is the caller's, and large
	if r.err != nil {
		return nil, state, r.err
	}
	s, err := openVerified(r.path, epoch, log)
	return s, state, err
}

// Wait waits for the end of the reading: from then on the file is no longer used.
func (r *Reading) Wait() { <-r.done }

// openVerified opens a file after readFile, or a new one.
func openVerified(path, epoch string, log EventLog) (s *Store, err error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:         2 * time.Second, // another process has it
		FreelistType:    bolt.FreelistMapType,
		NoFreelistSync:  true,    // with it, open readers make every commit slower
		InitialMmapSize: 1 << 30, // address space, not memory: a reader would block the writer when the map must grow
		NoSync:          true,    // update syncs
	})
	if err != nil {
		return nil, openError(path, err)
	}
	s = &Store{db: db, log: log}
	if err := db.Sync(); err != nil { // a process that was killed may have left its last transaction to the kernel
		db.Close()
		return nil, openError(path, err)
	}
	err = s.update(func(tx *transaction) error {
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

// writeFreelist writes the list of free pages. Without it, as when the disk is full, the next open finds them by reading all others.
func (s *Store) writeFreelist() {
	s.db.NoFreelistSync = false
	_ = s.update(func(*transaction) error { return nil })
}

// closeTimeout bounds Close after damage, when bbolt may have panicked with a lock held.
const closeTimeout = time.Second

// Close closes the file, or leaves that to the end of the process where bbolt cannot any more.
func (s *Store) Close() error {
	if s.damaged.Load() == nil {
		s.writeFreelist()
		return s.db.Close()
	}
	closed := make(chan error, 1)
	go func() {
		defer func() {
			if recover() != nil {
				closed <- nil
			}
		}()
		closed <- s.db.Close()
	}()
	select {
	case err := <-closed:
		return err
	case <-time.After(closeTimeout):
		return nil
	}
}

// OnDamage sets what is called, once and in a goroutine of its own, when the file is found to be damaged. Call it before other
// goroutines use the store. After damage every call returns ErrDamaged.
func (s *Store) OnDamage(damaged func(error)) { s.onDamage = damaged }

// use runs work on the file unless it is known to be damaged.
func (s *Store) use(work func() error) error {
	if found := s.damaged.Load(); found != nil {
		return *found
	}
	err := guard(work)
	if errors.Is(err, ErrDamaged) && s.damaged.CompareAndSwap(nil, &err) && s.onDamage != nil {
		go s.onDamage(err)
	}
	return err
}

// update runs a transaction and syncs it, once: see torn.go. It is not db.Update, which after a panic reads the whole file in another
// goroutine, where a fault in the mapping cannot be recovered from.
func (s *Store) update(write func(*transaction) error) error {
	return s.use(func() error {
		tx, err := s.db.Begin(true)
		if err != nil {
			return err
		}
		defer tx.Rollback() // nothing to do after the commit
		t := &transaction{Tx: tx}
		if err := write(t); err != nil {
			return err
		}
		if err := t.table(bucketMeta).putNew(keyTransaction, key(uint64(tx.ID()))); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil || s.unsynced {
			return err
		}
		if err := s.db.Sync(); err != nil { // what the kernel does with its pages now is not known: the next open reads them
			return fmt.Errorf("%w: its last transaction is not on the disk: %w", ErrDamaged, err)
		}
		return nil
	})
}

func (s *Store) view(read func(*transaction) error) error {
	return s.use(func() error {
		return s.db.View(func(tx *bolt.Tx) error { return read(&transaction{Tx: tx}) })
	})
}

func key(n uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 0, 8), n) }

func number(key []byte) uint64 { return binary.BigEndian.Uint64(key) }

// openError sorts the errors of opening and reading a file. What the operating system refuses, such as memory, descriptors or
// permission, says nothing about the file; only EIO, an unreadable sector, is damage.
func openError(path string, err error) error {
	var refused syscall.Errno
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%w: %s is locked by another process", ErrUnavailable, path)
	case errors.As(err, &refused) && refused != syscall.EIO:
		return fmt.Errorf("%w: %s: %w", ErrUnavailable, path, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
}

// readFile verifies a whole file and reads it, before it is opened for writing: bbolt reads all pages in a goroutine of its own when it
// opens a file for writing, and a damaged page panics there, where it cannot be recovered. A file that does not exist, or is empty, is not
// read.
func readFile(path string, read func(*transaction) error) error {
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	var file *os.File
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: 2 * time.Second,
		OpenFile: func(name string, flag int, mode fs.FileMode) (_ *os.File, err error) {
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		}})
	if err != nil {
		return openError(path, err)
	}
	defer db.Close()
	if err := verifyPages(file); err != nil {
		if errors.Is(err, ErrDamaged) || errors.Is(err, ErrLayout) {
			return err
		}
		return openError(path, err)
	}
	err = (&Store{db: db}).view(read)
	if errors.Is(err, ErrPanicked) { // rows that do not fit together
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}
