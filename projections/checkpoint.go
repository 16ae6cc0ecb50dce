// Where the store stands.

package projections

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	bolt "go.etcd.io/bbolt"

	"onsale/domain"
)

// ErrEpoch is a store that belongs to another life of the log.
var ErrEpoch = errors.New("the read store belongs to another log")

var (
	keyEpoch      = []byte("epoch")
	keyCheckpoint = []byte("mark")
)

// checkpoint is the checkpoint and what belongs to it. All of it moves in the transaction that writes the events.
type checkpoint struct {
	sequence  uint64      // of the last decided command: the checkpoint
	events    uint64      // number of the last event in the store
	confirmed uint64      // number of the last event that was known to stand in EVENTS; may lag behind the truth
	now       domain.Time // of the last event
	hash      domain.Hash // of the last event
}

func checkEpoch(tx *bolt.Tx, epoch string) error {
	b := tx.Bucket(bucketMeta)
	want := fmt.Sprintf("%d %s", layoutVersion, epoch)
	switch got := string(b.Get(keyEpoch)); {
	case got == "":
		return b.Put(keyEpoch, []byte(want))
	case got == want:
		return nil
	case len(got) == len(want) && got[:len(got)-8] == want[:len(want)-8]:
		return fmt.Errorf("%w: it says %s, the log says %s", ErrEpoch, got[len(got)-8:], epoch)
	default:
		return fmt.Errorf("%w: it has layout %q, this program writes %q", errDamaged, got, want)
	}
}

// checkLayout is for whoever reads a file that nobody has opened for writing yet: another layout may lack whole buckets.
func checkLayout(tx *bolt.Tx) error {
	layout, _, _ := strings.Cut(string(tx.Bucket(bucketMeta).Get(keyEpoch)), " ")
	if layout != strconv.Itoa(layoutVersion) {
		return fmt.Errorf("%w: it has layout %q, this program writes %d", errDamaged, layout, layoutVersion)
	}
	return nil
}

func readCheckpoint(tx *bolt.Tx) (checkpoint, error) {
	var cp checkpoint
	v := tx.Bucket(bucketMeta).Get(keyCheckpoint)
	if v == nil {
		return cp, nil
	}
	if len(v) != 4*8+len(cp.hash) {
		return cp, fmt.Errorf("%w: its checkpoint has %d bytes", errDamaged, len(v))
	}
	cp.sequence, cp.events, cp.confirmed = number(v), number(v[8:]), number(v[16:])
	cp.now = domain.Time(number(v[24:]))
	copy(cp.hash[:], v[32:])
	return cp, nil
}

func (cp checkpoint) write(tx *bolt.Tx) error {
	v := make([]byte, 0, 4*8+len(cp.hash))
	for _, n := range []uint64{cp.sequence, cp.events, cp.confirmed, uint64(cp.now)} {
		v = binary.BigEndian.AppendUint64(v, n)
	}
	return tx.Bucket(bucketMeta).Put(keyCheckpoint, append(v, cp.hash[:]...))
}
