// Requests that go wrong before anything is done.
package fake

import (
	"net"
	"net/http"
	"slices"
)

// before says that the request has no effect.
func (f Fault) before() bool {
	return slices.Contains([]Kind{Error, Reset, TooMany, Refuse, Redirect}, f.Kind)
}

// refuse answers what has no effect.
func (f Fault) refuse(w http.ResponseWriter, v2 bool) {
	switch f.Kind {
	case Error:
		http.Error(w, "internal error", http.StatusInternalServerError)
	case TooMany:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "slow down", http.StatusTooManyRequests)
	case Redirect:
		w.Header().Set("Location", "/_fake/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
	case Refuse:
		if v2 {
			write(w, Fault{}, problem(http.StatusConflict, "SOMETHING_NEW", "PG사 점검 시간입니다."))
		} else {
			write(w, Fault{}, no(http.StatusOK, -1, "PG사 점검 시간입니다."))
		}
	default:
		reset(w)
	}
}

// reset breaks the connection, so that the client's kernel says so at once.
func reset(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	connection.Close()
}
