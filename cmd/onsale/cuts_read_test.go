// How a listener reads: as a browser does, only that it knows each field and wants it in its place.

package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unique"
)

// read takes an answer as a browser does, only that it knows each field.
func (l *listener) read(v *visit, b *bufio.Reader, enough func() bool) error {
	answer, err := http.ReadResponse(b, nil)
	if err != nil && v.ended != nil {
		return v.ended
	}
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		v.fault("got %s %s, after which EventSource never comes back", answer.Status, answer.Header.Get("Content-Type"))
		return errCut
	}
	body := bufio.NewReader(answer.Body)
	var f seenFrame
	data, retry := false, false
	for {
		line, err := body.ReadString('\n')
		if err != nil {
			return err
		}
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case v.bye:
			v.fault("%q came after the good-bye", line)
		case line == "" && data:
			l.take(v, f)
			if enough != nil && enough() {
				return errEnough
			}
		case line == "" && retry:
			v.bye = true
		case line == "", line == ":":
		case name == "id" && f.id == "":
			f.id = value
		case name == "event" && f.event == "":
			f.event = value
		case name == "data" && !data:
			f.data, data = value, true
		case name == "retry":
			if ms, err := strconv.Atoi(value); err != nil || ms < 2000 {
				v.fault("it shall come back in %q", value)
			}
			retry = true
		default:
			v.fault("a line is %q", line)
		}
		if line == "" {
			f, data, retry = seenFrame{}, false, false
		}
	}
}

// take looks at one frame that came whole.
func (l *listener) take(v *visit, f seenFrame) {
	p := &v.plan
	if v.from == "" {
		var greeting struct{ Status, From, Head, Snapshot string }
		err := json.Unmarshal([]byte(f.data), &greeting)
		came := p.came
		if came == "" {
			came = p.query
		}
		if err != nil || f.event != "connect" || f.id == "" || greeting.From != f.id || greeting.Status != p.status ||
			p.status == "complete" && f.id != came || (p.status == "reset") != (greeting.Snapshot != "") {
			v.fault("came with %q and was greeted with %+v, want %q", came, f, p.status)
		}
		l.saw("greeted: " + greeting.Status)
		if strings.Contains(came, ".") && p.status == "complete" {
			l.saw("came back within an event")
		}
		v.from, v.at = f.id, f.id
		_ = v.limit(time.Now().Add(p.time))
		return
	}
	promotion := l.ofPromotion()
	beats := f.event == "heartbeat" || strings.Contains(f.data, `"isHeartbeat":true`)
	if beats {
		f.event, f.data = "heartbeat", ""
	}
	if f.id != "" {
		if before(f.id, v.at) || f.id == v.at && !beats && !promotion {
			v.fault("%+v came after %s", f, v.at)
		}
		v.at = f.id
	}
	if !promotion {
		v.frames = append(v.frames, unique.Make(f))
	}
	if p.errand {
		return
	}
	if l.last = v.at; f.id != "" {
		if len(l.recent) < 3000 {
			l.recent = append(l.recent, f.id)
		} else {
			l.recent[l.dice.IntN(len(l.recent))] = f.id
		}
	}
	switch {
	case beats:
	case promotion:
		l.screen[f.event] = f.data
	default:
		if seat, status := seatIn(f.data); seat != "" {
			l.screen[seat] = status
		}
	}
}

// seatIn takes the data of a seat's frame apart.
func seatIn(data string) (seat, status string) {
	data, ok := strings.CutPrefix(data, `{"scheduleSeatId":`)
	if !ok {
		return "", ""
	}
	seat, data, _ = strings.Cut(data, `,"status":"`)
	status, _, _ = strings.Cut(data, `"`)
	return seat, status
}
