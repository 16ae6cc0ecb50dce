// The checkpoint: how far the store has come.

package store

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"onsale/domain"
)

var (
	keyEpoch      = []byte("epoch")
	keyCheckpoint = []byte("mark")

	// keyTransaction has the number of the transaction that wrote the row, which every one does. The meta page has it too: without all of
	// its pages, it may name a page that is left from an earlier transaction, which was whole.
	keyTransaction = []byte("transaction")
)

// Checkpoint moves in the transaction that writes the events.
type Checkpoint struct {
	Sequence  uint64      // of the last decided command
	Events    uint64      // number of the last event in the store
	Confirmed uint64      // number of the last event known to be in EVENTS; EVENTS may have more
	Now       domain.Time // of the last event
	Hash      domain.Hash // of the last event
	digest    uint64      // the sum of the hashes of all rows, see inDigest: a row that is missing, or of another time, shows
}

// checkEpoch compares the epoch of a file whose layout is right, or gives a new file its layout and epoch.
func checkEpoch(tx *transaction, epoch string) error {
	b := tx.table(bucketMeta)
	stored := string(b.get(keyEpoch))
	if stored == "" {
		return b.putNew(keyEpoch, fmt.Appendf(nil, "%d %s", layoutVersion, epoch))
	}
	if _, got, _ := strings.Cut(stored, " "); got != epoch {
		return fmt.Errorf("%w: it has epoch %s, the log has %s", ErrEpoch, got, epoch)
	}
	return nil
}

// checkLayout looks at the stored value of the epoch. Other layouts may have no checksums.
func checkLayout(stored []byte) error {
	layout, _, _ := strings.Cut(string(stored), " ")
	if _, err := strconv.ParseUint(layout, 10, 16); err != nil {
		return fmt.Errorf("%w: it has no layout", ErrDamaged)
	}
	if layout != strconv.Itoa(layoutVersion) {
		return fmt.Errorf("%w: it has layout %q, this program writes %d", ErrLayout, layout, layoutVersion)
	}
	return nil
}

// Checkpoint is that of the last commit.
func (s *Store) Checkpoint() (cp Checkpoint, err error) {
	err = s.view(func(tx *transaction) error {
		cp, err = readCheckpoint(tx)
		return err
	})
	return cp, err
}

func readCheckpoint(tx *transaction) (Checkpoint, error) {
	return decodeCheckpoint(tx.table(bucketMeta).get(keyCheckpoint))
}

func decodeCheckpoint(v []byte) (Checkpoint, error) {
	var cp Checkpoint
	if v == nil {
		return cp, nil
	}
	if len(v) != 5*8+len(cp.Hash) {
		return cp, fmt.Errorf("%w: its checkpoint has %d bytes", ErrDamaged, len(v))
	}
	cp.Sequence, cp.Events, cp.Confirmed = number(v), number(v[8:]), number(v[16:])
	cp.Now = domain.Time(number(v[24:]))
	copy(cp.Hash[:], v[32:])
	cp.digest = number(v[32+len(cp.Hash):])
	return cp, nil
}

func (cp Checkpoint) write(tx *transaction) error {
	last, err := readCheckpoint(tx)
	if err != nil {
		return err
	}
	v := make([]byte, 0, 5*8+len(cp.Hash)+checksumSize)
	for _, n := range []uint64{cp.Sequence, cp.Events, cp.Confirmed, uint64(cp.Now)} {
		v = binary.BigEndian.AppendUint64(v, n)
	}
	v = binary.BigEndian.AppendUint64(append(v, cp.Hash[:]...), last.digest+tx.digest)
	return tx.table(bucketMeta).putNew(keyCheckpoint, v)
}
