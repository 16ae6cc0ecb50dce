// The checkpoint: how far the store has come.

package store

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
)

var (
	keyEpoch      = []byte("epoch")
	keyCheckpoint = []byte("mark")
)

// Checkpoint moves in the transaction that writes the events.
type Checkpoint struct {
	Sequence  uint64      // of the last decided command
	Events    uint64      // number of the last event in the store
	Confirmed uint64      // number of the last event known to be in EVENTS; EVENTS may have more
	Now       domain.Time // of the last event
	Hash      domain.Hash // of the last event
}

// checkEpoch compares the epoch of a file whose layout is right, or gives a new file its layout and epoch.
func checkEpoch(tx *bolt.Tx, epoch string) error {
	b := tx.Bucket(bucketMeta)
	stored := string(b.Get(keyEpoch))
	if stored == "" {
		return b.Put(keyEpoch, fmt.Appendf(nil, "%d %s", layoutVersion, epoch))
	}
	if _, got, _ := strings.Cut(stored, " "); got != epoch {
		return fmt.Errorf("%w: it has epoch %s, the log has %s", ErrEpoch, got, epoch)
	}
	return nil
}

// checkLayout comes before anything else is read: another layout may lack whole buckets.
func checkLayout(tx *bolt.Tx) error {
	layout, _, _ := strings.Cut(string(tx.Bucket(bucketMeta).Get(keyEpoch)), " ")
	if layout != strconv.Itoa(layoutVersion) {
		return fmt.Errorf("%w: it has layout %q, this program writes %d", ErrDamaged, layout, layoutVersion)
	}
	return nil
}

// Checkpoint is that of the last commit.
func (s *Store) Checkpoint() (cp Checkpoint, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		cp, err = readCheckpoint(tx)
		return err
	})
	return cp, err
}

func readCheckpoint(tx *bolt.Tx) (Checkpoint, error) {
	var cp Checkpoint
	v := tx.Bucket(bucketMeta).Get(keyCheckpoint)
	if v == nil {
		return cp, nil
	}
	if len(v) != 4*8+len(cp.Hash) {
		return cp, fmt.Errorf("%w: its checkpoint has %d bytes", ErrDamaged, len(v))
	}
	cp.Sequence, cp.Events, cp.Confirmed = number(v), number(v[8:]), number(v[16:])
	cp.Now = domain.Time(number(v[24:]))
	copy(cp.Hash[:], v[32:])
	return cp, nil
}

func (cp Checkpoint) write(tx *bolt.Tx) error {
	v := make([]byte, 0, 4*8+len(cp.Hash))
	for _, n := range []uint64{cp.Sequence, cp.Events, cp.Confirmed, uint64(cp.Now)} {
		v = binary.BigEndian.AppendUint64(v, n)
	}
	return tx.Bucket(bucketMeta).Put(keyCheckpoint, append(v, cp.Hash[:]...))
}
