package streams_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"onsale/domain"
	"onsale/streams"
	"onsale/streams/streamtest"
)

func appendCommands(tb testing.TB, l *streams.Log, n int) {
	tb.Helper()
	for i := range n {
		if _, err := l.Append(tb.Context(), issueCommand(i)); err != nil {
			tb.Fatal(err)
		}
	}
}

func consumeCommands(tb testing.TB, l *streams.Log, from uint64) *streams.CommandConsumer {
	tb.Helper()
	c, err := l.ConsumeCommands(testContext(tb), from)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Stop)
	return c
}

// expectMessages receives the messages from..to, each once and in order.
func expectMessages(tb testing.TB, c *streams.CommandConsumer, from, to uint64) {
	tb.Helper()
	for want := from; want <= to; want++ {
		batch, ok := <-c.Batches()
		if !ok || batch.Message != want || batch.Commands[0].Sequence != want*1000 {
			tb.Fatalf("message %d (%t), want %d: %v", batch.Message, ok, want, c.Err())
		}
	}
}

func TestCommandConsumer_StartsAtCheckpoint(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	l := streamtest.Open(t, c)
	appendCommands(t, l, 50)
	reader := consumeCommands(t, l, 1)
	expectMessages(t, reader, 1, 50)
	reader.Ack(50)
	reader.Ack(50)
	appendCommands(t, l, 3)
	expectMessages(t, reader, 51, 53)
	reader.Stop()
	if _, open := <-reader.Batches(); open || reader.Err() != nil {
		t.Fatal(open, reader.Err())
	}
	// The checkpoint decides, whether it is below or above the acknowledged message.
	for _, from := range []uint64{20, 1, 53, 30} {
		reader = consumeCommands(t, l, from)
		expectMessages(t, reader, from, 53)
		reader.Stop()
	}
	l.Close()
	l = streamtest.Open(t, c)
	reader = consumeCommands(t, l, 54)
	appendCommands(t, l, 1)
	expectMessages(t, reader, 54, 54)
	l.Close()
	if _, open := <-reader.Batches(); open || !errors.Is(reader.Err(), domain.ErrClosed) {
		t.Fatal(open, reader.Err())
	}
}

func TestCommandConsumer_AckMovesFloor(t *testing.T) {
	l := streamtest.Start(t)
	appendCommands(t, l, 10)
	reader := consumeCommands(t, l, 1)
	expectMessages(t, reader, 1, 10)
	reader.Ack(7)
	for {
		consumer, err := l.JetStream().Consumer(t.Context(), "COMMANDS", "projector-test")
		if err != nil {
			t.Fatal(err)
		}
		if info := consumer.CachedInfo(); info.AckFloor.Stream == 7 && info.NumAckPending == 3 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// TestCommandConsumer_ToleratesSlowReader has more messages than all buffers hold.
func TestCommandConsumer_ToleratesSlowReader(t *testing.T) {
	l := streamtest.Start(t)
	appendCommands(t, l, 2000)
	reader := consumeCommands(t, l, 1)
	time.Sleep(200 * time.Millisecond)
	expectMessages(t, reader, 1, 2000)
}

func TestCommandConsumer_RecreatesDurable(t *testing.T) {
	l := streamtest.Start(t)
	appendCommands(t, l, 5)
	reader := consumeCommands(t, l, 1)
	expectMessages(t, reader, 1, 5)
	if err := l.JetStream().DeleteConsumer(t.Context(), "COMMANDS", "projector-test"); err != nil {
		t.Fatal(err)
	}
	appendCommands(t, l, 5)
	expectMessages(t, reader, 6, 10)
	// A deleted stream ends it.
	if err := l.JetStream().DeleteStream(t.Context(), "COMMANDS"); err != nil {
		t.Fatal(err)
	}
	if _, open := <-reader.Batches(); open || reader.Err() == nil {
		t.Fatal(open, reader.Err())
	}
}

func TestCommandConsumer_RefusesBadInput(t *testing.T) {
	l := streamtest.Start(t)
	if _, err := l.ConsumeCommands(t.Context(), 0); err == nil {
		t.Error("consuming from message 0")
	}
	appendCommands(t, l, 2)
	reader := consumeCommands(t, l, 4)
	if _, open := <-reader.Batches(); open || !errors.Is(reader.Err(), streams.ErrPastEnd) {
		t.Error(open, reader.Err())
	}
	if _, err := l.JetStream().Publish(t.Context(), "cmd.other", []byte(`{"type":"gifts.give","v":3,"entity":"a","user":"b"}`)); err != nil {
		t.Fatal(err)
	}
	reader = consumeCommands(t, l, 2)
	expectMessages(t, reader, 2, 2)
	if _, open := <-reader.Batches(); open || !errors.Is(reader.Err(), domain.ErrUnknownType) {
		t.Error(open, reader.Err())
	}
}

func TestEvents_FollowsAndFilters(t *testing.T) {
	l := streamtest.Start(t)
	records := recordChain(t, 0, domain.Hash{}, 30)
	if err := l.AppendEvents(t.Context(), records[:20]); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	next := uint64(5)
	for record, err := range l.Events(ctx, 5, "") {
		if err != nil || record.Number != next {
			t.Fatal(record.Number, err)
		}
		if next++; next == 21 { // Events waits for more
			go l.AppendEvents(context.Background(), records[20:])
		}
		if next == 31 {
			cancel() // ends the loop without an error
		}
	}
	if next != 31 {
		t.Fatal(next)
	}
	for record, err := range l.EventHashes(testContext(t), 1) {
		if err != nil || record.Payload != nil || record.Hash != records[record.Number-1].Hash || record.Subject != records[record.Number-1].Subject {
			t.Fatalf("%+v, %v", record, err)
		}
		if record.Number == 30 {
			break
		}
	}
	var got []uint64
	for record, err := range l.Events(testContext(t), 1, "evt.*.*.u7") {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, record.Number); record.Number == 7 {
			break
		}
	}
	if len(got) != 1 {
		t.Fatal(got)
	}
	for _, err := range l.Events(testContext(t), 32, "") {
		if !errors.Is(err, streams.ErrPastEnd) {
			t.Fatal(err)
		}
	}
	// No consumer is left.
	stream, err := l.JetStream().Stream(t.Context(), "EVENTS")
	if err != nil || stream.CachedInfo().State.Consumers != 0 {
		t.Fatal(stream.CachedInfo().State.Consumers, err)
	}
}

func TestEvents_ResumesAfterReopen(t *testing.T) {
	c := streamtest.Config(t, t.TempDir())
	l := streamtest.Open(t, c)
	records := recordChain(t, 0, domain.Hash{}, 20)
	if err := l.AppendEvents(t.Context(), records[:10]); err != nil {
		t.Fatal(err)
	}
	var last error
	next := uint64(1)
	for record, err := range l.Events(testContext(t), next, "") {
		if last = err; err != nil {
			break
		}
		if next = record.Number + 1; next == 11 {
			go l.Close()
		}
	}
	if !errors.Is(last, domain.ErrClosed) || next != 11 {
		t.Fatal(last, next)
	}
	l.Close() // wait for the Close above
	l = streamtest.Open(t, c)
	go l.AppendEvents(context.Background(), records[10:])
	for record, err := range l.Events(testContext(t), next, "") {
		if err != nil || record.Number != next {
			t.Fatal(record.Number, err)
		}
		if next++; next == 21 {
			break
		}
	}
	expectEvents(t, l, records)
}

// TestEvents_ReadsLongStreams reads the files of a stream, and what is appended meanwhile.
func TestEvents_ReadsLongStreams(t *testing.T) {
	l := streamtest.Start(t)
	records := recordChain(t, 0, domain.Hash{}, 5_700)
	if err := l.AppendEvents(t.Context(), records[:5_500]); err != nil {
		t.Fatal(err)
	}
	var got []domain.Record // with their bytes, which must not be used again
	for record, err := range l.Events(testContext(t), 1, "") {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, record); len(got) == 4_000 {
			if err := l.AppendEvents(t.Context(), records[5_500:]); err != nil {
				t.Fatal(err)
			}
		}
		if len(got) == len(records) {
			break
		}
	}
	for i, want := range records {
		if got[i].Number != want.Number || got[i].Subject != want.Subject || got[i].Hash != want.Hash || !bytes.Equal(got[i].Payload, want.Payload) {
			t.Fatalf("event %d is\n%s %s\nwant\n%s %s", got[i].Number, got[i].Subject, got[i].Payload, want.Subject, want.Payload)
		}
	}
}

// TestEvents_StopsAtGap deletes an event from a stream that allows it. No reader continues past it, and the state shows it.
func TestEvents_StopsAtGap(t *testing.T) {
	l := streamtest.Start(t)
	stream, err := l.JetStream().Stream(t.Context(), "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.JetStream().DeleteStream(t.Context(), "EVENTS"); err != nil {
		t.Fatal(err)
	}
	c := stream.CachedInfo().Config
	c.DenyDelete = false // cannot be changed on an existing stream
	if stream, err = l.JetStream().CreateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := l.AppendEvents(t.Context(), recordChain(t, 0, domain.Hash{}, 10)); err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	if s := state(t, l).Events; s.CheckContiguous() == nil {
		t.Fatalf("%+v", s)
	}
	for _, from := range []uint64{1, 4} {
		last := from - 1
		var gapErr error
		for record, err := range l.Events(testContext(t), from, "") {
			if gapErr = err; err == nil {
				last = record.Number
			}
		}
		if !errors.Is(gapErr, streams.ErrGap) || last != 3 {
			t.Fatal(gapErr, last)
		}
	}
}

// Readers are cancelled within milliseconds, many of them while their consumer is being created.
func TestReader_LeavesNoConsumerWhenCancelled(t *testing.T) {
	l := streamtest.Open(t, streamtest.Config(t, t.TempDir()))
	if err := l.AppendEvents(t.Context(), recordChain(t, 0, domain.Hash{}, 100)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(2000))*time.Microsecond)
				for range l.Events(ctx, 1, "") {
				}
				cancel()
			}
		})
	}
	wg.Wait()
	s, err := l.JetStream().Stream(t.Context(), "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n := info.State.Consumers; n > 0 {
		t.Errorf("%d consumers left of 1600 readers", n)
	}
}
