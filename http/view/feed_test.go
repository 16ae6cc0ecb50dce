package view

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"onsale/domain"
)

// A line is the data of the frame, whatever the event contains.
func TestFeed_LinesAreTheDataOfFrames(t *testing.T) {
	for name, e := range samples {
		e.User, e.Entity = `x"\`+"\r\n\ndata: y", "s\u2028\nid: 1"
		for _, content := range []Content{Feed, FeedCloudEvents} {
			line := Render(epoch, &e, Audience{Content: content, Lines: true}).Bytes
			frame := string(Render(epoch, &e, Audience{Content: content}).Bytes)
			if want := "data: " + string(line) + "id: " + (Position{Number: e.Number}).ID(epoch) + "\n\n"; frame != want {
				t.Errorf("%s: the frame is %q, want %q", name, frame, want)
			}
			if bytes.Count(line, []byte("\n")) != 1 || !json.Valid(line) {
				t.Errorf("%s: the line is %q", name, line)
			}
		}
	}
}

// The data of an event in the feed is its body as the log has it.
func TestFeed_ShowsWholeBody(t *testing.T) {
	for name, e := range samples {
		var got struct {
			EventID, Type, Entity, UserID string
			RequestID                     domain.RequestID
			Sequence                      uint64
			At                            domain.Time
			Data                          json.RawMessage
		}
		if err := json.Unmarshal(Render(epoch, &e, Audience{Content: Feed, Lines: true}).Bytes, &got); err != nil {
			t.Fatal(err)
		}
		if e.Entity == domain.SystemEntity {
			e.Entity = ""
		}
		eventType, _ := e.Body.Type()
		if string(got.Data) != string(marshal(e.Body)) || got.Type != eventType || got.Entity != e.Entity || got.UserID != e.User || got.RequestID != e.Request || got.Sequence != e.Sequence || got.At != e.Now {
			t.Errorf("%s: got %+v", name, got)
		}
		if _, at, ok := ParsePosition(got.EventID); !ok || at != (Position{Number: e.Number}) {
			t.Errorf("%s: its id is %s", name, got.EventID)
		}
	}
}

// Names of CloudEvents attributes are lower-case letters and digits; those that the specification has are of its types; integers
// beyond 32 bits would be no Integer of its type system.
func TestFeed_CloudEventsAreValid(t *testing.T) {
	strs := []string{"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "userid", "requestid", "commandsequence"}
	for name, e := range samples {
		var got map[string]json.RawMessage
		if err := json.Unmarshal(Render(epoch, &e, Audience{Content: FeedCloudEvents, Lines: true}).Bytes, &got); err != nil {
			t.Fatal(err)
		}
		for attribute, value := range got {
			if attribute == "data" {
				continue
			}
			if !slices.Contains(strs, attribute) || !regexp.MustCompile(`^[a-z0-9]{1,20}$`).MatchString(attribute) || !regexp.MustCompile(`^"[^"]+"$`).Match(value) {
				t.Errorf("%s: %s is %s", name, attribute, value)
			}
		}
		for _, required := range []string{"specversion", "id", "source", "type"} {
			if got[required] == nil {
				t.Errorf("%s has no %s", name, required)
			}
		}
		if string(got["specversion"]) != `"1.0"` || !strings.HasPrefix(string(got["type"]), `"onsale.`) {
			t.Errorf("%s: %s %s", name, got["specversion"], got["type"])
		}
	}
}

func TestFeed_SystemHasNoEntity(t *testing.T) {
	e := domain.Event{Number: 1, Entity: domain.SystemEntity, Now: 1, Body: domain.DeadLetter{Reason: domain.DeadLetterMalformed, Bytes: []byte("x")}}
	const want = `{"eventId":"k3v9x0ab-1","type":"system.dead-letter","sequence":0,"at":"1970-01-01T00:00:00.001Z","data":{"reason":"malformed","bytes":"eA=="}}` + "\n"
	if got := string(Render(epoch, &e, Audience{Content: Feed, Lines: true}).Bytes); got != want {
		t.Errorf("got %s", got)
	}
}
