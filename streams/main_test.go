// Shared by the tests: the goroutine leak check, and fixtures of commands and events.

package streams_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/streams"
)

// nats-server leaves two goroutines of a stream that it is creating while it is shut down, as when an Open on a busy machine is given up.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"))
}

const testTime = domain.Time(1767323045678) // 2026-01-02T03:04:05.678Z

func issueCommand(n int) domain.Command {
	user := fmt.Sprintf("u%d", n)
	return domain.Command{Entity: "demo", User: user, Request: domain.NewRequestID(user, "key"), Fingerprint: domain.NewFingerprint("POST", "/"), Body: coupons.Issue{}}
}

// recordChain returns the records of count issued coupons, after the record number last with hash prev.
func recordChain(tb testing.TB, last uint64, prev domain.Hash, count int) []domain.Record {
	tb.Helper()
	records := make([]domain.Record, count)
	for i := range records {
		n := last + uint64(i) + 1
		c := issueCommand(int(n))
		r, err := streams.EncodeEvent(prev, domain.Event{Number: n, Sequence: n * 1000, Now: testTime, Entity: c.Entity, User: c.User,
			Request: c.Request, Fingerprint: c.Fingerprint, Last: true,
			Body: coupons.Issued{PromotionID: "demo", CouponID: fmt.Sprintf("demo-%d", n), Number: int(n)}})
		if err != nil {
			tb.Fatal(err)
		}
		records[i], prev = r, r.Hash
	}
	return records
}

func state(tb testing.TB, l *streams.Log) domain.LogState {
	tb.Helper()
	s, err := l.State(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// testContext ends after a minute, so that no test hangs.
func testContext(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	tb.Cleanup(cancel)
	return ctx
}
