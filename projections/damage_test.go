package projections_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/projections"
	"onsale/projections/store"
)

// storeOfEverything stops a node whose store has rows of every kind, and returns the bytes of the file and a store with the same rows.
func storeOfEverything(t *testing.T) (tn *testNode, content []byte, want *store.Store) {
	t.Helper()
	tn = newTestNode(t)
	tn.close()
	tn.messageInterval, tn.outboxRetention = 8*time.Second, time.Hour
	tn.start()
	c := randomCommands{Rand: rand.New(rand.NewPCG(1, 1)), tn: tn, payments: map[string]orders.Payment{}, amounts: map[string]int64{}, lastKnown: map[string]uint64{}}
	for range 600 {
		c.appendNext()
	}
	tn.waitConfirmed()
	tn.close()
	content, err := os.ReadFile(tn.path())
	if err != nil {
		t.Fatal(err)
	}
	same := filepath.Join(t.TempDir(), "same.db")
	if err := os.WriteFile(same, content, 0o600); err != nil {
		t.Fatal(err)
	}
	tn.openLog()
	want, _, err = store.Open(same, tn.log.Epoch(), tn.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { want.Close() })
	return tn, content, want
}

// openDamaged opens a store with this content and says what happened. It fails the test when rows differ from the wanted ones.
func (tn *testNode) openDamaged(t *testing.T, content []byte, want *store.Store) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, _, err := store.Open(path, tn.log.Epoch(), tn.log)
	if errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrLayout) {
		return "rebuilt, because " + strings.TrimPrefix(err.Error(), "the read store is damaged: ")
	}
	if err != nil {
		t.Error(err)
		return "error"
	}
	defer s.Close()
	difference, err := store.Difference(s, want)
	if err == nil && difference == "" {
		ours, ourErr := s.Outbox(1)
		theirs, theirErr := want.Outbox(1)
		if err = errors.Join(ourErr, theirErr); !reflect.DeepEqual(ours, theirs) {
			difference = "the outbox"
		}
	}
	if err != nil || difference != "" {
		t.Errorf("opened with other rows: %s %v", difference, err)
		return "OPENED WITH OTHER ROWS"
	}
	return "byte of no row"
}

// A flipped byte anywhere in the file is noticed when the file is opened, or is a byte that no row uses.
func TestDamage_NoticesFlippedBytes(t *testing.T) {
	tn, content, want := storeOfEverything(t)
	used := len(bytes.TrimRight(content, "\x00"))
	results := map[string]int{}
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 38))
		offset := random.IntN(used)
		for content[offset] == 0 { // most zero bytes belong to no row
			offset = random.IntN(used)
		}
		damaged := bytes.Clone(content)
		damaged[offset] ^= 1 << random.IntN(8)
		result := tn.openDamaged(t, damaged, want)
		t.Logf("seed %2d: byte %4d of page %3d: %s", seed, offset%4096, offset/4096, result)
		kind, _, _ := strings.Cut(result, ",")
		results[kind]++
	}
	t.Log(results)
}

// A file that was cut anywhere is noticed, unless only unused pages are lost.
func TestDamage_NoticesTruncation(t *testing.T) {
	tn, content, want := storeOfEverything(t)
	used := len(bytes.TrimRight(content, "\x00"))
	pages := used / 4096
	for _, size := range []int{1, 16, 100, 4095, 4096, 5000, 8191, 8192, 8193, 12288, 12289, 16384, pages / 4 * 4096, pages / 2 * 4096, pages/2*4096 + 1717,
		(pages - 1) * 4096, used - 100, used + 8192} {
		if only := os.Getenv("ONLY_SIZE"); only != "" && only != fmt.Sprint(size) {
			continue
		}
		result := tn.openDamaged(t, content[:size], want)
		t.Logf("%7d of %d bytes: %s", size, used, result)
		if size < used-4096 && !strings.HasPrefix(result, "rebuilt") {
			t.Errorf("%d bytes: %s, want a rebuild", size, result)
		}
	}
}

// Rows that are whole, but of another time, or missing, or too many.
func TestDamage_NoticesOtherRows(t *testing.T) {
	tn, content, want := storeOfEverything(t)
	for name, alter := range map[string]func(tx *bolt.Tx) error{
		"a coupon is missing": func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte("coupons"))
			id, _ := b.Cursor().First()
			k, _ := b.Bucket(id).Cursor().Last()
			return b.Bucket(id).Delete(k)
		},
		"an order is missing": func(tx *bolt.Tx) error {
			k, _ := tx.Bucket([]byte("orders")).Cursor().First()
			return tx.Bucket([]byte("orders")).Delete(k)
		},
		"a row of the journal is missing": func(tx *bolt.Tx) error {
			k, _ := tx.Bucket([]byte("journal")).Cursor().Seek([]byte{0, 0, 0, 0, 0, 0, 0, 100})
			return tx.Bucket([]byte("journal")).Delete(k)
		},
		"all products are missing":      func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("products")) },
		"all waiting lists are missing": func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte("waitlists")) },
		"the row of another key": func(tx *bolt.Tx) error {
			c := tx.Bucket([]byte("orders")).Cursor()
			k, _ := c.First()
			_, v := c.Next()
			return tx.Bucket([]byte("orders")).Put(bytes.Clone(k), bytes.Clone(v))
		},
		"bytes without a checksum": func(tx *bolt.Tx) error {
			k, v := tx.Bucket([]byte("promotions")).Cursor().First()
			return tx.Bucket([]byte("promotions")).Put(bytes.Clone(k), bytes.Replace(bytes.Clone(v), []byte("stock\":"), []byte("stock\":9"), 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "altered.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := bolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(db.Update(alter), db.Close()); err != nil {
				t.Fatal(err)
			}
			altered, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			result := tn.openDamaged(t, altered, want)
			if t.Log(result); !strings.HasPrefix(result, "rebuilt") {
				t.Errorf("%s, want a rebuild", result)
			}
		})
	}
}

// A store that is damaged while the node runs ends the node: what reads the damage gets an error and no rows, and the next start
// rebuilds the store.
func TestDamage_EndsRunningNode(t *testing.T) {
	for name, damage := range map[string]func(f *os.File, size int64) error{
		"bytes overwritten": func(f *os.File, size int64) error {
			content, err := io.ReadAll(f)
			for offset := 2 * 4096; offset < len(content); offset++ {
				if content[offset] != 0 {
					content[offset] ^= 0x10
				}
			}
			_, writeErr := f.WriteAt(content[2*4096:], 2*4096)
			return errors.Join(err, writeErr)
		},
		"truncated": func(f *os.File, _ int64) error { return f.Truncate(2 * 4096) },
		"zeroes": func(f *os.File, size int64) error {
			return errors.Join(f.Truncate(2*4096), f.Truncate(size))
		},
	} {
		for use, run := range map[string]func(*testNode) error{
			"read": func(tn *testNode) error {
				return tn.p.Read("kim", func(v *store.View) error {
					found, ok, err := v.Promotion("demo")
					if err == nil && ok && found.Stock != 100 {
						tn.tb.Errorf("got a damaged promotion %+v", found)
					}
					page, err2 := v.Coupons(0, 10)
					tn.tb.Logf("%v %v %v", found, page, errors.Join(err, err2))
					return errors.Join(err, err2)
				})
			},
			"command": func(tn *testNode) error {
				c := command("lee", "k", "demo", coupons.Issue{})
				_, err := tn.p.Await(tn.tb.(*testing.T).Context(), c.Request, tn.append(c))
				return err
			},
		} {
			t.Run(name+", "+use, func(t *testing.T) {
				tn := newTestNode(t)
				tn.createPromotion("demo", 100)
				tn.submit(command("kim", "k", "demo", coupons.Issue{}))
				tn.issueConcurrently(50, "demo")
				tn.waitConfirmed()
				f, err := os.OpenFile(tn.path(), os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				info, err := f.Stat()
				if err != nil {
					t.Fatal(err)
				}
				if err := damage(f, info.Size()); err != nil {
					t.Fatal(err)
				}
				if err := run(tn); !errors.Is(err, store.ErrDamaged) && !errors.Is(err, projections.ErrHalted) {
					t.Errorf("got %v, want a damaged store", err)
				}
				select {
				case err := <-tn.p.Failed():
					t.Log(err)
				case <-time.After(10 * time.Second):
					t.Error("the projector has not failed")
				}
				if err := run(tn); !errors.Is(err, projections.ErrHalted) {
					t.Errorf("afterwards: %v, want ErrHalted", err)
				}
				tn.close()
				tn.start()
				if t.Log(tn.recovery.RebuildReason); tn.recovery.RebuildReason == "" {
					t.Error("the store was not rebuilt")
				}
				tn.waitConfirmed()
			})
		}
	}
}
