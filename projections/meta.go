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
	keyEpoch = []byte("epoch")
	keyMark  = []byte("mark")
)

// meta is the checkpoint and what belongs to it. All of it moves in the transaction that writes the events.
type meta struct {
	sequence  uint64      // of the last decided command: the checkpoint
	events    uint64      // number of the last event in the store
	confirmed uint64      // number of the last event that was known to stand in EVENTS; may lag behind the truth
	now       domain.Time // of the last event
	hash      domain.Hash // of the last event
}

func checkMeta(tx *bolt.Tx, epoch string) error {
	b := tx.Bucket(bucketMeta)
	want := fmt.Sprintf("%d %s", schema, epoch)
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
	if layout != strconv.Itoa(schema) {
		return fmt.Errorf("%w: it has layout %q, this program writes %d", errDamaged, layout, schema)
	}
	return nil
}

func readMeta(tx *bolt.Tx) (meta, error) {
	var m meta
	v := tx.Bucket(bucketMeta).Get(keyMark)
	if v == nil {
		return m, nil
	}
	if len(v) != 4*8+len(m.hash) {
		return m, fmt.Errorf("%w: its checkpoint has %d bytes", errDamaged, len(v))
	}
	m.sequence, m.events, m.confirmed = number(v), number(v[8:]), number(v[16:])
	m.now = domain.Time(number(v[24:]))
	copy(m.hash[:], v[32:])
	return m, nil
}

func (m meta) write(tx *bolt.Tx) error {
	v := make([]byte, 0, 4*8+len(m.hash))
	for _, n := range []uint64{m.sequence, m.events, m.confirmed, uint64(m.now)} {
		v = binary.BigEndian.AppendUint64(v, n)
	}
	return tx.Bucket(bucketMeta).Put(keyMark, append(v, m.hash[:]...))
}
