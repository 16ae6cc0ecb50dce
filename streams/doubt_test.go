package streams_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"onsale/domain"
	"onsale/streams/streamtest"
)

// A reader of an external log that does not find a message says so among the problems, asks again, and goes on when it is there;
// only if it stays away, that is an error.
func TestReader_DoubtsAGap(t *testing.T) {
	servers := streamtest.Cluster(t, 1)
	c := clusterConfig(t, servers, "a")
	c.Replicas = 1
	l := streamtest.Open(t, c)
	l.SetPatience(4 * time.Second)
	appendCommands(t, l, 3)
	reader := consumeCommands(t, l, 5) // message 4 does not exist yet: the log ends too early
	waitProblem(t, l, "COMMANDS cannot be read from 5 on")
	appendCommands(t, l, 3)
	expectMessages(t, reader, 5, 6)
	waitProblem(t, l, "")

	// A stream that is gone for a moment, as by a server that does not know it.
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	stream, err := l.JetStream().Stream(ctx, "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	followed := make(chan error, 1)
	go func() {
		for _, err := range l.Events(ctx, 1, "") {
			followed <- err
			return
		}
	}()
	if err := l.JetStream().DeleteStream(ctx, "EVENTS"); err != nil {
		t.Fatal(err)
	}
	waitProblem(t, l, "EVENTS cannot be read from 1 on")
	if _, err := l.JetStream().CreateStream(ctx, config); err != nil {
		t.Fatal(err)
	}
	if err := l.AppendEvents(ctx, recordChain(t, 0, domain.Hash{}, 1)); err != nil {
		t.Fatal(err)
	}
	if err := <-followed; err != nil {
		t.Errorf("the stream is back: got %v", err)
	}
	waitProblem(t, l, "")

	go func() {
		for _, err := range l.Events(ctx, 9, "") {
			followed <- err
			return
		}
	}()
	if err := <-followed; !errors.Is(err, domain.ErrUnreadable) {
		t.Errorf("a message that stays away: got %v", err)
	}
}
