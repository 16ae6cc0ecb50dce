// Package http is the counter that people stand at: it takes wishes, puts them in line, and tells what became of them.
// It checks shape and identity and never stock; there is one place that decides, and it is not here. Others import it as
// httpd.
//
// Three promises are kept in this package. Whoever is told "complete" can read it: outcomes come from the projector only,
// which gives none before it is confirmed. The same key is the same request: a repetition is compared before anything is
// appended. And bad input is refused with the field that is wrong; it is never appended and never a 500.
package http

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/julienschmidt/httprouter"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/projections"
)

// Config is what a Server works with. Append, Projector, Epoch and CommandsEnd must be set.
type Config struct {
	// Append puts a command in line and says where it stands once that is durable. ErrFull and ErrClosed mean that
	// nothing was stored; after any other error nobody knows. It must return in bounded time: a command, once it is on its
	// way, is not called back when its client goes away.
	Append func(ctx context.Context, c domain.Command) (sequence uint64, err error)

	// Projector knows the outcomes and the read store.
	Projector Projector

	// Epoch is the life of the log: positions are "<epoch>-<n>".
	Epoch string

	// CommandsEnd is the last stream sequence (message number) of COMMANDS. It is asked before a request is said to
	// have never been accepted.
	CommandsEnd func(ctx context.Context) (uint64, error)

	// CapacityProblem is asked before each user's command: the code and the reason for which none is taken now ("log_full", …),
	// or "". Commands of admins pass, because room is kept for them. Nil: never.
	CapacityProblem func() (code, reason string)

	// Streams writes the event streams.
	Streams Streams

	// Payments is how orders are paid. Nil: none can be placed.
	Payments *Payments

	// FakePay is the demo's payment provider, served below /fakepay/. Nil: nothing is there.
	FakePay http.Handler

	// MaxBacklogAge bounds how long a command waits for its decision: users' commands are refused with backlog_full while
	// the oldest undecided one of this node is older. 0: no bound.
	MaxBacklogAge time.Duration

	// Origins may use this API from browsers, with credentials ("https://shop.example"), beside every loopback origin.
	Origins []string

	// NotReady names what else keeps this node from being ready. Nil: nothing.
	NotReady func() []string

	// Metrics are what /metrics shows. Nil: New makes some.
	Metrics *Metrics

	// LogState is how both logs stood when they were last looked at, and when that was. It must not look now. Nil: unknown.
	LogState func() (domain.LogState, time.Time)

	// DebugStreams are the open streams, for /debug/streams. Nil: there is no such path.
	DebugStreams func() []StreamInfo

	// ReadyNotes are what /readyz says beside the reasons: limits of what this node can know.
	ReadyNotes []string

	// Logger hears of faults. Nil: nobody does.
	Logger *slog.Logger
}

// Streams are the handlers of Server-Sent Events. They are called once it is clear who asks and that the stream may
// exist, and they write everything that follows. Headers that w has by then (X-Request-Id, CORS) belong to the answer, also
// when the connection is hijacked. They are called on a halted node too: a stream is never refused with a 503.
type Streams struct {
	User      func(w http.ResponseWriter, r *http.Request, user string)
	Alarms    func(w http.ResponseWriter, r *http.Request, user string) // of all that User tells, the alarms
	Schedule  func(w http.ResponseWriter, r *http.Request, schedule string)
	Promotion func(w http.ResponseWriter, r *http.Request, promotion string)

	// Order tells the verdict on the order of asker that has the payment impUID; where asker is "", on anybody's. There may
	// be no such order yet.
	Order func(w http.ResponseWriter, r *http.Request, impUID, asker string)
}

// Projector is what is asked of projections.Projector. It tells confirmed outcomes only.
type Projector interface {
	// Status is of one moment. It is asked for every command, so it must be cheap.
	Status() projections.Status
	// WaitConfirmed waits until event number may be told.
	WaitConfirmed(ctx context.Context, number uint64) error
	// WaitDecided waits until the command at sequence is decided and its events may be told.
	WaitDecided(ctx context.Context, sequence uint64) error
	// Await waits for the outcome of the command at sequence; for a repeated request that is the first one's.
	Await(ctx context.Context, id domain.RequestID, sequence uint64) (projections.Outcome, error)
	// OutcomeOf is the first outcome of a request; false: none that may be told yet.
	OutcomeOf(id domain.RequestID) (projections.Outcome, bool, error)
	// QueueEstimate is when the command at sequence will be decided; false: that cannot be said.
	QueueEstimate(sequence uint64) (projections.QueueEstimate, bool)
	// Read shows one moment of the store to user; "" is nobody.
	Read(user string, read func(*projections.View) error) error
	// Stats asks the logs how they stand, and counts.
	Stats(ctx context.Context) (projections.Stats, error)

	// Exports are read as they are taken, a piece at a time; an id of "" is all.
	ExportPromotions() iter.Seq2[coupons.Promotion, error]
	ExportCoupons(promotion string) iter.Seq2[projections.OwnedCoupon, error]
	ExportSeats(schedule string) iter.Seq2[projections.OwnedSeat, error]
	ExportReservations() iter.Seq2[projections.OwnedReservation, error]
	ExportProducts() iter.Seq2[orders.Product, error]
	ExportOrders() iter.Seq2[orders.Order, error]
	ExportAuditLog() iter.Seq2[projections.AdminAction, error]
}

// Timeouts and limits of connections. There is no write timeout, because streams live long; large answers and bodies get
// deadlines of their own.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
)

var errShutdown = errors.New("the server shuts down")

// Server answers requests. Make it with New.
type Server struct {
	Config
	router         *httprouter.Router
	inflight       inflightTable
	csrf           *http.CrossOriginProtection
	knownSchedules sync.Map // ids of schedules that exist; they never cease to
	now            func() time.Time
	idPrefix       string
	idCount        atomic.Uint64
	http           *http.Server
	cancel         context.CancelCauseFunc // ends every wait
}

// New makes a server; it listens when Serve is called.
func New(c Config) *Server {
	s := &Server{
		Config: c, router: httprouter.New(), csrf: http.NewCrossOriginProtection(), now: time.Now,
		idPrefix: strings.ToLower(rand.Text()[:10]) + "-",
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	s.inflight.pending = map[domain.RequestID]*inflightRequest{}
	s.routes()
	base, cancel := context.WithCancelCause(context.Background())
	s.cancel = cancel
	s.http = &http.Server{
		Handler: s, DisableGeneralOptionsHandler: true, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog:    slog.NewLogLogger(s.Logger.Handler(), slog.LevelDebug),
	}
	return s
}

// Handler is the whole service for a server of the caller's own.
func (s *Server) Handler() http.Handler { return s }

// Serve answers on l until Shutdown; then it returns nil.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown takes no new connections, ends the waits of those that are here (they get their 202) and the contexts of
// streams, and returns when all are answered. When ctx ends first, what is left is cut off.
func (s *Server) Shutdown(ctx context.Context) error {
	s.cancel(errShutdown)
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	return err
}

// position is event number n as the wire has it.
func (s *Server) position(n uint64) string { return s.Epoch + "-" + strconv.FormatUint(n, 10) }
