// What a node runs with when nobody says anything lives apart from the prose, so
// that it can be read, and changed, at one glance.

package config

import (
	"os"
	"strings"
	"time"
)

// Default gives the configuration of a single embedded node that only its own
// machine can reach.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:8080",
		Data:   "./onsale-data",
		Node:   hostNode(os.Hostname()),
		NATS:   NATS{Replicas: 1},
		Sync:   Sync{Interval: time.Second},
		Log: Log{
			CommandsMaxBytes: 8 * GiB,
			EventsMaxBytes:   16 * GiB,
			MinFreeDisk:      256 * MiB,
		},
		Backlog: Backlog{MaxAge: 5 * time.Second},
		Streams: Streams{
			RingEvents:    16384,
			MaxLife:       30 * time.Minute,
			UserMaxLife:   60 * time.Minute,
			Heartbeat:     30 * time.Second,
			UserHeartbeat: 25 * time.Second,
			CatchUps:      64,
			MaxPerUser:    100,
			DrainWindow:   10 * time.Second,
		},
		Auth: Auth{Mode: "demo"},
		Payments: Payments{
			Provider: "none", API: "v1", Currency: "KRW", PayWithin: 10 * time.Minute, Timeout: time.Minute, AtOnce: 64,
		},
		Logging: Logging{Level: "info", Format: "text"},
	}
}

// deriveDefaults fills in the defaults that depend on other settings: a NATS of its own
// keeps three copies, and has its own way to sync.
func (c *Config) deriveDefaults(from Origins) {
	if len(c.NATS.URL) == 0 {
		return
	}
	if !from.isSet("nats.replicas") {
		c.NATS.Replicas = 3
	}
	if !from.isSet("sync") {
		c.Sync = Sync{}
	}
}

// hostNode makes a node's name of the host's, and a fixed one where the host
// has none.
func hostNode(host string, err error) string {
	if err != nil || host == "" {
		return "onsale"
	}
	safe := strings.Map(func(r rune) rune {
		if strings.ContainsRune(nodeCharacters, r) {
			return r
		}
		return '-'
	}, host)
	return safe[:min(len(safe), nodeMaxLength)]
}
