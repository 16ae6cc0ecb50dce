package streams

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

const testParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestTrace_HeaderRoundTrips(t *testing.T) {
	batch := make([]*pendingAppend, maxMessageCommands)
	for i := range batch {
		batch[i] = &pendingAppend{}
	}
	if header := traceBatch(batch); header != nil {
		t.Errorf("without traces the header is %v", header)
	}
	batch[0].trace, batch[7].trace = testParent, strings.Replace(testParent, "4bf9", "0000", 1)
	var got []string
	tracing := &Tracing{OnCommand: func(sequence uint64, parent string) { got = append(got, fmt.Sprint(sequence, " ", parent)) }}
	tracing.reportTraces(3, len(batch), traceBatch(batch))
	if want := []string{"3000 " + batch[0].trace, "3007 " + batch[7].trace}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, p := range batch {
		p.trace = testParent
	}
	got = nil
	tracing.reportTraces(3, len(batch), traceBatch(batch))
	if len(got) != maxTraces {
		t.Errorf("%d commands of a full message are traced, want %d", len(got), maxTraces)
	}
}

// Whatever the header of a message has, only commands that the message has are reported, and a bounded number.
func FuzzTrace_Header(f *testing.F) {
	f.Add("0=" + testParent + ",1=" + testParent)
	f.Add("-1=" + testParent + ",99999999999999999999=" + testParent + ",2=x,=,")
	f.Fuzz(func(t *testing.T, value string) {
		count := 0
		tracing := &Tracing{OnCommand: func(sequence uint64, parent string) {
			if count++; sequence < 5000 || sequence > 5001 || len(parent) != parentLength || count > maxTraces {
				t.Errorf("%q: command %d has %q", value, sequence, parent)
			}
		}}
		tracing.reportTraces(5, 2, nats.Header{traceHeader: {value}})
	})
}

// BenchmarkTrace_Off is what a command and its event cost in this package when nothing is traced.
func BenchmarkTrace_Off(b *testing.B) {
	l := &Log{}
	batch := []*pendingAppend{{}}
	m := &nats.Msg{Header: nats.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		batch[0].trace = l.traceOf(context.Background())
		traceBatch(batch)
		l.setTrace(m, 1)
	}
}
