package streams_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/streams"
	"onsale/streams/streamtest"
)

// TestAppend_BatchesConcurrentCommands delays the first message. The commands that arrive meanwhile share the next messages, in
// the order of arrival.
func TestAppend_BatchesConcurrentCommands(t *testing.T) {
	l := streamtest.Start(t)
	held, release := holdSends(l)
	sequences := make([]uint64, 301)
	var wg sync.WaitGroup
	appendOne := func(i int) {
		var err error
		if sequences[i], err = l.Append(t.Context(), issueCommand(i)); err != nil {
			t.Error(err)
		}
	}
	wg.Go(func() { appendOne(0) })
	<-held
	for i := 1; i <= 300; i++ {
		wg.Go(func() { appendOne(i) })
	}
	for l.PendingAppends() < 300 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	wg.Wait()
	if s := state(t, l).Commands; s.Messages != 3 {
		t.Fatalf("%d messages for 1 + 256 + 44 commands", s.Messages)
	}
	// Append returned the sequence that each command has in the log.
	seen := 0
	for batch, err := range l.CommandBatches(testContext(t), 1) {
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range batch.Commands {
			var n int
			fmt.Sscanf(c.User, "u%d", &n)
			if sequences[n] != c.Sequence {
				t.Fatalf("%s: Append returned %d, the log has %d", c.User, sequences[n], c.Sequence)
			}
			seen++
		}
		if batch.Message == 3 {
			break
		}
	}
	if seen != 301 {
		t.Fatal(seen)
	}
}

// holdSends blocks every message of COMMANDS before it is sent, until release is closed. held receives once for each.
func holdSends(l *streams.Log) (held, release chan bool) {
	held, release = make(chan bool, 8), make(chan bool)
	l.SetHook(func(_ string, at streams.HookPoint) error {
		if at == streams.BeforeSend {
			held <- true
			<-release
		}
		return nil
	})
	return held, release
}

func TestAppend_LimitsMessageBytes(t *testing.T) {
	l := streamtest.Start(t)
	large := issueCommand(1)
	large.Body = coupons.Create{Name: strings.Repeat("x", 200<<10)}
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			if _, err := l.Append(t.Context(), large); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	large.Body = coupons.Create{Name: strings.Repeat("x", 512<<10)}
	if _, err := l.Append(t.Context(), large); err == nil {
		t.Error("appended a command larger than a message")
	}
	count := 0
	for batch, err := range l.CommandBatches(testContext(t), 1) {
		if err != nil || len(batch.Commands) > 2 {
			t.Fatal(len(batch.Commands), err)
		}
		if count += len(batch.Commands); count == 12 {
			break
		}
	}
}

// TestAppend_ClassifiesErrors fails before and after the command is stored.
func TestAppend_ClassifiesErrors(t *testing.T) {
	errStaged := errors.New("staged")
	for name, c := range map[string]struct {
		at   streams.HookPoint
		want error
		last uint64
	}{
		"before it is sent":  {streams.BeforeSend, domain.ErrUnavailable, 0},
		"after it is stored": {streams.AfterStore, domain.ErrNoAck, 1},
	} {
		l := streamtest.Start(t)
		l.SetHook(func(_ string, at streams.HookPoint) error {
			if at == c.at {
				return errStaged
			}
			return nil
		})
		if _, err := l.Append(t.Context(), issueCommand(1)); !errors.Is(err, c.want) || !errors.Is(err, errStaged) {
			t.Fatal(name, err)
		}
		if last := state(t, l).Commands.Last; last != c.last {
			t.Fatal(name, last)
		}
		l.SetHook(nil)
		if s, err := l.Append(t.Context(), issueCommand(2)); err != nil || s != (c.last+1)*1000 {
			t.Fatal(name, s, err)
		}
	}
}

// TestAppend_HonorsContext cancels an append before and after its command is sent.
func TestAppend_HonorsContext(t *testing.T) {
	l := streamtest.Start(t)
	held, release := holdSends(l)
	results := make(chan error)
	sentCtx, cancelSent := context.WithCancel(t.Context())
	queuedCtx, cancelQueued := context.WithCancel(t.Context())
	go func() { _, err := l.Append(sentCtx, issueCommand(1)); results <- err }()
	<-held
	go func() { _, err := l.Append(queuedCtx, issueCommand(2)); results <- err }()
	for l.PendingAppends() < 1 {
		time.Sleep(time.Millisecond)
	}
	cancelQueued()
	if err := <-results; !errors.Is(err, context.Canceled) || errors.Is(err, domain.ErrNoAck) {
		t.Fatal(err)
	}
	cancelSent()
	if err := <-results; !errors.Is(err, domain.ErrNoAck) {
		t.Fatal(err)
	}
	close(release)
	if s, err := l.Append(t.Context(), issueCommand(3)); err != nil || s != 2000 {
		t.Fatal(s, err, "want the second message: only the first command was sent before")
	}
	if _, err := l.Append(sentCtx, issueCommand(4)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// TestAppend_FailsWithoutStream appends when no stream can receive the command, so it is certainly not stored.
func TestAppend_FailsWithoutStream(t *testing.T) {
	l := streamtest.Start(t)
	if err := l.JetStream().DeleteStream(t.Context(), "COMMANDS"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), issueCommand(1)); !errors.Is(err, domain.ErrUnavailable) {
		t.Fatal(err)
	}
}

func TestClose_RefusesPendingAppends(t *testing.T) {
	l := streamtest.Start(t)
	held, release := holdSends(l)
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := l.Append(context.Background(), issueCommand(1)); first <- err }()
	<-held
	go func() { _, err := l.Append(context.Background(), issueCommand(2)); second <- err }()
	for l.PendingAppends() < 1 {
		time.Sleep(time.Millisecond)
	}
	closed := make(chan error)
	go func() { closed <- l.Close() }()
	for !l.BatcherStopped() {
		time.Sleep(time.Millisecond)
	}
	close(release)
	if err := <-first; err != nil {
		t.Error("append in flight:", err)
	}
	if err := <-second; !errors.Is(err, domain.ErrClosed) {
		t.Error(err)
	}
	<-closed
}

func TestAppendNoops_FillsUpTo(t *testing.T) {
	l := streamtest.Start(t)
	if _, err := l.Append(t.Context(), issueCommand(1)); err != nil {
		t.Fatal(err)
	}
	for _, upTo := range []uint64{5, 5, 3} {
		if err := l.AppendNoops(t.Context(), upTo); err != nil {
			t.Fatal(err)
		}
	}
	if s := state(t, l).Commands; s.Last != 5 || s.CheckContiguous() != nil {
		t.Fatalf("%+v", s)
	}
	for batch, err := range l.CommandBatches(testContext(t), 2) {
		if err != nil || len(batch.Commands) != 1 || batch.Commands[0].Body != (domain.Noop{}) {
			t.Fatal(batch, err)
		}
		if batch.Message == 5 {
			break
		}
	}
}

// TestSyncAlways_AppendsAndReopens does not check that nats-server syncs its files, only that appends work with it.
func TestSyncAlways_AppendsAndReopens(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	c.Sync = 0
	l := streamtest.Open(t, c)
	if s, err := l.Append(t.Context(), issueCommand(1)); err != nil || s != 1000 {
		t.Fatal(s, err)
	}
	records := recordChain(t, 0, domain.Hash{}, 1200) // three batches
	if err := l.AppendEvents(t.Context(), records[:3]); err != nil {
		t.Fatal(err)
	}
	if err := l.AppendEvents(t.Context(), records); !errors.Is(err, domain.ErrFenced) {
		t.Fatal(err)
	}
	if err := l.AppendEvents(t.Context(), records[3:]); err != nil {
		t.Fatal(err)
	}
	l.Close()
	l = streamtest.Open(t, c)
	if s := state(t, l).Events; s.Last != 1200 || s.CheckContiguous() != nil {
		t.Fatalf("%+v", s)
	}
	expectEvents(t, l, records)
}
