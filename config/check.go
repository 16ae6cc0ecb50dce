// What a value must be beyond its kind: ranges, choices, and settings that do
// not go together. Every rule here stands in the prose of Config as well.

package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	nodeCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	nodeMaxLength  = 32
)

// checking is one pass over a configuration: what was said, and what is wrong.
type checking struct {
	from   Origins
	faults Faults
}

// fault notes that the value of key is wrong.
func (k *checking) fault(key, what, hint string) {
	k.faults = append(k.faults, Fault{k.from.Of(key), key + " " + what, hint})
}

// check gives everything that is wrong with c, whose values come from there.
func (c Config) check(from Origins) Faults {
	k := &checking{from: from}
	k.listen(c)
	if c.Data == "" {
		k.fault("data", "is empty", "name a directory, such as ./onsale-data")
	}
	if c.Node == "" || len(c.Node) > nodeMaxLength || strings.Trim(c.Node, nodeCharacters) != "" {
		k.fault("node", "is "+quoted(c.Node), "1 to 32 of A-Z a-z 0-9 _ and -")
	}
	k.nats(c)
	k.sync(c)
	k.roomy("log.commandsMaxBytes", c.Log.CommandsMaxBytes)
	k.roomy("log.eventsMaxBytes", c.Log.EventsMaxBytes)
	within(k, "backlog.maxAge", c.Backlog.MaxAge, 100*time.Millisecond, 10*time.Minute)
	k.streams(c.Streams)
	if c.Auth.Mode != "demo" {
		k.fault("auth.mode", "is "+quoted(c.Auth.Mode), "this version has demo only")
	}
	k.origins(c.CORS.Origins)
	k.payments(c.Payments)
	oneOf(k, "logging.level", c.Logging.Level, "debug", "info", "warn", "error")
	oneOf(k, "logging.format", c.Logging.Format, "text", "json")
	return k.faults
}

func (k *checking) sync(c Config) {
	switch {
	case len(c.NATS.URL) > 0 && k.from.given("sync"):
		k.fault("sync", "cannot be given with nats.url", "it belongs to that server's own configuration; leave it out here")
	case len(c.NATS.URL) == 0 && !c.Sync.Always:
		within(k, "sync", c.Sync.Interval, 100*time.Millisecond, 10*time.Minute)
	}
}

func (k *checking) streams(s Streams) {
	within(k, "streams.ringEvents", s.RingEvents, 1024, 1048576)
	within(k, "streams.maxLife", s.MaxLife, time.Second, 24*time.Hour)
	within(k, "streams.userMaxLife", s.UserMaxLife, time.Second, 24*time.Hour)
	within(k, "streams.heartbeat", s.Heartbeat, time.Second, 5*time.Minute)
	within(k, "streams.userHeartbeat", s.UserHeartbeat, time.Second, 5*time.Minute)
	within(k, "streams.catchUps", s.CatchUps, 1, 4096)
	k.limit("streams.maxConnections", s.MaxConnections)
	k.limit("streams.maxPerUser", s.MaxPerUser)
	k.limit("streams.maxPerAddress", s.MaxPerAddress)
	within(k, "streams.drainWindow", s.DrainWindow, 0, 10*time.Second)
	if s.MaxLife <= s.Heartbeat {
		k.fault("streams.maxLife", fmt.Sprintf("is %v", s.MaxLife), fmt.Sprintf("longer than streams.heartbeat, %v", s.Heartbeat))
	}
	if s.UserMaxLife <= s.UserHeartbeat {
		k.fault("streams.userMaxLife", fmt.Sprintf("is %v", s.UserMaxLife), fmt.Sprintf("longer than streams.userHeartbeat, %v", s.UserHeartbeat))
	}
}

// limit notes a negative one that is not the word for none.
func (k *checking) limit(key string, most int) {
	if most < -1 {
		k.fault(key, fmt.Sprintf("is %d", most), "how many, 0 for the default, or -1 for no bound")
	}
}

// roomy notes a log too small to hold a rush of the largest messages.
func (k *checking) roomy(key string, size Size) {
	if size < 8*MiB {
		k.fault(key, "is "+size.String(), "at least 8MiB")
	}
}

// within notes a value outside of its range, both ends of which are allowed.
func within[V ~int | ~int64](k *checking, key string, value, least, most V) {
	if value < least || value > most {
		k.fault(key, fmt.Sprintf("is %v", value), fmt.Sprintf("from %v to %v", least, most))
	}
}

// oneOf notes a value that is none of the choices.
func oneOf(k *checking, key, value string, choices ...string) {
	if !slices.Contains(choices, value) {
		k.fault(key, "is "+quoted(value), "one of "+strings.Join(choices, ", "))
	}
}
