package streams_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"onsale/domain"
	"onsale/streams"
	"onsale/streams/streamtest"
)

func openBenchLog(b *testing.B, sync time.Duration) *streams.Log {
	c := streamtest.Config(b, b.TempDir())
	c.Sync = sync
	return streamtest.Open(b, c)
}

func BenchmarkAppend(b *testing.B) {
	for name, sync := range map[string]time.Duration{"1s": time.Second, "always": 0} {
		b.Run("sync="+name, func(b *testing.B) {
			l := openBenchLog(b, sync)
			b.SetParallelism(64) // 128 callers on two cores
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				c := issueCommand(1)
				for pb.Next() {
					if _, err := l.Append(context.Background(), c); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/float64(state(b, l).Commands.Last), "commands/message")
		})
	}
}

func BenchmarkAppendEvents(b *testing.B) {
	for _, sync := range []time.Duration{time.Second, 0} {
		for _, mode := range []string{"fenced", "atomic"} {
			for _, size := range []int{1, 5, 12, 40, 100, 500} {
				b.Run(fmt.Sprintf("sync=%s/%s/%d", sync, mode, size), func(b *testing.B) {
					l := openBenchLog(b, sync)
					l.SetMinAtomicBatch(map[string]int{"fenced": 1000, "atomic": 1}[mode])
					benchAppendEvents(b, l, size)
				})
			}
		}
	}
}

func BenchmarkAppendEvents_Cluster(b *testing.B) {
	if testing.Short() {
		b.Skip("takes seconds")
	}
	servers := streamtest.Cluster(b, 3)
	for _, mode := range []string{"fenced", "atomic"} {
		for _, size := range []int{1, 5, 40, 500} {
			b.Run(fmt.Sprintf("%s/%d", mode, size), func(b *testing.B) {
				l := streamtest.Open(b, clusterConfig(b, servers, "a"))
				l.SetMinAtomicBatch(map[string]int{"fenced": 1000, "atomic": 1}[mode])
				benchAppendEvents(b, l, size)
				l.JetStream().DeleteStream(context.Background(), "COMMANDS")
				l.JetStream().DeleteStream(context.Background(), "EVENTS")
			})
		}
	}
}

// benchAppendEvents reports the time for one event, in batches of size.
func benchAppendEvents(b *testing.B, l *streams.Log, size int) {
	const total = 20_000
	records := recordChain(b, 0, domain.Hash{}, total)
	next := uint64(0)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		batch := records[int(next)%(total-size):][:size]
		for j := range batch {
			next++
			batch[j].Number = next // the bytes don't matter here
		}
		if err := l.AppendEvents(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(next), "ns/event")
}

func BenchmarkEvents(b *testing.B) {
	l := openBenchLog(b, time.Second)
	records := recordChain(b, 0, domain.Hash{}, 50_000)
	if err := l.AppendEvents(context.Background(), records); err != nil {
		b.Fatal(err)
	}
	for _, decode := range []bool{false, true} {
		b.Run(fmt.Sprintf("decode=%t", decode), func(b *testing.B) {
			b.ReportAllocs()
			count := 0
			for b.Loop() {
				for record, err := range l.Events(context.Background(), 1, "") {
					if err != nil {
						b.Fatal(err)
					}
					if decode {
						if _, err := streams.DecodeEvent(record); err != nil {
							b.Fatal(err)
						}
					}
					if count++; record.Number == uint64(len(records)) {
						break
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(count), "ns/event")
		})
	}
}
