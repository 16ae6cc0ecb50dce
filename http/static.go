// The demo page at /, embedded in the program.

package http

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"time"

	"onsale/http/auth"
)

//go:embed web/*.html web/*.css web/*.js web/*.d.ts
var web embed.FS

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".ts": "text/plain; charset=utf-8", // onsale.d.ts
}

// The page may only load from and connect to this service, and may not be framed.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// staticFiles serves each file at its name, and index.html at /.
func (s *Server) staticFiles() {
	files, err := web.ReadDir("web")
	if err != nil {
		panic(err) // cannot be: it is embedded
	}
	for _, file := range files {
		route := "/" + file.Name()
		if route == "/index.html" {
			route = "/"
		}
		s.get(route, everyone, staticFile(file.Name()))
	}
}

// staticFile serves one file, which browsers revalidate each time.
func staticFile(name string) handler {
	content, err := web.ReadFile("web/" + name)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(content)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return func(w http.ResponseWriter, r *http.Request, _ auth.Identity) error {
		h := w.Header()
		h.Set("Content-Type", contentTypes[path.Ext(name)])
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin") // pages of other sites may load onsale.js
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
		return nil
	}
}
