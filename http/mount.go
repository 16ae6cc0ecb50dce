// Handlers of other servers below a path of this one, such as the demo's payment provider.

package http

import (
	"net/http"
	"path"

	"onsale/http/auth"
)

// mountedPath is how the path of a mount ends in the table of routes.
const mountedPath = "/*path"

// mount adds the routes of a handler below prefix. A path with "..", "." or "//" is none of them: the handler might redirect it to
// one that is not below the prefix.
func (s *Server) mount(prefix string, h http.Handler) {
	stripped := http.StripPrefix(prefix, h)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
		s.handle(method, prefix+mountedPath, everyone, false, func(w http.ResponseWriter, r *http.Request, _ auth.Identity) error {
			if clean := path.Clean(r.URL.Path); r.URL.Path != clean && r.URL.Path != clean+"/" {
				return problemf(notFound, "")
			}
			stripped.ServeHTTP(w, r)
			return nil
		})
	}
}
