package streams_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"onsale/domain"
	"onsale/streams/streamtest"
)

// Readers come and go in milliseconds. One that goes while its consumer is being made leaves none behind.
func TestCancelledReadersLeaveNoConsumer(t *testing.T) {
	l := streamtest.Open(t, streamtest.Config(t, t.TempDir()))
	if err := l.Emit(t.Context(), chain(t, 0, domain.Hash{}, 100)); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(2000))*time.Microsecond)
				for range l.Records(ctx, 1, "") {
				}
				cancel()
			}
		})
	}
	all.Wait()
	s, err := l.JetStream().Stream(t.Context(), "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := info.State.Consumers; n > 0 {
		t.Errorf("%d consumers are left of 1600 readers", n)
	}
}
