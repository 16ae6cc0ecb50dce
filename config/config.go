// Package config holds every setting of a node: its meaning, its default, its
// validation, and where its value came from. A setting has one name in three
// spellings: streams.ringEvents in the YAML file, ONSALE_STREAMS_RING_EVENTS in
// the environment, --streams-ring-events on the command line. Flags override the
// environment, which overrides the file, which overrides the defaults. An
// unknown key in the file is a fault, and so is a variable whose name is almost
// that of a setting. Other unknown variables are ignored: Kubernetes sets some
// (ONSALE_SERVICE_HOST) for a service named onsale. An empty variable counts as
// unset.
package config

import "time"

// Config is the configuration of one node. config/example.yaml shows every key
// with its default.
type Config struct {
	// Listen is the address that serves HTTP, as host:port. Default
	// 127.0.0.1:8080. Port 0 takes any free port; the log line "listening on"
	// shows it. With auth.mode demo, or with demo, it must be a loopback address,
	// unless auth.demoAnywhere is set.
	Listen string

	// Data is the directory of everything this node stores: the read store
	// and, with the embedded server, the logs in nats-server's own layout.
	// Default ./onsale-data. It is created when missing, and locked while a
	// node runs in it.
	Data string

	// Node names this node's subject for commands (cmd.<node>) and its durable
	// consumer: 1 to 32 of A-Z a-z 0-9 _ and -. Default: the host's name, with
	// every other character replaced by a dash; one longer than 32 is cut in the
	// middle, where it gets a hash of the whole. Of two nodes of one name on the
	// same NATS the second is refused; a node must never change its name.
	Node string

	// NATS selects the JetStream that holds the logs. Empty: an embedded server.
	NATS NATS

	// Sync is when a log entry is synced to disk: "always" before it is
	// acknowledged, or at the latest after an interval of 100ms to 10m.
	// Default 1s. OPERATING.md has a table of what each guarantees. Only for
	// the embedded server: with nats.url the setting belongs to that server,
	// and setting it here is a fault.
	Sync Sync

	// Log limits the size of the two logs. A full log refuses commands with
	// log_full; it never drops its oldest entries.
	Log Log

	// Backlog limits the commands that are accepted and not yet decided.
	Backlog Backlog

	// Streams configures the SSE streams.
	Streams Streams

	// HTTP limits the connections that are not streams.
	HTTP HTTP

	// TLS makes this node serve HTTPS.
	TLS TLS

	// Limits limits how many requests one user and one address may make.
	Limits Limits

	// Auth configures how a request's user is determined.
	Auth Auth

	// TrustedProxies lists the addresses of proxies, as 10.0.0.0/8 or 192.0.2.7,
	// in front of this node. A client's address is taken from what they say in
	// X-Forwarded-For, without that in Forwarded, and in auth.mode proxy the
	// user, too. Default none: nobody is believed.
	TrustedProxies []string

	// CORS lists the other sites whose pages may call this node.
	CORS CORS

	// Payments configures the payment provider.
	Payments Payments

	// Logging configures the process's own log, on stderr.
	Logging Logging

	// Debug configures a second port for the engineer on this machine.
	Debug Debug

	// Tracing sends traces of commands to an OpenTelemetry collector.
	Tracing Tracing

	// Demo creates the promotion, the schedule and the product "demo" and the
	// paid schedule "concert" with its coupons at the start, where they are
	// missing, and prints the addresses of their pages. Unless
	// payments.provider is set, a fake payment provider runs in the process, at
	// /fakepay/, which does what any client says. Therefore the node listens on
	// loopback only, in every auth.mode, unless auth.demoAnywhere is set. Default
	// false.
	Demo bool
}

// Log limits the size of the two logs. Sizes are written as 8GiB or 512MiB.
type Log struct {
	// CommandsMaxBytes is the size at which the log of commands is full.
	// Default 8GiB, at least 8MiB. At 95 % users' commands are refused. A
	// larger size is applied to an existing log at the next start; a smaller
	// one is ignored with a warning.
	CommandsMaxBytes Size

	// EventsMaxBytes is the same for the log of events. Default 16GiB: the
	// events of a command are larger than the command.
	EventsMaxBytes Size

	// MinFreeDisk is the free space on the data directory's disk below which
	// commands are refused with log_full. Default 256MiB. 0 turns it off.
	MinFreeDisk Size
}

// Backlog limits the commands that are accepted and wait for their outcome.
type Backlog struct {
	// MaxAge is the age of the oldest of them at which new ones are refused
	// with 429 backlog_full. When a fifth of it is exceeded for that long, this
	// is the limit until the crowd has gone. Default 1s, from 100ms to 10m.
	MaxAge time.Duration
}

// Streams configures the SSE streams.
type Streams struct {
	// RingEvents is how many of the newest events are kept in memory as
	// encoded frames; a client that resumes within them causes no read of the
	// log. Default 16384, from 1024 to 1048576.
	RingEvents int

	// MaxAge is how long the stream of a schedule or promotion is kept open
	// before the client must reconnect, with jitter. Default 30m, from 1s to
	// 24h.
	MaxAge time.Duration

	// UserMaxAge is the same for a user's own stream. Default 60m.
	UserMaxAge time.Duration

	// Heartbeat is the silence after which a schedule's stream sends a
	// heartbeat. Default 30s, from 1s to 5m, and shorter than streams.maxAge.
	// Many proxies cut a connection that is silent for 60s.
	Heartbeat time.Duration

	// UserHeartbeat is the same for a user's own stream. Default 25s.
	UserHeartbeat time.Duration

	// MaxCatchUps is how many streams may read the journal in the read store at
	// the same time because their position is older than the ring; the others
	// wait, with heartbeats.
	// Default 64, from 1 to 4096.
	MaxCatchUps int

	// MaxConnections is how many streams may be open in total. A stream above
	// this limit or one of the next two gets 200 with a retry delay and is
	// closed, because an EventSource never reconnects after an error status.
	// Default 0: four fifths of the connections that the process's file
	// descriptor limit allows. For all three, -1 is no limit.
	MaxConnections int

	// MaxPerUser is the same for one user's streams, and for those of one
	// order or with one filter of the feed. Default 100; 0 means the default. Schedule streams have no user
	// and do not count.
	MaxPerUser int

	// MaxPerAddress is the same for the streams of one client's address; behind
	// a proxy it needs trustedProxies, because all clients have the proxy's
	// address without it. Default 0: no limit.
	MaxPerAddress int

	// DrainWindow is the time over which streams are closed at shutdown, each at
	// another moment, with a retry delay that lasts beyond the window. At least
	// a hundred a second are closed, so a few streams take less. Default 10s,
	// from 0s to 10s: the whole shutdown takes at most 15s.
	DrainWindow time.Duration
}

// HTTP limits the connections that are not streams. There may be as many, with
// the streams, as the process's file descriptor limit allows, less a quarter, at
// most some hundreds, which is kept back for the log and the read store.
type HTTP struct {
	// IdleTimeout is how long a connection waits for its next request. Default
	// 620s, from 1s to 1h: longer than a load balancer keeps a connection that
	// it may send a request on (60s to 600s). When connections run short, the
	// longest idle ones are closed earlier.
	IdleTimeout time.Duration

	// MaxConnectionsPerAddress is how many connections one remote address may
	// have, without its streams; the address is that of the connection, never
	// from a header. Default 0: half of all, which is enough for a proxy. -1 is
	// no limit.
	MaxConnectionsPerAddress int
}

// TLS makes this node serve HTTPS: TLS 1.2 or 1.3, with HTTP/2 and HTTP/1.1. The
// files are read again when they change, and a pair that cannot be used leaves
// the one before it in force.
type TLS struct {
	// Cert is a file with the certificate and behind it those of its issuers, as
	// PEM. Default none: plain HTTP. Set both or neither.
	Cert string

	// Key is a file with the certificate's private key, as PEM.
	Key string
}

// Limits limits how many requests one user and one address may make. What is
// above gets 429 rate_limited, with the time after which it may be repeated.
// Each node counts for itself.
type Limits struct {
	// PerUser is how many commands a second one user may send; after a pause
	// twice as many at once. Commands on the admin endpoints do not count.
	// Default 20, up to 1000000; 0 is no limit.
	PerUser int

	// PerAddress is how many requests a second may come from one address; after
	// a pause twice as many at once. Addresses of IPv6 count by their /64.
	// Requests for health and metrics do not count, and those from this machine
	// only where the limit is another than the default, which spares load tests.
	// Behind a proxy it needs trustedProxies, because all clients have the
	// proxy's address without it. Default 500, up to 1000000; 0 is no limit.
	PerAddress int
}

// LimitThisMachine says that PerAddress holds for requests from this machine too.
func (l Limits) LimitThisMachine() bool { return l.PerAddress != defaultPerAddress }

// Auth configures how a request's user is determined.
type Auth struct {
	// Mode is demo, jwt or proxy. In demo the user is the one that the request
	// names, and admin endpoints are open. In jwt a signed token names the user
	// and the roles. In proxy a header of one of trustedProxies does, and nothing
	// else is believed. Default demo, or jwt where secret or jwks is set.
	Mode string

	// DemoAnywhere allows auth.mode demo, and demo, on an address that other
	// machines can reach. Default false. In auth.mode demo any client can then act
	// as any user and as admin; with demo any client can say what was paid.
	DemoAnywhere bool

	// Secret verifies tokens of HS256: 32 bytes or more, known to nobody but the
	// login that signs them. Make one by "openssl rand -base64 48", and set it as
	// ONSALE_AUTH_SECRET rather than in a file. In mode jwt one of secret and jwks
	// must be set, in the other modes neither.
	Secret string

	// JWKS is a file or an https URL of the JSON Web Key Set that verifies tokens
	// of RS256, ES256 and Ed25519. It is read every 5 minutes, and for an unknown
	// key at once, at most every 10 seconds. "onsale token --new-key" makes one.
	JWKS string

	// Issuer is the iss that tokens must have. Default any.
	Issuer string

	// Audience is the aud that tokens must have. Default any. Set it wherever the
	// login signs tokens for other services with the same key.
	Audience string

	// Leeway is the difference between the clocks of the login and of this node
	// that the times of a token may have: so long after its end it is accepted, and
	// streams go on. Default 30s, from 0s to 5m.
	Leeway time.Duration

	// UserClaim is the claim that names the user. Default sub. Dots lead into
	// objects, here and in rolesClaim.
	UserClaim string

	// RolesClaim is the claim with the roles admin, operator, auditor and viewer,
	// as text or a list, such as realm_access.roles. Default role and roles.
	RolesClaim string

	// UserHeader is the header that names the user in mode proxy. Default
	// X-User-Id. It and rolesHeader are two headers that mean nothing else, unlike
	// Cookie or Forwarded.
	UserHeader string

	// RolesHeader is the header with the roles in mode proxy, comma separated.
	// Default none: then nobody has a role.
	RolesHeader string
}

// CORS lists the other sites whose pages may call this node.
type CORS struct {
	// Origins lists them as https://shop.example, without a path. Default
	// none; auth.mode demo also allows loopback origins on any port.
	Origins []string
}

// Payments configures the payment provider that verifies and refunds payments.
// All nodes on one NATS must have the same.
type Payments struct {
	// Provider is none, the default, or portone. Without one, orders are
	// refused with payments_not_configured.
	Provider string

	// API is the provider's: v1, the default, or v2.
	API string

	// URL is the provider's address. Default https://api.iamport.kr for v1 and
	// https://api.portone.io for v2.
	URL string

	// Key is the imp_key of v1. Secret is its imp_secret, or the API secret of
	// v2. Better set as ONSALE_PAYMENTS_SECRET than in a file.
	Key, Secret string

	// Store is the store id of v2. Optional: by default the store of the secret.
	Store string

	// WebhookSecrets verify the signatures of v2 webhooks, as "whsec_...";
	// two during a rotation. None: every v2 webhook is refused. Webhooks of v1
	// are unsigned. No webhook is trusted with more than triggering a look-up.
	WebhookSecrets []string

	// Currency is the currency that payments must have, a code of ISO 4217.
	// Default KRW. Prices are in its minor unit: 1420 in USD is 14.20 dollars.
	Currency string

	// PayWithin is how long an order waits for its payment before it fails.
	// Default 10m, from 1s to 720h. Virtual accounts need hours.
	PayWithin time.Duration

	// MissingWithin is the same for a payment that the provider does not know:
	// made-up payments hold units only so long. Default 60s, from 1s to 720h;
	// more than PayWithin is PayWithin. Raise it where clients order before
	// they open the payment window.
	MissingWithin time.Duration

	// MaxOpenOrders limits the orders of a user that have no result yet.
	// Default 3, up to 1000; 0 is no limit.
	MaxOpenOrders int

	// RequirePrepare accepts only payments whose merchant_uid was prepared here
	// for the same user. Default false: then the first user who names an
	// imp_uid owns it, so turn it on wherever others can see an imp_uid.
	RequirePrepare bool

	// Test accepts payments of test channels, which move no money. Default
	// false.
	Test bool

	// Timeout limits one request to the provider. Default 60s, as the provider
	// recommends; from 1s to 10m.
	Timeout time.Duration

	// Concurrency is how many orders this node verifies at the same time, a
	// fourth of them at most for one user. Default 64, from 1 to 256.
	Concurrency int
}

// Logging configures the process's own log, on stderr.
type Logging struct {
	// Level is the lowest level that is written: debug, info, warn or error.
	// Default info.
	Level string

	// Format is text, the default, for people, or json for collectors.
	Format string

	// Access writes a line at level info for each response: its route, status,
	// size, duration and request id, and nothing that says who asked or for what.
	// A stream has one at its end. Default false.
	Access bool
}

// Debug configures a second port for the engineer on this machine.
type Debug struct {
	// Listen is a loopback address, as host:port, that serves profiles
	// (/debug/pprof/), the log level (/loglevel) and /metrics. Default none. It
	// asks nobody who they are, so it cannot be opened to other machines.
	Listen string
}

// Tracing sends traces of commands to an OpenTelemetry collector.
type Tracing struct {
	// OTLP is the collector's URL for traces over HTTP, such as
	// http://127.0.0.1:4318/v1/traces. Default none: nothing is traced.
	OTLP string

	// Sample is the share of requests that are traced. Default 0.01, from 0 to 1.
	// A request with a traceparent header is traced if that says so.
	Sample float64
}
