package streams_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/streams"
)

// TestRegistry_DecodesEveryVersion decodes one file for each type and version that was ever written, and encodes it to the same
// bytes. A failure is a change of the format; the file is right.
func TestRegistry_DecodesEveryVersion(t *testing.T) {
	for _, name := range streams.EventVersions() {
		payload := readTestdata(t, "events", name)
		event, err := streams.DecodePayload(payload)
		if err != nil {
			t.Fatal(name, err)
		}
		record, err := streams.EncodeEvent(domain.Hash{}, event)
		if err != nil {
			t.Fatal(name, err)
		}
		if !bytes.Equal(record.Payload, payload) {
			t.Errorf("%s\n got %s\nwant %s", name, record.Payload, payload)
		}
		if roundTrip, err := streams.DecodeEvent(record); err != nil || !reflect.DeepEqual(roundTrip, event) {
			t.Errorf("%s: %+v, %v, want %+v", name, roundTrip, err, event)
		}
	}
	for _, name := range streams.CommandTypes() {
		line := readTestdata(t, "commands", name)
		command, err := streams.DecodeLine(line)
		if err != nil {
			t.Fatal(name, err)
		}
		if roundTrip, err := streams.EncodeCommand(command); err != nil || !bytes.Equal(roundTrip, line) {
			t.Errorf("%s\n got %s, %v\nwant %s", name, roundTrip, err, line)
		}
	}
	for folder, types := range map[string][]string{"events": streams.EventVersions(), "commands": streams.CommandTypes()} {
		files, _ := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
		for _, file := range files {
			if name := strings.TrimSuffix(filepath.Base(file), ".json"); !slices.Contains(types, name) {
				t.Errorf("%s has a file in testdata and is not registered", name)
			}
		}
	}
}

func readTestdata(tb testing.TB, folder, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", folder, name+".json"))
	if err != nil {
		tb.Fatal("type without a file in testdata: ", err)
	}
	return b
}

func TestDecodeBatch_KeepsMalformedLines(t *testing.T) {
	line := func(s string) []byte { return []byte(s) }
	good, _ := streams.EncodeCommand(issueCommand(1))
	const malformed, unknown = "system.malformed", "unknown"
	for name, c := range map[string]struct {
		payload []byte
		want    []string
	}{
		"one":                   {good, []string{"coupons.issue"}},
		"two":                   {slices.Concat(good, line("\n"), good), []string{"coupons.issue", "coupons.issue"}},
		"empty":                 {nil, []string{malformed}},
		"blank last line":       {slices.Concat(good, line("\n")), []string{"coupons.issue", malformed}},
		"garbage between":       {slices.Concat(good, line("\nhello\n"), good), []string{"coupons.issue", malformed, "coupons.issue"}},
		"257 lines":             {bytes.Repeat(line("x\n"), 256), []string{malformed}},
		"too long":              {bytes.Repeat(line("x"), 512<<10+1), []string{malformed}},
		"wildcard user":         {line(`{"type":"coupons.issue","v":1,"entity":"demo","user":"*"}`), []string{malformed}},
		"wildcard entity":       {line(`{"type":"coupons.issue","v":1,"entity":">","user":"u1"}`), []string{malformed}},
		"dot in user":           {line(`{"type":"coupons.issue","v":1,"entity":"demo","user":"a.b"}`), []string{malformed}},
		"no user":               {line(`{"type":"coupons.issue","v":1,"entity":"demo"}`), []string{malformed}},
		"system entity":         {line(`{"type":"coupons.issue","v":1,"entity":"~","user":"u1"}`), []string{malformed}},
		"tick":                  {line(`{"type":"system.tick","v":1,"entity":"~"}`), []string{"system.tick"}},
		"other order":           {line(`{"v":1,"type":"system.tick","entity":"~"}`), []string{malformed}},
		"one more field":        {line(`{"type":"system.tick","v":1,"entity":"~","x":"y"}`), []string{malformed}},
		"unknown field in data": {line(`{"type":"seats.hold","v":1,"entity":"s","user":"u","data":{"scheduleSeatIds":[1],"x":1}}`), []string{malformed}},
		"two objects as data":   {line(`{"type":"seats.hold","v":1,"entity":"s","user":"u","data":{}{}}`), []string{malformed}},
		"array as data":         {line(`{"type":"seats.hold","v":1,"entity":"s","user":"u","data":[1]}`), []string{malformed}},
		"short request":         {line(`{"type":"coupons.issue","v":1,"entity":"demo","request":"abc","user":"u1"}`), []string{malformed}},
		"version zero":          {line(`{"type":"coupons.issue","v":0,"entity":"demo","user":"u1"}`), []string{malformed}},
		"no kind":               {line(`{"type":"issue","v":1,"entity":"demo","user":"u1"}`), []string{malformed}},
		"newer version":         {line(`{"type":"coupons.issue","v":2,"entity":"demo","user":"u1"}`), []string{unknown}},
		"newer type":            {line(`{"type":"gifts.give","v":1,"entity":"demo","user":"u1","data":{"to":"u2"}}`), []string{unknown}},
		"newer type, no json":   {line(`{"type":"gifts.give","v":1,"entity":"demo","user":"u1","data":{"to"}}`), []string{malformed}},
		"malformed by name":     {line(`{"type":"system.malformed","v":1,"entity":"~"}`), []string{unknown}},
	} {
		batch, err := streams.DecodeBatch(7, testTime, c.payload)
		if c.want[0] == unknown {
			if !errors.Is(err, domain.ErrUnknownType) {
				t.Errorf("%s: %v, want domain.ErrUnknownType", name, err)
			}
			continue
		}
		if err != nil || len(batch.Commands) != len(c.want) || batch.Message != 7 || batch.At != testTime {
			t.Errorf("%s: %+v, %v", name, batch, err)
			continue
		}
		for i, got := range batch.Commands {
			if kind, _ := got.Body.Type(); kind != c.want[i] || got.Sequence != 7000+uint64(i) || got.At != testTime {
				t.Errorf("%s: line %d is %+v, want %s", name, i, got, c.want[i])
			}
			if body, ok := got.Body.(domain.Malformed); ok && (len(body.Bytes) > 64<<10 || got.Entity != "~" || got.User != "") {
				t.Errorf("%s: line %d keeps %d bytes, entity %q, user %q", name, i, len(body.Bytes), got.Entity, got.User)
			}
		}
	}
}

func TestEncode_RefusesInvalid(t *testing.T) {
	for name, c := range map[string]domain.Command{
		"unchecked user":   {Entity: "demo", User: "a.>", Body: coupons.Issue{}},
		"unchecked entity": {Entity: "", User: "u1", Body: coupons.Issue{}},
		"malformed":        {Entity: "~", Body: domain.Malformed{}},
		"an event":         {Entity: "demo", User: "u1", Body: coupons.Issued{}},
		"too large":        {Entity: "demo", User: "u1", Body: coupons.Create{Name: strings.Repeat("x", 512<<10)}},
	} {
		if line, err := streams.EncodeCommand(c); err == nil {
			t.Errorf("%s: %.80s", name, line)
		}
	}
	good := domain.Event{Number: 1, Entity: "demo", Body: coupons.Issued{}}
	for name, mutate := range map[string]func(e *domain.Event){
		"unchecked user": func(e *domain.Event) { e.User = "*" },
		"no entity":      func(e *domain.Event) { e.Entity = "" },
		"a command":      func(e *domain.Event) { e.Body = coupons.Issue{} },
		"unknown kind":   func(e *domain.Event) { e.Body = domain.Rejection{Command: "gifts.give"} },
		"too large":      func(e *domain.Event) { e.Body = domain.DeadLetter{Bytes: make([]byte, 1<<20)} },
	} {
		event := good
		mutate(&event)
		if _, err := streams.EncodeEvent(domain.Hash{}, event); err == nil {
			t.Error(name)
		}
	}
}

func TestDecodeEvent_RefusesMismatch(t *testing.T) {
	good := recordChain(t, 0, domain.Hash{}, 1)[0]
	for name, mutate := range map[string]func(r *domain.Record){
		"another number": func(r *domain.Record) { r.Number = 2 },
		"another user":   func(r *domain.Record) { r.Subject = "evt.coupons.demo.u2" },
		"truncated":      func(r *domain.Record) { r.Payload = r.Payload[:len(r.Payload)-1] },
		"other rejection": func(r *domain.Record) {
			r.Payload = bytes.ReplaceAll(r.Payload, []byte("coupons.issued"), []byte("seats.rejected"))
		},
	} {
		r := good
		mutate(&r)
		if _, err := streams.DecodeEvent(r); err == nil || errors.Is(err, domain.ErrUnknownType) {
			t.Errorf("%s: %v", name, err)
		}
	}
	newer := good
	newer.Payload = bytes.Replace(newer.Payload, []byte(`"v":1`), []byte(`"v":2`), 1)
	if _, err := streams.DecodeEvent(newer); !errors.Is(err, domain.ErrUnknownType) || !strings.Contains(err.Error(), "coupons.issued.v2") {
		t.Error(err)
	}
}

func FuzzDecodeBatch(f *testing.F) {
	for _, name := range streams.CommandTypes() {
		f.Add(readTestdata(f, "commands", name))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		batch, err := streams.DecodeBatch(1, testTime, payload)
		if err != nil {
			return
		}
		for _, c := range batch.Commands {
			if _, ok := c.Body.(domain.Malformed); ok {
				continue
			}
			line, err := streams.EncodeCommand(c)
			if err != nil {
				t.Fatalf("%+v: %v", c, err)
			}
			decoded, err := streams.DecodeBatch(1, testTime, line)
			if err != nil || len(decoded.Commands) != 1 {
				t.Fatalf("%s: %+v, %v", line, decoded, err)
			}
			decoded.Commands[0].Sequence = c.Sequence
			if reencoded, err := streams.EncodeCommand(decoded.Commands[0]); err != nil || !bytes.Equal(line, reencoded) {
				t.Fatalf("%s, then %s, %v", line, reencoded, err)
			}
		}
	})
}

func FuzzDecodeEvent(f *testing.F) {
	for _, name := range streams.EventVersions() {
		f.Add(readTestdata(f, "events", name))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		event, err := streams.DecodePayload(payload)
		if err != nil {
			return
		}
		record, err := streams.EncodeEvent(domain.Hash{}, event)
		if err != nil {
			t.Fatalf("%+v: %v", event, err)
		}
		decoded, err := streams.DecodeEvent(record)
		if err != nil {
			t.Fatalf("%s: %v", record.Payload, err)
		}
		if reencoded, err := streams.EncodeEvent(domain.Hash{}, decoded); err != nil || !bytes.Equal(reencoded.Payload, record.Payload) {
			t.Fatalf("%s, then %s, %v", record.Payload, reencoded.Payload, err)
		}
	})
}

func BenchmarkEncodeEvent(b *testing.B) {
	event, _ := streams.DecodePayload(readTestdata(b, "events", "coupons.issued.v1"))
	b.ReportAllocs()
	for b.Loop() {
		streams.EncodeEvent(domain.Hash{}, event)
	}
}

func BenchmarkDecodeEvent(b *testing.B) {
	event, _ := streams.DecodePayload(readTestdata(b, "events", "coupons.issued.v1"))
	record, _ := streams.EncodeEvent(domain.Hash{}, event)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := streams.DecodeEvent(record); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeCommand(b *testing.B) {
	b.ReportAllocs()
	c := issueCommand(1)
	for b.Loop() {
		streams.EncodeCommand(c)
	}
}

func BenchmarkDecodeCommand(b *testing.B) {
	line, _ := streams.EncodeCommand(issueCommand(1))
	b.ReportAllocs()
	for b.Loop() {
		streams.DecodeBatch(1, testTime, line)
	}
}
