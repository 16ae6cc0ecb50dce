// The API explained by itself: /openapi.json for programs, /docs for people, and a page for each code, which the type of a problem
// names.

package http

import (
	"bytes"
	_ "embed"
	"html/template"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"onsale/http/auth"
	"onsale/http/openapi"
)

//go:embed problem.html
var problemPage string

var problemTemplate = template.Must(template.New("problem").Funcs(template.FuncMap{"text": openapi.FormatText}).Parse(problemPage))

// contract is the OpenAPI document of this server's routes and codes, and the page that shows it.
type contract struct{ document, docs *page }

func (s *Server) newContract() (*contract, error) {
	document, err := openapi.New(documentedCodes(), s.documentedRoutes())
	if err != nil {
		return nil, err
	}
	html, err := document.HTML()
	return &contract{newPage("application/json", document.JSON), newPage("text/html; charset=utf-8", html)}, err
}

func documentedCodes() (table []openapi.Code) {
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		row := codes[code]
		table = append(table, openapi.Code{Code: code, Title: row.title, Status: row.status, RetryAfter: row.retryAfter, Facts: row.facts})
	}
	return table
}

// documentedRoutes are the routes that belong to the document: all but the files of the demo page, and what is mounted.
func (s *Server) documentedRoutes() (routes []openapi.Route) {
	for _, endpoint := range s.endpoints {
		_, file := contentTypes[path.Ext(endpoint.Path)]
		if mounted := strings.HasSuffix(endpoint.Path, mountedPath); !file && !mounted && !isPage(endpoint.Path) {
			routes = append(routes, openapi.Route{
				Method: endpoint.Method, Path: endpoint.Path, Who: endpoint.Who, Public: endpoint.public, Anonymous: endpoint.anonymous, Stream: endpoint.Stream,
			})
		}
	}
	return routes
}

// serveContract answers GET /openapi.json and /docs, which are made at the first request.
func (s *Server) serveContract(choose func(*contract) *page) handler {
	return func(w http.ResponseWriter, r *http.Request, who auth.Identity) error {
		c, err := s.contract()
		if err != nil {
			return err
		}
		return choose(c).serve(w, r, who)
	}
}

// problemView is a code as /problems/CODE shows it.
type problemView struct {
	Code       string   `json:"code"`
	Status     int      `json:"status"`
	Title      string   `json:"title"`
	Meaning    string   `json:"meaning"`
	Action     string   `json:"action"`
	Facts      []string `json:"facts"`
	RetryAfter int      `json:"retryAfter,omitempty"`

	Korean bool `json:"-"`
}

// explainProblem answers GET /problems/:code.
func (s *Server) explainProblem(w http.ResponseWriter, r *http.Request, _ auth.Identity) error {
	code := r.PathValue("code")
	texts, known := explanations[code]
	if !known {
		return problemf(notFound, "there is no such code")
	}
	row := codes[code]
	v := problemView{Code: code, Status: row.status, Title: row.title, Facts: append([]string{}, row.facts...), RetryAfter: row.retryAfter}
	if v.Status == http.StatusBadRequest {
		v.Facts = append(v.Facts, "field", "line")
	}
	language, text := "en", texts[inEnglish]
	if v.Korean = prefersKorean(r); v.Korean {
		language, text = "ko", texts[inKorean]
	}
	v.Meaning, v.Action = text.meaning, text.action
	h := w.Header()
	h.Set("Content-Language", language)
	h.Set("Cache-Control", "no-cache")
	h.Add("Vary", "Accept, Accept-Language")
	if accepts(r, "application/json") && !accepts(r, "text/html") {
		return sendJSON(w, http.StatusOK, v)
	}
	setPageHeaders(h)
	var page bytes.Buffer
	if err := problemTemplate.Execute(&page, v); err != nil {
		return err
	}
	send(w, http.StatusOK, []string{"text/html; charset=utf-8"}, page.Bytes())
	return nil
}

// accepts says whether Accept names a media type. Without any it names none.
func accepts(r *http.Request, media string) bool {
	for _, header := range r.Header["Accept"] {
		for accepted := range strings.SplitSeq(header, ",") {
			name, _, _ := strings.Cut(accepted, ";")
			if strings.EqualFold(strings.TrimSpace(name), media) {
				return true
			}
		}
	}
	return false
}

// prefersKorean says whether a page is read in Korean: by ?lang=, or else where Accept-Language names ko before en.
func prefersKorean(r *http.Request) bool {
	if lang := r.URL.Query().Get("lang"); lang == "ko" || lang == "en" {
		return lang == "ko"
	}
	for language := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		switch primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(language)), "-"); strings.SplitN(primary, ";", 2)[0] {
		case "ko":
			return true
		case "en":
			return false
		}
	}
	return false
}
