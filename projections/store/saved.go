// The saved state: a file beside the store with what a start would otherwise collect from every row of the journal and every coupon. It
// is written when the store is closed, and stands for exactly the rows of that checkpoint: after a kill, or with a damaged file, the rows
// are read.

package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"onsale/domain/compact"
)

// savedVersion is the version of the file's format, of all tables in it too.
const savedVersion = 2

func savedPath(storePath string) string { return storePath + ".state" }

// savedHeader names the rows that a saved state stands for.
func savedHeader(cp Checkpoint) []byte {
	b := fmt.Appendf(nil, "onsale state %d %d ", savedVersion, layoutVersion)
	b = binary.BigEndian.AppendUint64(b, cp.Events)
	return append(binary.BigEndian.AppendUint64(b, cp.digest), cp.Hash[:]...)
}

// SaveState writes the state, which is that of the last commit, for the next Open.
func (s *Store) SaveState(state State) error {
	cp, err := s.Checkpoint()
	if err != nil {
		return err
	}
	if cp.Events != state.Machine.LastEvent {
		return fmt.Errorf("the state has %d events, the store %d", state.Machine.LastEvent, cp.Events)
	}
	path := savedPath(s.db.Path())
	tmp := path + ".new"
	if err := writeSaved(tmp, cp, state); err != nil {
		os.Remove(tmp)
		return err
	}
	return os.Rename(tmp, path)
}

func writeSaved(path string, cp Checkpoint, state State) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum := sha256.New()
	w := compact.NewWriter(io.MultiWriter(file, sum))
	w.Bytes(savedHeader(cp))
	state.Machine.SaveHistory(w)
	state.LastEvents.save(w)
	state.Counters.save(w)
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = file.Write(sum.Sum(nil)) // no fsync: a torn file has a wrong sum
	return err
}

// savedState is an open file whose header and sum are right.
type savedState struct {
	file *os.File
	size int64 // without the sum
}

// openSaved returns the saved state of a store with this checkpoint; nil when there is none, or none that can be used.
func openSaved(storePath string, cp Checkpoint) *savedState {
	file, err := os.Open(savedPath(storePath))
	if err != nil {
		return nil
	}
	if info, err := file.Stat(); err == nil && info.Size() > sha256.Size {
		saved := &savedState{file, info.Size() - sha256.Size}
		if header := compact.NewReader(io.NewSectionReader(file, 0, saved.size)).Bytes(); bytes.Equal(header, savedHeader(cp)) && saved.verify() {
			return saved
		}
	}
	file.Close()
	return nil
}

func (f *savedState) verify() bool {
	sum, want := sha256.New(), make([]byte, sha256.Size)
	if _, err := io.CopyBuffer(sum, io.NewSectionReader(f.file, 0, f.size), make([]byte, 1<<18)); err != nil {
		return false
	}
	_, err := f.file.ReadAt(want, f.size)
	return err == nil && bytes.Equal(sum.Sum(nil), want)
}

// load fills the state, which has its promotions, and closes the file.
func (f *savedState) load(state *State) error {
	defer f.file.Close()
	r := compact.NewReader(io.NewSectionReader(f.file, 0, f.size))
	r.Bytes() // the header
	state.Machine.LoadHistory(r)
	state.LastEvents.load(r)
	state.Counters.load(r)
	return r.Err()
}

func (l *LastEvents) save(w *compact.Writer) {
	l.entries.Save(w, func(b []byte, e lastEvent) []byte {
		return binary.BigEndian.AppendUint32(append(b, e.key[:]...), e.number)
	})
	l.index.Save(w)
}

func (l *LastEvents) load(r *compact.Reader) {
	const size = len(Key{})
	l.entries.Load(r, size+4, func(b []byte) lastEvent { return lastEvent{Key(b), binary.BigEndian.Uint32(b[size:])} })
	l.index.Load(r)
}

func (c *Counters) save(w *compact.Writer) {
	w.Number(c.Outcomes)
	w.Number(uint64(len(c.byLabel)))
	for label, count := range c.byLabel {
		w.Bytes([]byte(label.name))
		w.Bytes([]byte(label.code))
		w.Number(*count)
	}
}

func (c *Counters) load(r *compact.Reader) {
	c.Outcomes = r.Number()
	for range r.Count() {
		label := eventLabel{name: string(r.Bytes())}
		label.code = string(r.Bytes())
		c.byLabel[label] = new(r.Number())
	}
}
