package compact

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// numbers is an Index over keys whose hashes a test chooses, with a map as its twin.
type numbers struct {
	t     testing.TB
	index Index
	keys  []uint64
	twin  map[uint64]uint32
	hash  func(key uint64) uint64
}

func (n *numbers) find(key uint64) {
	n.t.Helper()
	got, found := n.index.Find(n.hash(key), func(number uint32) bool { return n.keys[number] == key })
	if want, known := n.twin[key]; found != known || got != want {
		n.t.Fatalf("key %d: got %d, %t, want %d, %t", key, got, found, want, known)
	}
}

func (n *numbers) add(key uint64) {
	if _, known := n.twin[key]; known {
		return
	}
	n.twin[key] = uint32(len(n.keys))
	n.keys = append(n.keys, key)
	n.index.Add(n.hash(key), uint64(len(n.keys)-1), func(number uint32) uint64 { return n.hash(n.keys[number]) })
}

// TestIndex_MatchesMap adds and finds random keys with good hashes and bad ones.
func TestIndex_MatchesMap(t *testing.T) {
	for name, hash := range map[string]func(uint64) uint64{
		"good":           func(key uint64) uint64 { return Hash(binary.BigEndian.AppendUint64(nil, key)) },
		"the same pages": func(key uint64) uint64 { return Hash(binary.BigEndian.AppendUint64(nil, key)) >> 40 },
		"the same slots": func(key uint64) uint64 { return Hash(binary.BigEndian.AppendUint64(nil, key)) &^ (1<<32 - 1) },
		"few":            func(key uint64) uint64 { return Hash(binary.BigEndian.AppendUint64(nil, key%50)) },
	} {
		t.Run(name, func(t *testing.T) {
			count := uint64(100_000)
			if name != "good" {
				count = 5_000 // slow, but right
			}
			n := numbers{t: t, twin: map[uint64]uint32{}, hash: hash}
			for range 2 * count {
				n.find(rand.Uint64N(count))
				n.add(rand.Uint64N(count))
			}
			for key := range count {
				n.find(key)
			}
			if n.index.used != len(n.keys) {
				t.Errorf("used %d of %d", n.index.used, len(n.keys))
			}
			if len(n.index.pages) > 16+n.index.used/64 {
				t.Errorf("%d places for %d entries", len(n.index.pages), n.index.used)
			}
		})
	}
}

func TestIndex_RefusesNumbersOver32Bits(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a number over 32 bits was cut off")
		}
	}()
	new(Index).Add(1, math.MaxUint32+1, nil)
}

func TestArray_MatchesSlice(t *testing.T) {
	var a Array[[3]byte]
	var want [][3]byte
	for i := range 3*chunkSize + 7 {
		entry := [3]byte{byte(i), byte(i >> 8), 1}
		a.Append(entry)
		want = append(want, entry)
		at := rand.IntN(len(want))
		want[at][2]++
		a.At(at)[2]++
		if a.Len() != len(want) {
			t.Fatalf("%d entries, want %d", a.Len(), len(want))
		}
	}
	for i, entry := range a.All() {
		if *entry != want[i] {
			t.Errorf("entry %d: got %v, want %v", i, *entry, want[i])
		}
	}
}

// FuzzTexts adds the parts of a text, with a map as the twin.
func FuzzTexts(f *testing.F) {
	f.Add([]byte("kim lee kim"), uint16(1))
	f.Add([]byte("a a  b \x00 \xff"), uint16(300))
	f.Fuzz(func(t *testing.T, data []byte, times uint16) {
		checkTexts(t, data[:min(len(data), 400)], int(times%64)+1)
	})
}

func checkTexts(t *testing.T, data []byte, times int) {
	var texts Texts
	twin := map[string]int{}
	var order []string
	for round := range times {
		for start := 0; start < len(data); {
			end := min(len(data), start+1+int(data[start])%64)
			text := fmt.Sprint(string(data[start:end]), round%(1+int(data[start])))
			start = end
			want, known := twin[text]
			if got, found := texts.Find(text); found != known || got != want {
				t.Fatalf("%q: got %d, %t, want %d, %t", text, got, found, want, known)
			}
			if !known {
				twin[text], want = len(order), len(order)
				order = append(order, text)
			}
			if got, added := texts.Add(text); got != want || added == known {
				t.Fatalf("%q: got %d, %t, want %d, %t", text, got, added, want, !known)
			}
		}
	}
	for number, text := range order {
		if got := texts.Text(number); got != text {
			t.Fatalf("text %d: got %q, want %q", number, got, text)
		}
	}
	if texts.Len() != len(order) {
		t.Fatalf("%d texts, want %d", texts.Len(), len(order))
	}
}

func TestTexts_MatchMap(t *testing.T) {
	data := make([]byte, 500)
	for i := range data {
		data[i] = byte(rand.UintN(256))
	}
	checkTexts(t, data, 300)
}

// BenchmarkTexts_Find finds one of as many ids.
func BenchmarkTexts_Find(b *testing.B) {
	for _, count := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint("count=", count), func(b *testing.B) {
			var texts Texts
			ids := make([]string, count)
			for i := range ids {
				ids[i] = fmt.Sprintf("user-%016x", rand.Uint64())
				texts.Add(ids[i])
			}
			for i := 0; b.Loop(); i++ {
				if _, found := texts.Find(ids[i%count]); !found {
					b.Fatal("lost")
				}
			}
		})
	}
}

// TestTexts_PackIDs: ids of the usual kinds come back as they were, also after saving, and take no more than their bits.
func TestTexts_PackIDs(t *testing.T) {
	const count = 10*textsPerChunk + 7
	for name, kind := range map[string]struct {
		id    func(i int) string
		bytes int // of an id, with its place, of packed chunks
	}{
		"hex": {func(int) string { return fmt.Sprintf("user-%016x", rand.Uint64()) }, 8},
		"uuid": {func(int) string {
			return fmt.Sprintf("%08x-%04x-%04x-%016x", rand.Uint32(), rand.Uint32N(1<<16), rand.Uint32N(1<<16), rand.Uint64())
		}, 22},
		"numbers":   {func(i int) string { return fmt.Sprint("u", i) }, 4},
		"long":      {func(i int) string { return fmt.Sprint(i, strings.Repeat("x", i%250)) }, 110},
		"any bytes": {func(i int) string { return fmt.Sprint(i) + string([]byte{byte(i), byte(i >> 3), byte(i * 7)}) }, 20},
		"one empty": {func(i int) string { return strings.Trim(fmt.Sprint(i), "0") }, 4},
	} {
		t.Run(name, func(t *testing.T) {
			var texts, loaded Texts
			var ids []string
			for i := range count {
				id := kind.id(i)
				if _, added := texts.Add(id); added {
					ids = append(ids, id)
				}
			}
			size := 0
			for _, c := range texts.chunks[:len(texts.chunks)-1] {
				size += len(c.bytes) + 2*len(c.ends)
			}
			if size > kind.bytes*len(ids) {
				t.Errorf("%d bytes for %d ids", size, len(ids))
			}
			var file bytes.Buffer
			w := NewWriter(&file)
			texts.Save(w)
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			r := NewReader(&file)
			if loaded.Load(r); r.Err() != nil {
				t.Fatal(r.Err())
			}
			for _, texts := range []*Texts{&texts, &loaded} {
				for number, id := range ids {
					if got := texts.Text(number); got != id {
						t.Fatalf("text %d: got %q, want %q", number, got, id)
					}
					if got, found := texts.Find(id); !found || got != number {
						t.Fatalf("%q: got %d, %t, want %d", id, got, found, number)
					}
				}
			}
		})
	}
}
