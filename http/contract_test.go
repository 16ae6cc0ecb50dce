package http

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"onsale/http/openapi"
	"onsale/http/openapi/openapitest"
)

// testContract is the document of this API, to compare with.
var testContract = sync.OnceValues(func() (*openapitest.Document, error) {
	c, err := New(Config{Streams: stubStreams{}}).newContract()
	if err != nil {
		return nil, err
	}
	return openapitest.Parse(c.document.content)
})

// checkContract compares an exchange with the document, which does not have the pages and their files. The streams of the fixture
// are stubs that send text.
func checkContract(t testing.TB, r *http.Request, body string, response *http.Response, responseBody []byte) {
	t.Helper()
	document := must(testContract())(t)
	_, file := contentTypes[path.Ext(r.URL.Path)]
	stub := response.StatusCode == 200 && response.Header.Get("Content-Type") == "text/plain; charset=utf-8" && r.URL.Path != "/debug/streams"
	if page := r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, "/s/"); file || page || r.URL.Query().Has("unknown") || stub {
		return
	}
	if err := document.Check(openapitest.Exchange{
		Method: r.Method, URL: r.URL, Header: r.Header, Body: []byte(body),
		Status: response.StatusCode, ResponseHeader: response.Header, ResponseBody: responseBody,
	}); err != nil {
		t.Error(err)
	}
}

// The document is one of OpenAPI 3.2, and its schemas are valid.
func TestContract_IsOpenAPI(t *testing.T) {
	c := must(New(Config{Streams: stubStreams{}}).newContract())(t)
	compiler := jsonschema.NewCompiler()
	official := must(compiler.Compile("openapi/testdata/schema-3.2.json"))(t)
	document := must(jsonschema.UnmarshalJSON(bytes.NewReader(c.document.content)))(t)
	if err := official.Validate(document); err != nil {
		t.Error(err)
	}
	if count, err := must(testContract())(t).Schemas(); err != nil || count < 300 {
		t.Errorf("%d schemas: %v", count, err)
	}
}

// What an OpenAPI linter looks for: every reference is to something, every component is used, and every operation is described.
func TestContract_IsLinted(t *testing.T) {
	c := must(New(Config{Streams: stubStreams{}}).newContract())(t)
	var root map[string]any
	if err := json.Unmarshal(c.document.content, &root); err != nil {
		t.Fatal(err)
	}
	text := string(c.document.content)
	referred := map[string]bool{}
	for _, match := range regexp.MustCompile(`"\$ref":"#/components/([^"]+)"`).FindAllStringSubmatch(text, -1) {
		referred[match[1]] = true
	}
	for kind, components := range root["components"].(map[string]any) {
		for name := range components.(map[string]any) {
			used := referred[kind+"/"+name] || kind == "securitySchemes" && strings.Contains(text, `{"`+name+`":[]}`) ||
				name == "problem."+methodNotAllowed // of methods that are not in the document
			if !used {
				t.Errorf("nothing uses %s %s", kind, name)
			}
			delete(referred, kind+"/"+name)
		}
	}
	if len(referred) > 0 {
		t.Errorf("not in the document: %v", referred)
	}
	ids := map[string]bool{}
	tags := string(must(json.Marshal(root["tags"]))(t))
	for path, item := range root["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			operation := operation.(map[string]any)
			id, _ := operation["operationId"].(string)
			if id == "" || ids[id] {
				t.Errorf("%s %s: operationId %q", method, path, id)
			}
			ids[id] = true
			tag, _ := operation["tags"].([]any)
			if len(tag) != 1 || !strings.Contains(tags, `"`+tag[0].(string)+`"`) {
				t.Errorf("%s: tags %v", id, tag)
			}
			if summary, _ := operation["summary"].(string); summary == "" || strings.HasSuffix(summary, ".") {
				t.Errorf("%s: summary %q", id, summary)
			}
			if strings.Contains(text, `"x-`) && regexp.MustCompile(`"x-(command|read|list|stream|lines|content|headers|problem-headers|base|body|ok|created|beside|extends|facts|legacy)"`).MatchString(text) {
				t.Fatal("our own notation is left")
			}
		}
	}
}

func TestContract_HasEveryCode(t *testing.T) {
	c := must(New(Config{Streams: stubStreams{}}).newContract())(t)
	for code := range codes {
		if !bytes.Contains(c.document.content, []byte(`"#/components/schemas/problem.`+code+`"`)) && code != methodNotAllowed {
			t.Errorf("no operation has %s", code)
		}
	}
}

var (
	transcriptCommand   = regexp.MustCompile(`^(?:\+|[0-9:.]+) +\S+ +(?:\[\w+\] +)?([a-z]+\.[a-z-]+)`)
	transcriptRejection = regexp.MustCompile(`\* [a-z]+\.rejected .*?code=([a-z_]+)((?: [a-zA-Z_]+=\S+)*)`)
)

// The rules reject each command with codes that its operation has, and explain each with facts that the code has; and a code has no
// facts that never come.
func TestContract_HasRejectionsOfRules(t *testing.T) {
	operations := map[string]string{} // codes of each command
	document := must(openapi.New(documentedCodes(), New(Config{Streams: stubStreams{}}).documentedRoutes()))(t)
	for command, codes := range document.CommandCodes {
		operations[command] = " " + strings.Join(codes, " ") + " "
	}
	if len(operations) < 30 {
		t.Fatal(operations)
	}
	seen := map[string]bool{}
	files := must(filepath.Glob("../domain/machine/testdata/*.txt"))(t)
	if len(files) < 50 {
		t.Fatal("no transcripts")
	}
	for _, file := range files {
		command := ""
		for line := range strings.Lines(string(must(os.ReadFile(file))(t))) {
			if match := transcriptCommand.FindStringSubmatch(line); match != nil {
				command = match[1]
			}
			match := transcriptRejection.FindStringSubmatch(line)
			if match == nil {
				continue
			}
			code := match[1]
			if allowed, ok := operations[command]; ok && !strings.Contains(allowed, " "+code+" ") {
				t.Errorf("%s: %s is rejected with %s: %s", file, command, code, line)
			}
			for fact := range strings.FieldsSeq(match[2]) {
				name, _, _ := strings.Cut(fact, "=")
				if name == "holdId" { // the entity
					continue
				}
				if seen[code+"."+name] = true; !slices.Contains(codes[code].facts, name) {
					t.Errorf("%s: %s has the fact %s: %s", file, code, name, line)
				}
			}
		}
	}
	for code, row := range codes {
		for _, fact := range row.facts {
			if !seen[code+"."+fact] {
				t.Errorf("%s never has the fact %s", code, fact)
			}
		}
	}
}

// streamsOf are the streams of the audiences in the transcripts of view, and of the paths in those of sse.
var streamsOf = map[string]string{
	"owner": "/api/v1/me/events", "alarms": "/api/v1/users/alarm/subscribe", "public": "/api/v1/schedules/s/seats/events",
	"old public": "/api/schedules/s/seats/events", "order": "/api/v1/orders/imp_17/sse", "feed": "/api/v1/admin/events",
	"/users": "/subscribe/1", "/schedules": "/api/v1/schedules/s/seats/events", "/orders": "/api/v1/orders/imp_1/sse",
}

var (
	frameTitle    = regexp.MustCompile(`^> (?:.* for the (old public|\w+)|get (/\w+)/.*)`)
	promotionLine = regexp.MustCompile(`^[0-9.]+ \w+ (\w+) (\S+) (\{.*\})$`)
)

// Every frame that was recorded is one of its stream's in the document.
func TestContract_HasFrames(t *testing.T) {
	document := must(testContract())(t)
	checked := 0
	check := func(file, path string, frame openapitest.Frame) {
		checked++
		if err := document.CheckFrame(path, frame); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, file := range []string{"view/testdata/frames.txt", "sse/testdata/handshake.txt"} {
		path, media, frame := "", "", openapitest.Frame{}
		for line := range strings.Lines(string(must(os.ReadFile(file))(t))) {
			line = strings.TrimSuffix(line, "\n")
			name, value, _ := strings.Cut(line, ": ")
			switch {
			case strings.HasPrefix(line, "> unknown "):
				path = "" // its code is one that nobody has thought of
			case strings.HasPrefix(line, "> "):
				match := frameTitle.FindStringSubmatch(line)
				if match == nil || streamsOf[match[1]+match[2]] == "" {
					t.Fatalf("%s: %s", file, line)
				}
				path, media = streamsOf[match[1]+match[2]], "application/x-ndjson"
				if strings.Contains(line, "CloudEvents") {
					media = "application/cloudevents+json"
				}
			case strings.HasPrefix(line, "{"):
				if err := document.CheckLine(path, media, line); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			case name == "event":
				frame.Event = value
			case name == "data":
				frame.Data = value
			case name == "id":
				frame.ID = value
			case name == "retry":
				frame.Retry, _, _ = strings.Cut(value, " to ")
			case line == "" && frame != openapitest.Frame{}:
				if path != "" {
					check(file, path, frame)
				}
				frame = openapitest.Frame{}
			}
		}
	}
	const promotions = "sse/testdata/promotions.txt"
	for line := range strings.Lines(string(must(os.ReadFile(promotions))(t))) {
		if match := promotionLine.FindStringSubmatch(strings.TrimSpace(line)); match != nil {
			frame := openapitest.Frame{Event: match[1], ID: match[2], Data: match[3]}
			if frame.Event == "connect" {
				frame.Retry = "2000"
			}
			check(promotions, "/api/v1/promotions/p/events", frame)
		}
	}
	check("heartbeat", "/api/v1/schedules/s/seats/events", openapitest.Frame{
		Data: `{"scheduleSeatId":-1,"status":null,"timestamp":"2026-11-22T12:00:00.123Z","isHeartbeat":true}`, ID: testEpoch + "-1",
	})
	for _, path := range []string{"/api/v1/me/events", "/subscribe/1", "/api/v1/users/alarm/subscribe", "/api/v1/orders/imp_1/sse", "/api/v1/admin/events"} {
		check("end of an identity", path, openapitest.Frame{Event: "auth-expiring", Data: `{"expiresAt":"2026-11-22T12:00:00.000Z"}`})
		check("end of an identity", path, openapitest.Frame{Event: "auth-expired", Data: `{"code":"unauthenticated"}`})
	}
	if checked < 120 {
		t.Errorf("only %d frames", checked)
	}
	for _, wrong := range []openapitest.Frame{
		{Event: "unheard-of", Data: "{}", ID: testEpoch + "-1"}, {Event: "alarm", Data: "{}", ID: testEpoch + "-1"}, {Event: "heartbeat"},
	} {
		if document.CheckFrame("/api/v1/me/events", wrong) == nil {
			t.Errorf("%v is in the document", wrong)
		}
	}
}
