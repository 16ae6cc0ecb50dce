// The pages, embedded in the program.

package http

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"maps"
	"net/http"
	"path"
	"slices"
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

// pagePaths are the paths of the pages.
var pagePaths = map[string]string{"index.html": "/", "schedule.html": "/s/:scheduleId"}

func isPage(route string) bool {
	return slices.Contains(slices.Collect(maps.Values(pagePaths)), route)
}

// staticFiles serves each file at its name, and the pages at their paths.
func (s *Server) staticFiles() {
	files, err := web.ReadDir("web")
	if err != nil {
		panic(err) // cannot be: it is embedded
	}
	for _, file := range files {
		route := cmp.Or(pagePaths[file.Name()], "/"+file.Name())
		s.get(route, everyone, staticFile(file.Name()))
	}
}

// staticFile serves one file.
func staticFile(name string) handler {
	content, err := web.ReadFile("web/" + name)
	if err != nil {
		panic(err)
	}
	return newPage(contentTypes[path.Ext(name)], content).serve
}

// page is content that browsers keep, and revalidate each time.
type page struct {
	contentType, tag string
	content          []byte
}

func newPage(contentType string, content []byte) *page {
	sum := sha256.Sum256(content)
	return &page{contentType, `"` + hex.EncodeToString(sum[:8]) + `"`, content}
}

func (p *page) serve(w http.ResponseWriter, r *http.Request, _ auth.Identity) error {
	h := w.Header()
	h.Set("Content-Type", p.contentType)
	setPageHeaders(h)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // pages of other sites may load onsale.js
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", p.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.content))
	return nil
}

func setPageHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("Referrer-Policy", "no-referrer")
}
