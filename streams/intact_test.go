package streams

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestBlockReader_IntactAgreesWithRead flips bits, cuts, and takes blocks away: what is said to be intact is read without damage.
func TestBlockReader_IntactAgreesWithRead(t *testing.T) {
	const messages, perBlock = 40, 10
	write := func(dir string) {
		w := streamWriter{stream: eventsStream, dir: dir, block: 1, checksum: newChecksum(eventsStream, 1)}
		if err := os.MkdirAll(filepath.Join(dir, "msgs"), 0o700); err != nil {
			t.Fatal(err)
		}
		for n := uint64(1); n <= messages; n++ {
			header := []byte("NATS/1.0\r\n" + hashHeader + ": x\r\n\r\n")
			if err := w.append(&storedMessage{n, int64(n), "evt.seats.hall.kim", header[:len(header)*int(n%2)], []byte("payload")}); err != nil {
				t.Fatal(err)
			}
			if n%perBlock == 0 {
				if err := w.flush(n%(2*perBlock) == 0); err != nil { // every other block is compressed
					t.Fatal(err)
				}
			}
		}
	}
	damage := map[string]func(path string, content []byte) error{
		"nothing": func(string, []byte) error { return nil },
		"a bit": func(path string, content []byte) error {
			content[rand.IntN(len(content))] ^= 1 << rand.IntN(8)
			return os.WriteFile(path, content, 0o600)
		},
		"its end": func(path string, content []byte) error { return os.Truncate(path, rand.Int64N(int64(len(content)))) },
		"a block": func(path string, _ []byte) error { return os.Remove(path) },
		"bytes added": func(path string, content []byte) error {
			return os.WriteFile(path, append([]byte("torn"), content...), 0o600)
		},
	}
	for name, damage := range damage {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				dir := t.TempDir()
				write(dir)
				path := blockPath(dir, 1+rand.IntN(messages/perBlock))
				content, err := os.ReadFile(path)
				if err := errors.Join(err, damage(path, content)); err != nil {
					t.Fatal(err)
				}
				r := &blockReader{stream: eventsStream, dir: dir}
				whole, err := r.intact(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				last := r.last.number
				r = &blockReader{stream: eventsStream, dir: dir}
				if err := r.read(t.Context(), func(*storedMessage) error { return nil }); err != nil {
					t.Fatal(err)
				}
				if whole != (len(r.damage) == 0 && last == r.last.number) {
					t.Fatalf("%s: intact says %t up to %d, read ends at %d with damage %v", path, whole, last, r.last.number, r.damage)
				}
				if name == "nothing" && !whole {
					t.Fatal("a whole stream is not intact")
				}
			}
		})
	}
}
