// Package http is the HTTP API (imported as httpd): it validates commands, appends them to the log, and reports their
// outcomes. It checks shape and identity, never stock: only the projector decides, and says where a promotion is sold out. Three promises are kept here. A client
// that gets issue-complete can read the result, because outcomes come from the projector, and only confirmed ones. The same
// idempotency key is the same request: a duplicate is detected before anything is appended. Invalid input is refused with
// the name of its field; it is never appended and never a 500.
package http

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/julienschmidt/httprouter"
	"github.com/prometheus/client_golang/prometheus"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/http/auth"
	"onsale/http/sse"
	"onsale/projections"
	"onsale/projections/store"
)

// Config configures a Server. Append, Projector and Epoch are required.
type Config struct {
	// Append appends a command to the log and returns its sequence once it is durable. ErrFull,
	// ErrUnavailable and ErrClosed mean that nothing was stored; after any other error that is unknown. It must return in bounded time, because it is not
	// cancelled when the client disconnects.
	Append func(ctx context.Context, c domain.Command) (sequence uint64, err error)

	// Projector has the outcomes and the read store.
	Projector Projector

	// Epoch identifies the log: positions are "<epoch>-<n>".
	Epoch string

	// CapacityProblem is called before each user's command: it returns the code ("log_full", …) and the reason for which none
	// is accepted now, or "". Admin commands are accepted anyway, because capacity is reserved for them. Nil: no check.
	CapacityProblem func() (code, reason string)

	// Streams serves the event streams.
	Streams Streams

	// Payments is the payment provider. Nil: no orders are accepted.
	Payments *Payments

	// MaxBacklogAge is the backpressure limit: users' commands are refused with backlog_full while the oldest one of this node
	// without a confirmed outcome is older; or, when that goes on, older than a fifth of it. 0: no limit.
	MaxBacklogAge time.Duration

	// Auth identifies the users of requests. Nil: all are who they say, as in its mode demo.
	Auth *auth.Authenticator

	// Origins are the web origins ("https://shop.example") that may use this API with credentials, in mode demo besides loopback.
	Origins []string

	// LocalOnly refuses requests to a host that is no address, not localhost and not of Origins, and those of proxies.
	LocalOnly bool

	// NotReady returns further reasons why this node is not ready. Nil: none.
	NotReady func() []string

	// Isolated says that this node has had no contact with the log for a while: what it knows may be stale, so it refuses reads
	// with not_caught_up. Nil: it never is.
	Isolated func() bool

	// MaxConnections bounds all connections, streams among them, MaxConnectionsPerAddress those of one address without its
	// streams. 0: no limit.
	MaxConnections, MaxConnectionsPerAddress int

	// IdleTimeout is how long a connection may wait for its next request. 0: no limit.
	IdleTimeout time.Duration

	// TLS has the certificate. Nil: plain HTTP/1.1.
	TLS *tls.Config

	// MaxUserCommands and MaxAddressRequests are how many a second are accepted of one user and from one client's address, twice
	// as many at once after a pause. 0: no limit.
	MaxUserCommands, MaxAddressRequests int

	// LimitThisMachine applies MaxAddressRequests also to requests that come over loopback and not from a trusted proxy.
	LimitThisMachine bool

	// Mounts are handlers of other servers, by the path below which they are. They get what has passed the checks of host, origin
	// and address, with that path cut off, and answer to everyone.
	Mounts map[string]http.Handler

	// TrustedProxies are the peers that name the client's address in a header.
	TrustedProxies []netip.Prefix

	// Registry holds the metrics that /metrics shows; New adds its own. Nil: New makes one.
	Registry *prometheus.Registry

	// LogState returns the last known state of both logs and its time. It must not query the logs. Nil: unknown.
	LogState func() (domain.LogState, time.Time)

	// EventTypes are the types that events may have, for the filter of the feed.
	EventTypes []string

	// ReadyNotes returns what /readyz shows although it is no reason: what this node cannot know, and what an operator must do
	// soon. Nil: none.
	ReadyNotes func() []string

	// Trace begins the span of a request for a command, whose context it returns; end is called with the status of the
	// response. Nil: nothing is traced.
	Trace func(r *http.Request, route string) (ctx context.Context, end func(status int))

	// AccessLog writes a line to Logger for each response.
	AccessLog bool

	// Logger gets internal errors. Nil: they are discarded.
	Logger *slog.Logger
}

// Streams is implemented by sse.Hub. Its handlers are called once it is known that who may see the stream and that it may
// exist, and write the whole response. Headers that w has by then (X-Request-Id, CORS) belong to it, also when the connection is hijacked. They
// are called on a halted node too: a stream is never refused with 503.
type Streams interface {
	User(w http.ResponseWriter, r *http.Request, who auth.Identity, user string)
	Alarms(w http.ResponseWriter, r *http.Request, who auth.Identity, user string) // only alarms
	Schedule(w http.ResponseWriter, r *http.Request, who auth.Identity, schedule string)
	Promotion(w http.ResponseWriter, r *http.Request, who auth.Identity, promotion string)
	// Order sends the result of the order with payment impUID, which may not exist yet. The order must be owner's, unless
	// owner is "".
	Order(w http.ResponseWriter, r *http.Request, who auth.Identity, impUID, owner string)
	// Reject answers with a time to come back, for a client that would give up on an error.
	Reject(w http.ResponseWriter, r *http.Request)
	// Feed sends every event that passes the filter. FeedLines answers with those that there are, one line of JSON each; it waits
	// up to wait for the first. Its error means that nothing was written.
	Feed(w http.ResponseWriter, r *http.Request, who auth.Identity, filter sse.Filter, cloudEvents bool)
	FeedLines(w http.ResponseWriter, r *http.Request, filter sse.Filter, cloudEvents bool, wait time.Duration) error
	// Expired answers a client that comes back to a stream without a valid identity.
	Expired(w http.ResponseWriter, r *http.Request)
	// List returns the open streams, and Count how many there are.
	List() []sse.StreamInfo
	Count() int
}

// Projector is implemented by projections.Projector. It returns confirmed outcomes only.
type Projector interface {
	// Status returns a consistent snapshot. It is called for every command, so it must be cheap.
	Status() projections.Status
	// WaitConfirmed waits until event number is confirmed.
	WaitConfirmed(ctx context.Context, number uint64) error
	// WaitDecided waits until the command at sequence is decided and its events are confirmed.
	WaitDecided(ctx context.Context, sequence uint64) error
	// Barrier waits until everything that any node had accepted before the call is decided and confirmed.
	Barrier(ctx context.Context) error
	// Accepted says whether COMMANDS had the command at sequence, from any node, when it was called.
	Accepted(ctx context.Context, sequence uint64) (bool, error)
	// Await waits for the outcome of the command at sequence; for a duplicate it is that of the first.
	Await(ctx context.Context, id domain.RequestID, sequence uint64) (domain.Event, error)
	// OutcomeOf returns the outcome of a request; false: none is confirmed.
	OutcomeOf(id domain.RequestID) (domain.Event, bool, error)
	// MayRefuse says that Refusal may have an answer. It is called for each request for a coupon, so it must be very cheap.
	MayRefuse(promotion string) bool
	// Refusal is how a user's request for a coupon is answered without a command; false: it has to be decided.
	Refusal(promotion, user string, request domain.RequestID, now domain.Time) (coupons.Refusal, bool)
	// QueueEstimate estimates when the command at sequence will be decided; false: unknown.
	QueueEstimate(sequence uint64) (projections.QueueEstimate, bool)
	// LastOfEntity is the number of the last confirmed event of an entity ("seats", "demo"), 0 if there is none.
	LastOfEntity(kind, entity string) uint64
	// Read reads a snapshot of the store as user; "" is anonymous.
	Read(user string, read func(*store.View) error) error
	// Stats queries the logs and counts.
	Stats(ctx context.Context) (projections.Stats, error)

	// Exports are read piece by piece while they are iterated; an id of "" is all.
	ExportPromotions() iter.Seq2[coupons.Promotion, error]
	ExportCoupons(promotion string) iter.Seq2[store.OwnedCoupon, error]
	ExportSeats(schedule string) iter.Seq2[store.OwnedSeat, error]
	ExportReservations() iter.Seq2[store.OwnedReservation, error]
	ExportProducts() iter.Seq2[orders.Product, error]
	ExportOrders() iter.Seq2[orders.Order, error]
	ExportAuditLog() iter.Seq2[store.AdminAction, error]
}

// Timeouts and limits of connections. A request's head and body have deadlines, also while net/http reads what a handler has
// left of a body. The response of a stream has none: the write timeout ends with the connection's hijacking, or its first frame.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second // of a request with a body of maxBody
	importTimeout     = 2 * time.Minute  // of a body of maxImport: 64 KiB a second
	writeTimeout      = 5 * time.Minute  // from the head of a request; beyond importTimeout and all waits
	maxHeaderBytes    = 32 << 10
)

// A connection of HTTP/2 serves so many requests at a time, streams among them. Requests that were reset count until their
// handler returns. A client that is silent for pingAfter is asked whether it is still there; one that takes no byte for
// writeByteTimeout, as long as a stream waits for its reader, is gone.
const (
	maxConcurrentStreams = 100
	pingAfter            = time.Minute
	pingTimeout          = 15 * time.Second
	writeByteTimeout     = 90 * time.Second
)

var errShutdown = errors.New("server is shutting down")

// Server serves the API. Make it with New.
type Server struct {
	Config
	router         *httprouter.Router
	endpoints      []Route
	contract       func() (*contract, error)
	metrics        *metrics
	inflight       inflightTable
	csrf           *http.CrossOriginProtection
	knownSchedules sync.Map // ids of schedules that exist; none is ever deleted
	now            func() time.Time
	idPrefix       string
	idCount        atomic.Uint64
	connections    connections
	rateLimits     rateLimits
	unread         unread
	importTimeout  time.Duration
	http           *http.Server
	cancel         context.CancelCauseFunc // of all requests
}

// New makes a Server.
func New(c Config) *Server {
	s := &Server{
		Config: c, router: httprouter.New(), metrics: newMetrics(), csrf: http.NewCrossOriginProtection(), now: time.Now,
		idPrefix: strings.ToLower(rand.Text()[:10]) + "-", importTimeout: importTimeout,
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.Auth == nil {
		s.Auth = demoAuth()
	}
	if s.Registry == nil {
		s.Registry = prometheus.NewRegistry()
	}
	s.connections = connections{max: c.MaxConnections, maxPerAddress: c.MaxConnectionsPerAddress, streams: c.Streams.Count, openingGrace: openingGrace,
		open: map[net.Conn]*connection{}, byAddress: map[netip.Addr]int{}}
	s.rateLimits.user, s.rateLimits.address = newLimiter(c.MaxUserCommands), newLimiter(c.MaxAddressRequests)
	s.unread = unread{max: maxUnread, maxPerAddress: 2 * c.MaxAddressRequests, timeout: responseTimeout, byAddress: map[netip.Addr]int{}}
	s.inflight.pending, s.inflight.pressure.limit = map[domain.RequestID]*inflightRequest{}, c.MaxBacklogAge
	s.registerMetrics()
	s.routes()
	s.contract = sync.OnceValues(s.newContract)
	base, cancel := context.WithCancelCause(context.Background())
	s.cancel = cancel
	s.http = &http.Server{
		Handler: s, DisableGeneralOptionsHandler: true, MaxHeaderBytes: maxHeaderBytes,
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: c.IdleTimeout,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxConcurrentStreams, SendPingTimeout: pingAfter, PingTimeout: pingTimeout, WriteByteTimeout: writeByteTimeout,
		},
		ConnState:   s.connections.note,
		BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog:    slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
	}
	return s
}

// Serve serves h, which is s or wraps it, on l until Shutdown; then it returns nil.
func (s *Server) Serve(l net.Listener, h http.Handler) error {
	s.http.Handler = h
	bounded := &boundedListener{Listener: l, connections: &s.connections, closed: make(chan struct{})}
	var err error
	if s.TLS != nil {
		s.http.TLSConfig = s.TLS
		err = s.http.ServeTLS(bounded, "", "")
	} else {
		err = s.http.Serve(bounded)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown accepts no new connections, ends the waits of commands (they get their 202) and the contexts of streams, and
// returns when all requests are answered. When ctx ends first, the remaining connections are closed.
func (s *Server) Shutdown(ctx context.Context) error {
	s.cancel(errShutdown)
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	return err
}

// position is the position of event number n.
func (s *Server) position(n uint64) string { return s.Epoch + "-" + strconv.FormatUint(n, 10) }
