// Verification of existing streams. The only change that is made is a larger size.

package streams

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// verify reports all differences of both streams at once.
func verify(commands *jetstream.StreamInfo, wantCommands jetstream.StreamConfig, events *jetstream.StreamInfo, wantEvents jetstream.StreamConfig) error {
	differences := append(differences(commands.Config, wantCommands), differences(events.Config, wantEvents)...)
	if len(differences) > 0 {
		return differences.fault()
	}
	return sameEpoch(commands, events)
}

// checkConfig compares a stream as it is now: it may have been edited while this node runs. Until it is as it was, the node is not
// ready, since its log may refuse commands or drop its oldest messages.
func (l *Log) checkConfig(info *jetstream.StreamInfo, want jetstream.StreamConfig) {
	if l.config.ReadOnly {
		return
	}
	found := differences(info.Config, want)
	if epoch := info.Config.Metadata[epochKey]; epoch != l.epoch {
		found = append(found, difference{want.Name, epochKey, fmt.Sprintf("%q", epoch), l.epoch, "--metadata=" + epochKey + "=" + l.epoch})
	}
	problem := ""
	if len(found) > 0 {
		fault := found.fault()
		problem = fault.String()
		if before := l.problems.set(configKey{want.Name}, problem); before != problem {
			l.logger.Error("a stream was edited", "problem", fault.What, "hint", fault.hint)
		}
		return
	}
	if before := l.problems.set(configKey{want.Name}, ""); before != "" {
		l.logger.Info("the configuration of the stream is as it was", "stream", want.Name)
	}
}

// configKey is the key of a problem of a stream's configuration.
type configKey struct{ stream string }

func sameEpoch(commands, events *jetstream.StreamInfo) error {
	return checkEpochs(commands.Config.Metadata[epochKey], events.Config.Metadata[epochKey])
}

// checkEpochs takes the epochs of both streams.
func checkEpochs(commands, events string) error {
	if len(commands) != 8 || strings.Trim(commands, epochLetters) != "" {
		return fmt.Errorf("stream COMMANDS has epoch %q in its metadata, which is not valid: it was not created by onsale", commands)
	}
	if events != commands {
		return fmt.Errorf("streams COMMANDS and EVENTS belong to different logs: epochs %q and %q", commands, events)
	}
	return nil
}

// difference is one field of a stream that is not as onsale has created it.
type difference struct {
	stream, field, have, want string
	flag                      string // of "nats stream edit", which repairs it; "": it cannot be edited
}

type streamDifferences []difference

// fault has the command that repairs the streams.
func (d streamDifferences) fault() *Fault {
	var texts, commands []string
	flags := map[string][]string{}
	editable := true
	for _, each := range d {
		texts = append(texts, fmt.Sprintf("%s: %s is %s, want %s", each.stream, each.field, each.have, each.want))
		if each.flag == "" {
			editable = false
			continue
		}
		flags[each.stream] = append(flags[each.stream], each.flag)
	}
	for _, stream := range slices.Sorted(maps.Keys(flags)) {
		commands = append(commands, fmt.Sprintf("nats stream edit %s %s", stream, strings.Join(flags[stream], " ")))
	}
	hint := strings.Join(commands, "; ")
	if !editable {
		hint = "a stream cannot be edited back to that: stop the nodes, back the log up, and restore it into new streams"
	}
	return &Fault{"the configuration of the streams differs, and onsale does not change it: " + strings.Join(texts, "; "), hint, nil}
}

// editFlags repair a field by "nats stream edit"; %s is the value that it must have.
var editFlags = map[string]string{
	"subjects": "--subjects='%s'", "retention": "--retention=%s", "discard": "--discard=%s", "discard_new_per_subject": "--no-discard-per-subject",
	"max_age": "--max-age=0s", "max_msgs": "--max-msgs=-1", "max_msgs_per_subject": "--max-msgs-per-subject=-1", "max_msg_size": "--max-msg-size=%s",
	"max_consumers": "--max-consumers=%s", "num_replicas": "--replicas=%s", "duplicate_window": "--dupe-window=%s", "no_ack": "--ack",
	"allow_atomic": "--allow-batch", "allow_direct": "--allow-direct", "allow_rollup_hdrs": "--no-allow-rollup", "mirror_direct": "--no-allow-mirror-direct",
	"deny_delete": "--deny-delete", "deny_purge": "--deny-purge", "allow_msg_schedules": "--no-allow-schedules",
	"republish": "--no-republish", "subject_transform": "--no-transform", "mirror": "--no-mirror",
}

// differences compares all fields, also those that a newer nats-server adds. Placement, description, compression and more replicas than
// configured are left to the operator; increaseMaxBytes handles the size, sameEpoch the epoch.
func differences(have, want jetstream.StreamConfig) (found streamDifferences) {
	have.Description, have.Placement, have.MaxBytes, have.Compression = "", nil, want.MaxBytes, want.Compression
	have.Metadata, want.Metadata = nil, nil
	want.Replicas = max(want.Replicas, have.Replicas)
	h, w := fields(have), fields(want)
	names := slices.Sorted(maps.Keys(h))
	for name := range w {
		if _, ok := h[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if string(h[name]) == string(w[name]) {
			continue
		}
		value := inWords(name, w[name])
		flag := editFlags[name]
		if strings.Contains(flag, "%s") {
			flag = fmt.Sprintf(flag, value)
		}
		found = append(found, difference{want.Name, name, inWords(name, h[name]), value, flag})
	}
	return found
}

// inWords is a value as people write it: times with their unit, no limit as a word.
func inWords(name string, value json.RawMessage) string {
	text := strings.Trim(string(value), `"[]`)
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case text == "":
		return "unset"
	case err != nil:
		return strings.ReplaceAll(text, `","`, ",")
	case name == "max_age" && n == 0:
		return "unlimited"
	case name == "max_age" || name == "duplicate_window" || name == "subject_delete_marker_ttl":
		return time.Duration(n).String()
	case n == -1:
		return "unlimited"
	}
	return text
}

func fields(c jetstream.StreamConfig) map[string]json.RawMessage {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // subjects have a >
	_ = encoder.Encode(c)        // a struct of plain fields
	var m map[string]json.RawMessage
	_ = json.Unmarshal(text.Bytes(), &m)
	return m
}

// increaseMaxBytes applies the configured size if it is larger than the stream's.
func (l *Log) increaseMaxBytes(ctx context.Context, info *jetstream.StreamInfo, maxBytes int64) error {
	c := info.Config
	switch {
	case maxBytes < c.MaxBytes:
		l.logger.Warn("stream size not reduced", "stream", c.Name, "max_bytes", c.MaxBytes, "configured", maxBytes)
	case maxBytes > c.MaxBytes && c.MaxBytes > 0:
		oldMaxBytes := c.MaxBytes
		c.MaxBytes = maxBytes
		if _, err := l.js.UpdateStream(ctx, c); err != nil {
			return fmt.Errorf("increasing the size of stream %s: %w", c.Name, err)
		}
		l.logger.Info("increased stream size", "stream", c.Name, "max_bytes", maxBytes, "was", oldMaxBytes)
	}
	return nil
}
