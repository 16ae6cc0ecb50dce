package streams_test

import (
	"context"
	"os"
	"testing"
	"time"

	"onsale/domain"
	"onsale/streams/streamtest"
)

// The network to NATS is cut, so that no connection breaks, or the consumers deliver nothing although the server answers. Readers
// get everything once that has ended, each message once and in order.
func TestReader_SurvivesSilence(t *testing.T) {
	for name, c := range map[string]struct {
		lasts time.Duration
		cut   func(p *streamtest.Proxy, cut bool)
	}{
		"cut for less than the connection's deadline": {7 * time.Second, (*streamtest.Proxy).Hold},
		"cut for longer": {20 * time.Second, (*streamtest.Proxy).Hold},
		"no deliveries":  {7 * time.Second, (*streamtest.Proxy).DropDeliveries},
	} {
		t.Run(name, func(t *testing.T) {
			if c.lasts > 10*time.Second && os.Getenv("ONSALE_TEST_LONG") == "" {
				t.Skip("takes half a minute: set ONSALE_TEST_LONG")
			}
			t.Parallel()
			servers := streamtest.Cluster(t, 1)
			config := clusterConfig(t, servers, "near")
			config.Replicas = 1
			near := streamtest.Open(t, config)
			proxy := streamtest.NewProxy(t, servers.URLs[0])
			config.URLs, config.Node = []string{proxy.URL}, "far"
			far := streamtest.Open(t, config)

			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			commands, err := far.ConsumeCommands(ctx, 1)
			if err != nil {
				t.Fatal(err)
			}
			followed := make(chan uint64, 100)
			go func() {
				defer close(followed)
				for record, err := range far.Events(ctx, 1, "") {
					if err != nil {
						t.Error(err)
						return
					}
					followed <- record.Number
				}
			}()
			records := recordChain(t, 0, domain.Hash{}, 20)
			appendCommands(t, near, 10)
			if err := near.AppendEvents(ctx, records[:10]); err != nil {
				t.Fatal(err)
			}
			expectMessages(t, commands, 1, 10)
			c.cut(proxy, true)
			began := time.Now()
			appendCommands(t, near, 10)
			if err := near.AppendEvents(ctx, records[10:]); err != nil {
				t.Fatal(err)
			}
			time.Sleep(c.lasts - time.Since(began))
			c.cut(proxy, false)
			ended := time.Now()
			expectMessages(t, commands, 11, 20)
			for want := uint64(1); want <= 20; want++ {
				if n := <-followed; n != want {
					t.Fatalf("event %d, want %d", n, want)
				}
			}
			t.Logf("all is read %v after the end of the silence", time.Since(ended).Round(10*time.Millisecond))
			cancel()
			commands.Stop()
			for range followed {
			}
		})
	}
}
