// The default values, apart from the prose, so that they fit on one screen.

package config

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"time"
)

const defaultPerAddress = 500 // see Limits.LimitThisMachine

// Default returns the configuration of a single node with an embedded server,
// reachable from its own machine only.
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
		Backlog: Backlog{MaxAge: time.Second},
		Streams: Streams{
			RingEvents:    16384,
			MaxAge:        30 * time.Minute,
			UserMaxAge:    60 * time.Minute,
			Heartbeat:     30 * time.Second,
			UserHeartbeat: 25 * time.Second,
			MaxCatchUps:   64,
			MaxPerUser:    100,
			DrainWindow:   10 * time.Second,
		},
		HTTP:   HTTP{IdleTimeout: 620 * time.Second},
		Limits: Limits{PerUser: 20, PerAddress: defaultPerAddress},
		Auth:   Auth{Mode: "demo", Leeway: 30 * time.Second, UserClaim: "sub", UserHeader: "X-User-Id"},
		Payments: Payments{
			Provider: "none", API: "v1", Currency: "KRW", PayWithin: 10 * time.Minute, MissingWithin: time.Minute, MaxOpenOrders: 3,
			Timeout: time.Minute, Concurrency: 64,
		},
		Logging: Logging{Level: "info", Format: "text"},
		Tracing: Tracing{Sample: 0.01},
	}
}

// deriveDefaults sets the defaults that depend on other settings: with a key for
// tokens the mode that uses it, with an external NATS three replicas, and that
// server's own sync setting.
func (c *Config) deriveDefaults(from Origins) {
	if !from.isSet("auth.mode") && (c.Auth.Secret != "" || c.Auth.JWKS != "") {
		c.Auth.Mode = "jwt" // a key is set for nothing else
	}
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

// Address returns the URL of the provider.
func (p Payments) Address() string {
	defaults := map[string]string{"v1": "https://api.iamport.kr", "v2": "https://api.portone.io"}
	return cmp.Or(p.URL, defaults[p.API])
}

// hostNode derives the node's name from the host's; without one it is "onsale".
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
	if len(safe) <= nodeMaxLength {
		return safe
	}
	// Names that an orchestrator makes differ at the end, sometimes only in what is cut here: the hash is of the whole name.
	hash := sha256.Sum256([]byte(host))
	const part = 11
	return fmt.Sprintf("%s-%x-%s", safe[:part], hash[:4], safe[len(safe)-part:])
}
