// Package config holds every setting of a node: what it means, what it is when
// nobody says anything, and where a value came from.
//
// A setting has one name in three spellings: streams.ringEvents in the YAML
// file, ONSALE_STREAMS_RING_EVENTS in the environment, --streams-ring-events
// on the command line. The command line wins over the environment, that over
// the file, that over the default.
//
// A key of the file that names no setting is a fault. A variable that names none
// is left alone: Kubernetes makes such (ONSALE_SERVICE_HOST) for a service
// that is called onsale. An empty variable counts as not given.
package config

import "time"

// Config is what one node runs with. config/example.yaml shows every key with
// its default.
type Config struct {
	// Listen is the address that serves HTTP, as host:port. Default
	// 127.0.0.1:8080. Port 0 takes any free port; the line "listening on"
	// tells which. With auth.mode demo it must be a loopback address, unless
	// auth.demoAnywhere says the same thing a second time.
	Listen string

	// Data is the directory of everything this node keeps: the read store
	// and, with the embedded server, the logs in nats-server's own layout.
	// Default ./onsale-data. It is made when missing, and locked while a
	// node runs in it.
	Data string

	// Node names this node's lane of commands and its durable consumer: 1 to
	// 32 of A-Z a-z 0-9 _ and -. Default: the host's name, with every other
	// character made a dash and cut at 32. Two nodes on the same NATS must
	// not share a name, and a node keeps its name for life.
	Node string

	// NATS says whose JetStream holds the logs. Empty: an embedded server.
	NATS NATS

	// Sync is how soon a log entry is on the disk for good: "always" before it
	// is acknowledged, or at the latest after an interval of 100ms to 10m.
	// Default 1s. What each promises is a table in the README. Only for the
	// embedded server: with nats.url the setting belongs to that server, and
	// giving one here, in any of the three ways, is a fault.
	Sync Sync

	// Log bounds the two logs. A full log refuses commands with log_full; it
	// never drops its oldest entries.
	Log Log

	// Backlog bounds how far acceptance may run ahead of decision.
	Backlog Backlog

	// Streams shapes the event streams that browsers listen to.
	Streams Streams

	// Auth says how a request's user is known.
	Auth Auth

	// CORS says which other sites' pages may call this node.
	CORS CORS

	// Payments says who is asked whether an order is paid.
	Payments Payments

	// Logging shapes what the process writes about itself to stderr.
	Logging Logging

	// Demo creates the promotion, the schedule and the product "demo" at the
	// start, if they are missing, and prints the page's address. Unless
	// payments.provider names one, a fake payment provider runs inside, at
	// /fakepay/. Default false.
	Demo bool
}

// NATS says whose JetStream holds the logs.
type NATS struct {
	// URL lists servers of one external NATS, as nats://host:port, tls://,
	// ws:// or wss://; in a variable or a flag comma separated. Optional.
	// Empty, the default, means the embedded server. Only one of url and
	// config can be set.
	URL []string

	// Config is a nats-server configuration file for the embedded server, to
	// make it part of a cluster, say. Optional.
	Config string

	// Replicas is the number of copies that JetStream keeps of each log: 1, 3
	// or 5. Default 1 for the embedded server, 3 with nats.url. An embedded
	// server without nats.config has nobody to copy to.
	Replicas int

	// Creds is a credentials file (a user's JWT and its seed, as nsc writes
	// it) to sign in to NATS with. Optional.
	Creds string
}

// Log bounds the two logs. Sizes are written as 8GiB or 512MiB.
type Log struct {
	// CommandsMaxBytes is the size at which the log of commands is full.
	// Default 8GiB, at least 8MiB. At 95 % users' commands are refused.
	// The size is fixed when the log is created.
	CommandsMaxBytes Size

	// EventsMaxBytes is the same for the log of events. Default 16GiB: an
	// outcome takes more room than the command that asked for it.
	EventsMaxBytes Size

	// MinFreeDisk is the free space on the data directory's disk below which
	// commands are refused with log_full. Default 256MiB. 0 turns it off.
	MinFreeDisk Size
}

// Backlog bounds how far acceptance may run ahead of decision.
type Backlog struct {
	// MaxAge is how old the oldest accepted but undecided command may be
	// before new ones are refused with 429: what is accepted is decided
	// soon. Default 5s, from 100ms to 10m.
	MaxAge time.Duration
}

// Streams shapes the event streams that browsers listen to.
type Streams struct {
	// RingEvents is how many of the newest events are kept in memory as
	// frames ready to send; who comes back within them costs no read of the
	// log. Default 16384, from 1024 to 1048576.
	RingEvents int

	// MaxLife is how long the stream of a schedule or promotion lives before it
	// is told to come back, with jitter. Default 30m, from 1s to 24h.
	MaxLife time.Duration

	// UserMaxLife is the same for a user's own stream. Default 60m.
	UserMaxLife time.Duration

	// Heartbeat is the silence after which a schedule's stream sends a sign of
	// life. Default 30s, from 1s to 5m, and shorter than the stream's life.
	// Many proxies cut a connection that is silent for 60s.
	Heartbeat time.Duration

	// UserHeartbeat is the same for a user's own stream. Default 25s.
	UserHeartbeat time.Duration

	// CatchUps is how many streams may read the log at the same time because
	// they are older than the ring; the others wait behind heartbeats.
	// Default 64, from 1 to 4096.
	CatchUps int

	// MaxConnections is how many streams may be open in all. One too many,
	// by this limit or by one of the next two, is told to come back later, in
	// the way that a browser survives. Default 0: four fifths of the files
	// that the system lets this process open. For all three, -1 is no bound.
	MaxConnections int

	// MaxPerUser is the same for one user's streams, and for those of one
	// order. Default 100; 0 is the default too. A schedule's streams belong to
	// nobody.
	MaxPerUser int

	// MaxPerAddress is the same for the streams of one address, as the
	// connection has it and no header. Default 0: no bound, since behind a
	// proxy there is one address.
	MaxPerAddress int

	// DrainWindow is over how long streams end when the process is told to:
	// each at another time, and none told to come back before it is over. A
	// hundred a second is no rush, so a few streams take less. Default 10s,
	// from 0s to 10s: the whole end takes at most 15s.
	DrainWindow time.Duration
}

// Auth says how a request's user is known.
type Auth struct {
	// Mode is demo, the default and the only one in this version: the user is
	// whoever the request says, and admin endpoints are open.
	Mode string

	// DemoAnywhere allows auth.mode demo on an address that others can reach.
	// Default false. Everybody there can act as anybody.
	DemoAnywhere bool
}

// CORS says which other sites' pages may call this node.
type CORS struct {
	// Origins lists them as https://shop.example, without a path. Default
	// none; auth.mode demo allows loopback origins on any port besides.
	Origins []string
}

// Payments says who is asked whether an order is paid. All nodes on one NATS
// have the same.
type Payments struct {
	// Provider is none, the default, or portone. Without one, orders are
	// refused with payments_not_configured.
	Provider string

	// API is the provider's: v1, the default, or v2.
	API string

	// URL is where it is. Default https://api.iamport.kr for v1 and
	// https://api.portone.io for v2.
	URL string

	// Key is the imp_key of v1. Secret is its imp_secret, or the API secret of
	// v2. Better given as ONSALE_PAYMENTS_SECRET than in a file.
	Key, Secret string

	// Store is the store id of v2. Optional: the one of the secret.
	Store string

	// WebhookSecrets are those with which v2 signs its webhooks, as
	// "whsec_..."; two while one replaces the other. None: no webhook of v2
	// is believed. Those of v1 are not signed, and only ever make onsale ask.
	WebhookSecrets []string

	// Currency is the one that payments must be in, in three letters. Default
	// KRW. Prices are in its smallest unit.
	Currency string

	// PayWithin is how long an order waits for its payment before it has
	// failed. Default 10m, from 1s to 720h. Virtual accounts need hours.
	PayWithin time.Duration

	// RequirePrepare takes only payments whose merchant_uid was prepared here,
	// for the same user. Default false: then whoever names an imp_uid first
	// has it, so turn it on wherever an imp_uid can be seen by others.
	RequirePrepare bool

	// Test takes payments of test channels, which move no money. Default
	// false.
	Test bool

	// Timeout is how long one answer may take. Default 60s, which the
	// provider asks for; from 1s to 10m.
	Timeout time.Duration

	// AtOnce is how many orders this node asks about at the same time.
	// Default 64, from 1 to 256.
	AtOnce int
}

// Logging shapes what the process writes about itself to stderr.
type Logging struct {
	// Level is the least that is written: debug, info, warn or error.
	// Default info.
	Level string

	// Format is text, the default, for people, or json for collectors.
	Format string
}
