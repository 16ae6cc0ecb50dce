// The one page at /: files that the program carries within itself.
package http

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"time"
)

//go:embed web/*.html web/*.css web/*.js
var web embed.FS

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
}

// The page may load and connect to nothing but this service, and no other page may frame it.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page serves each file at its name, and index.html at /.
func (s *Server) page() {
	files, err := web.ReadDir("web")
	if err != nil {
		panic(err) // it was not built in
	}
	for _, file := range files {
		at := "/" + file.Name()
		if at == "/index.html" {
			at = "/"
		}
		s.get(at, pageFile(file.Name()))
	}
}

// pageFile serves one file of the page. Browsers ask each time whether it has changed.
func pageFile(name string) handler {
	content, err := web.ReadFile("web/" + name)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(content)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h.Set("Content-Type", contentTypes[path.Ext(name)])
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
		return nil
	}
}
