package projections_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/machine"
	"onsale/projections/store"
	"onsale/streams"
)

// pastLog is EVENTS of one promotion with coupons for as many users, made as it is read.
type pastLog struct {
	*streams.Log // decodes
	coupons      int
}

func (l pastLog) Events(_ context.Context, _ uint64, _ string) iter.Seq2[domain.Record, error] {
	return func(yield func(domain.Record, error) bool) {
		m := machine.New()
		var hash domain.Hash
		c := domain.Command{Entity: "demo", User: "admin", Body: coupons.Create{Name: "n", Stock: coupons.MaxStock, PerUserLimit: 1}, At: 1}
		for i := range l.coupons + 1 {
			c.Sequence += domain.SequencesPerMessage
			c.Request = domain.NewRequestID(c.User, "k")
			events, err := m.Execute(c)
			record, encodeErr := streams.EncodeEvent(hash, events[0])
			if err != nil || encodeErr != nil {
				panic(fmt.Sprint(err, encodeErr))
			}
			if hash = record.Hash; !yield(record, nil) {
				return
			}
			c.User, c.Body, c.Fingerprint = pastUser(i), coupons.Issue{}, domain.Fingerprint(i)
		}
	}
}

// pastUser is an id of 21 characters; ids are in no order.
func pastUser(i int) string {
	hash := domain.NewFingerprint(string(binary.BigEndian.AppendUint64(nil, uint64(i))))
	return fmt.Sprintf("user-%016x", uint64(hash))
}

// BenchmarkStore_Past rebuilds a store with so many past coupons, all of different users, and opens it: with the state that the last run
// saved, and from its rows. B/coupon is the memory of the state, and B/coupon-disk the size of the store and the saved state.
func BenchmarkStore_Past(b *testing.B) {
	for _, past := range []int{1_000_000, 10_000_000} {
		b.Run(fmt.Sprint("coupons=", past), func(b *testing.B) {
			for b.Loop() {
				measurePast(b, past)
			}
		})
	}
}

func measurePast(b *testing.B, past int) {
	log, path := pastLog{&streams.Log{}, past}, filepath.Join(b.TempDir(), "store.db")
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	seconds := func(started time.Time, what string) { b.ReportMetric(time.Since(started).Seconds(), what) }
	before, started := heapBytes(), time.Now()
	s, state, err := store.Rebuild(b.Context(), path, "epoch", log, uint64(past)+1)
	check(err)
	seconds(started, "s/rebuild")
	b.ReportMetric((heapBytes()-before)/float64(past), "B/coupon")
	started = time.Now()
	check(s.SaveState(state))
	check(s.Close())
	seconds(started, "s/close")
	s, state = nil, store.State{}
	runtime.GC()
	for _, what := range []string{"s/open", "s/open-rows"} {
		started = time.Now()
		s, state, err = store.Open(path, "epoch", log)
		check(err)
		seconds(started, what)
		if state.Machine.Coupons.Promotion("demo").IssuedEver != past {
			b.Fatal("not all coupons are there")
		}
		check(s.Close())
		if what == "s/open" {
			size := int64(0)
			for _, name := range []string{path, path + ".state"} {
				info, err := os.Stat(name)
				check(err)
				size += info.Size()
			}
			b.ReportMetric(float64(size)/float64(past), "B/coupon-disk")
			check(os.Remove(path + ".state"))
		}
	}
}
