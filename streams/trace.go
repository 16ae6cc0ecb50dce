// Traces in the logs: a message names the traces of what it carries in a header of its own. It is not traceparent, which would
// switch on the tracing of nats-server, and it is outside of what is hashed: an event has the same hash with and without it.
//
// The header of a message of COMMANDS is "0=PARENT,7=PARENT": the W3C traceparent of the commands with these indexes. That of
// an event is its PARENT alone.

package streams

import (
	"context"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"onsale/domain"
)

const (
	traceHeader = "Onsale-Trace"

	maxTraces    = 64 // in one message; the other commands of a larger batch lose their traces
	parentLength = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
)

// Tracing connects the log with a tracer. A parent is a W3C traceparent; "" is no trace.
type Tracing struct {
	ParentOf      func(ctx context.Context) (parent string) // of a command that is appended
	OnCommand     func(sequence uint64, parent string)      // a traced command is delivered, in the order of sequences
	ParentOfEvent func(number uint64) (parent string)       // of an event that is published
}

// traceOf is the parent of a command; nothing is traced without a tracer.
func (l *Log) traceOf(ctx context.Context) string {
	if l.config.Tracing == nil {
		return ""
	}
	return l.config.Tracing.ParentOf(ctx)
}

// traceBatch is the header of a message with these commands; nil: none is traced.
func traceBatch(batch []*pendingAppend) nats.Header {
	var value []byte
	count := 0
	for i, p := range batch {
		if p.trace == "" {
			continue
		}
		if count++; count > maxTraces {
			break
		}
		if len(value) > 0 {
			value = append(value, ',')
		}
		value = strconv.AppendInt(value, int64(i), 10)
		value = append(value, '=')
		value = append(value, p.trace...)
	}
	if value == nil {
		return nil
	}
	return nats.Header{traceHeader: {string(value)}}
}

// reportTraces tells the tracer about the traced commands of a message. Others may have written the header, so what does not
// look like it is passed over.
func (t *Tracing) reportTraces(message uint64, commands int, header nats.Header) {
	count := 0
	for entry := range strings.SplitSeq(header.Get(traceHeader), ",") {
		index, parent, _ := strings.Cut(entry, "=")
		i, err := strconv.Atoi(index)
		if err != nil || i < 0 || i >= commands || len(parent) != parentLength {
			continue
		}
		if count++; count > maxTraces {
			return
		}
		t.OnCommand(message*domain.SequencesPerMessage+uint64(i), parent)
	}
}

// setTrace sets the header of an event that is published with m, or removes that of the one before.
func (l *Log) setTrace(m *nats.Msg, number uint64) {
	if l.config.Tracing == nil {
		return
	}
	if parent := l.config.Tracing.ParentOfEvent(number); parent != "" {
		setHeader(m, traceHeader, parent)
	} else {
		delete(m.Header, traceHeader)
	}
}
