// Package openapitest compares what a server really sends with its OpenAPI document. It is stricter than a client should be: a field
// that a schema does not name is an error.
package openapitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

type object = map[string]any

// Document is a document to compare with. It may be used by several goroutines.
type Document struct {
	root     object
	mu       sync.Mutex
	compiler *jsonschema.Compiler
}

const location = "mem:///openapi.json"

// Parse reads a document.
func Parse(document []byte) (*Document, error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, err
	}
	makeStrict(value)
	d := &Document{root: value.(object), compiler: jsonschema.NewCompiler()}
	d.compiler.AssertContent()
	d.compiler.AssertFormat()
	return d, d.compiler.AddResource(location, d.root)
}

// makeStrict closes each schema that has properties, unless it says itself what else there may be, or only adds to another.
func makeStrict(v any) {
	switch v := v.(type) {
	case object:
		_, isSchema := v["properties"].(object)
		if isSchema && v["additionalProperties"] == nil && v["$ref"] == nil {
			v["additionalProperties"] = false
		}
		for _, value := range v {
			makeStrict(value)
		}
	case []any:
		for _, value := range v {
			makeStrict(value)
		}
	}
}

// Exchange is a request with its response.
type Exchange struct {
	Method string
	URL    *url.URL
	Header http.Header
	Body   []byte

	Status         int
	ResponseHeader http.Header
	ResponseBody   []byte
}

// Check compares an exchange with the document. Invalid requests are in order as long as they are refused.
func (d *Document) Check(e Exchange) error {
	method := strings.ToLower(e.Method)
	if method == "head" {
		method = "get"
	}
	template, item := d.find(method, e.URL.Path)
	operation, _ := item[method].(object)
	switch {
	case e.Method == http.MethodOptions:
		return nil
	case item == nil || operation == nil && e.Status < 500:
		return d.checkUnrouted(e, item)
	case e.Method == http.MethodHead && isStream(operation):
		return d.checkUnrouted(e, object{})
	}
	where := pointer("paths", template, method)
	if err := d.checkResponse(e, where, operation); err != nil {
		return fmt.Errorf("%s %s: %d: %w", e.Method, template, e.Status, err)
	}
	if e.Status < 300 {
		if err := d.checkRequest(e, where, operation); err != nil {
			return fmt.Errorf("%s %s: the request: %w", e.Method, template, err)
		}
	}
	return nil
}

// checkUnrouted checks the response to a request that matches no operation.
func (d *Document) checkUnrouted(e Exchange, item object) error {
	code := map[int]string{404: "not_found", 405: "method_not_allowed", 400: "invalid_id", 403: "forbidden"}[e.Status]
	if code == "" || item == nil == (e.Status == 405) {
		return fmt.Errorf("%s %s: %d, and it is not in the document", e.Method, e.URL.Path, e.Status)
	}
	if e.Status == 405 && e.ResponseHeader.Get("Allow") == "" {
		return fmt.Errorf("%s %s: 405 without Allow", e.Method, e.URL.Path)
	}
	if e.Method == http.MethodHead {
		return nil
	}
	return d.validate(pointer("components", "schemas", "problem."+code), e.ResponseBody)
}

// find is the template of a path and its item. One that has the method is preferred, then one without parameters.
func (d *Document) find(method, path string) (template string, item object) {
	segments := strings.Split(path, "/")
	fewest := 2*len(segments) + 1
	for candidate, value := range d.root["paths"].(object) {
		parameters := 0
		matches := slices.EqualFunc(segments, strings.Split(candidate, "/"), func(segment, pattern string) bool {
			if strings.HasPrefix(pattern, "{") {
				parameters++
				return segment != ""
			}
			return segment == pattern
		})
		if value.(object)[method] == nil {
			parameters += len(segments)
		}
		if matches && parameters < fewest {
			template, item, fewest = candidate, value.(object), parameters
		}
	}
	return template, item
}

func isStream(operation object) bool {
	ok, _ := operation["responses"].(object)["200"].(object)
	content, _ := ok["content"].(object)
	return content["text/event-stream"] != nil
}

// general are headers that any response may have: those of HTTP itself, of CORS, and for the protection of browsers.
var general = []string{
	"Content-Type", "Content-Length", "Date", "Connection", "Transfer-Encoding", "Vary", "Last-Modified", "Accept-Ranges",
	"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers",
	"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Strict-Transport-Security", "X-Frame-Options",
	"Cross-Origin-Resource-Policy", "Cross-Origin-Opener-Policy", "X-Accel-Buffering", "Permissions-Policy",
}

func (d *Document) checkResponse(e Exchange, where string, operation object) error {
	status := strconv.Itoa(e.Status)
	response, known := operation["responses"].(object)[status].(object)
	if !known {
		return fmt.Errorf("the document does not have this status: %s", e.ResponseBody)
	}
	headers, _ := response["headers"].(object)
	for name := range e.ResponseHeader {
		isName := func(documented string) bool { return strings.EqualFold(documented, name) }
		if !slices.ContainsFunc(general, isName) && !slices.ContainsFunc(keys(headers), isName) {
			return fmt.Errorf("the header %s is not in the document", name)
		}
	}
	for name, header := range headers {
		ref := header.(object)["$ref"].(string)
		resolved := d.root["components"].(object)["headers"].(object)[strings.TrimPrefix(ref, "#/components/headers/")].(object)
		value := e.ResponseHeader.Get(name)
		if resolved["required"] == true && value == "" {
			return fmt.Errorf("the header %s is missing", name)
		}
		if value != "" {
			quoted, _ := json.Marshal(value)
			if err := d.validate(ref+"/schema", quoted); err != nil {
				return fmt.Errorf("the header %s: %w", name, err)
			}
		}
	}
	content, _ := response["content"].(object)
	if e.Method == http.MethodHead || len(content) == 0 {
		if len(e.ResponseBody) > 0 {
			return fmt.Errorf("a body: %s", e.ResponseBody)
		}
		return nil
	}
	media := e.ResponseHeader.Get("Content-Type")
	if content[media] == nil {
		media, _, _ = mime.ParseMediaType(media)
	}
	if content[media] == nil {
		return fmt.Errorf("the document does not have %q here", e.ResponseHeader.Get("Content-Type"))
	}
	at := where + pointerTail("responses", status, "content", media)
	switch {
	case content[media].(object)["itemSchema"] != nil:
		return d.checkLines(at, e.ResponseBody)
	case !strings.HasSuffix(media, "json"):
		return nil
	}
	return d.validate(at+"/schema", e.ResponseBody)
}

// checkRequest checks a request that was accepted: its parameters and its body are in the document.
func (d *Document) checkRequest(e Exchange, where string, operation object) error {
	var query []string
	for _, parameter := range operation["parameters"].([]any) {
		parameter := parameter.(object)
		if ref, ok := parameter["$ref"].(string); ok {
			parameter = d.root["components"].(object)["parameters"].(object)[strings.TrimPrefix(ref, "#/components/parameters/")].(object)
		}
		if parameter["in"] == "query" {
			query = append(query, parameter["name"].(string))
		}
	}
	for name := range e.URL.Query() {
		if !slices.Contains(query, name) && name != "userId" && name != "ticket" { // those are security schemes
			return fmt.Errorf("the parameter %s is not in the document", name)
		}
	}
	body, _ := operation["requestBody"].(object)
	if len(e.Body) == 0 || body == nil {
		return nil
	}
	media, _, _ := mime.ParseMediaType(e.Header.Get("Content-Type"))
	if body["content"].(object)[media] == nil {
		return fmt.Errorf("the document does not have a body of %s", media)
	}
	if media != "application/json" {
		return nil
	}
	return d.validate(where+pointerTail("requestBody", "content", media, "schema"), e.Body)
}

// Schemas compiles every schema of the document, and returns how many there are.
func (d *Document) Schemas() (count int, err error) {
	err = d.walk("", d.root, &count)
	return count, err
}

func (d *Document) walk(at string, v any, count *int) error {
	switch v := v.(type) {
	case object:
		for key, value := range v {
			where := at + pointerTail(key)
			if _, schema := value.(object); schema && (key == "schema" || key == "itemSchema" || at == "/components/schemas") {
				*count++
				if _, err := d.compile("#" + where); err != nil {
					return err
				}
				continue
			}
			if err := d.walk(where, value, count); err != nil {
				return err
			}
		}
	case []any:
		for i, value := range v {
			if err := d.walk(at+pointerTail(strconv.Itoa(i)), value, count); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Document) compile(where string) (*jsonschema.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.compiler.Compile(location + where)
}

func (d *Document) validate(where string, text []byte) error {
	schema, err := d.compile(where)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	return nil
}

// pointer is a JSON pointer into the document, as the fragment of an address.
func pointer(steps ...string) string { return "#" + pointerTail(steps...) }

func pointerTail(steps ...string) string {
	var b strings.Builder
	for _, step := range steps {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(step)))
	}
	return b.String()
}

func keys(o object) []string {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	return names
}
