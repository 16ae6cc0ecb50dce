// Who may use a route. Each route has one of these rows, and no handler is called before its row is checked; what belongs to
// one user is checked by its handler, once the owner is known.

package http

import (
	"log/slog"
	"net/http"
	"slices"

	"github.com/julienschmidt/httprouter"
	"github.com/prometheus/client_golang/prometheus"

	"onsale/http/auth"
)

// access is a row of the table of who may use what.
type access struct {
	who       string     // as the table shows it
	public    bool       // the handler does not need to know who asks, so it is not determined
	anonymous bool       // also without a user
	demo      bool       // in demo mode also without a user
	roles     auth.Roles // one of them is needed; 0: none
}

var (
	everyone  = access{who: "everyone", public: true}
	visitors  = access{who: "everyone, who sees what is theirs", anonymous: true}
	users     = access{who: "any user"}
	self      = access{who: "the same user, " + auth.Admin.String()}
	owners    = access{who: "its user, " + seesAnybody.String()}
	viewers   = withRole(auth.Admin | auth.Operator | auth.Auditor | auth.Viewer)
	auditors  = withRole(auth.Admin | auth.Operator | auth.Auditor)
	operators = withRole(auth.Admin | auth.Operator)
	admins    = withRole(auth.Admin)

	// Who takes paid seats back cancels their orders, and that is for admins.
	reclaimers = access{who: operators.who + "; with a refund " + admins.who, roles: operators.roles}

	// The buyer of an order may watch it without an identity in demo mode, where one could be invented as well.
	watchers = access{who: owners.who + "; in demo mode everyone", demo: true}

	// seesAnybody are the roles that may read any user's requests and orders.
	seesAnybody = auditors.roles
)

func withRole(roles auth.Roles) access { return access{who: roles.String(), roles: roles} }

// Route is a row of the table of who may use what.
type Route struct {
	Method, Path string
	Who          string
	Stream       bool

	public, anonymous bool // as the OpenAPI document says it
}

// Routes is the table of who may use what, in modes other than demo, with what is mounted below these paths. Rows of HEAD, which
// answers wherever GET does, are left out.
func Routes(mounts ...string) []Route {
	s := &Server{router: httprouter.New(), metrics: newMetrics(), Config: Config{
		Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(), Mounts: map[string]http.Handler{},
	}}
	for _, prefix := range mounts {
		s.Mounts[prefix] = http.NotFoundHandler()
	}
	s.routes()
	return slices.DeleteFunc(s.endpoints, func(r Route) bool { return r.Method == http.MethodHead })
}

// admit determines who makes a request, and whether the row lets them in. In demo mode all may do what needs a role; without a
// user they do it as admin.
func (s *Server) admit(r *http.Request, row access, stream bool) (auth.Identity, error) {
	if row.public {
		return auth.Identity{}, nil
	}
	who, err := s.Auth.Identify(r, stream)
	demo := s.Auth.IsDemo()
	switch {
	case err != nil:
		return auth.Identity{}, err
	case who.User == "" && row.roles != 0 && demo:
		return auth.Identity{User: adminUser, Roles: auth.Admin}, nil
	case who.User == "" && !row.anonymous && !(row.demo && demo):
		return auth.Identity{}, problemf(unauthenticated, "")
	}
	return who, s.checkRoles(who, row)
}

// checkRoles refuses users without the roles of the row.
func (s *Server) checkRoles(who auth.Identity, row access) error {
	if row.roles != 0 && !who.Roles.Any(row.roles) && !s.Auth.IsDemo() {
		return problemf(forbidden, "this is for %s", row.who)
	}
	return nil
}

// maySee says whether who may see what belongs to a user.
func maySee(who auth.Identity, owner string) bool {
	return who.User == owner || who.Roles.Any(seesAnybody)
}
